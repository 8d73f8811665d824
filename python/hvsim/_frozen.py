"""Dicts and lists that nobody changes, and that are dicts and lists to JSON, to equality and to pickle."""

from __future__ import annotations

from typing import Any, NoReturn


def freeze(value: Any) -> Any:
    """A copy of JSON data that cannot be changed, however deep one reaches."""
    if isinstance(value, dict):
        return FrozenDict({key: freeze(child) for key, child in value.items()})
    if isinstance(value, list):
        return FrozenList(freeze(child) for child in value)
    return value


def _refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
    raise TypeError("results and configs of results cannot be changed; dict(...) or list(...) makes a copy")


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed."""

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """By content, for the usual way would change a new one."""
        return type(self), (dict(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        """By content, for the usual way would change a new one."""
        return type(self), (list(self),)
