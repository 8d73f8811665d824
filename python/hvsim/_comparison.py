"""What tells two results apart: in their configs, their exits and their statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True, eq=False)
class Difference:
    """Two results beside each other. Every frame has columns ``this`` and ``other``.

    Attributes:
        same: Whether both have the same result hash: the simulation went the same way.
        config: Keys of the configs whose values differ, by path.
        summary: Figures that differ, with ``change`` (other minus this), ``percent`` of this, unit and help.
        exits: Exits by VM and cause whose count or cycles differ: those of both, and the change.
        stats: Counters that differ, as `summary`.
    """

    same: bool
    config: pd.DataFrame
    summary: pd.DataFrame
    exits: pd.DataFrame
    stats: pd.DataFrame

    def __bool__(self) -> bool:
        return not self.same

    def __repr__(self) -> str:
        if self.same:
            return "<hvsim.Difference: none, the results are the same>"
        return (
            f"<hvsim.Difference: {len(self.config)} config keys, {len(self.summary)} figures, "
            f"{len(self.exits)} exits, {len(self.stats)} counters>"
        )

    def _repr_html_(self) -> str:
        if self.same:
            return "<p>The results are the same.</p>"
        parts = {"Config": self.config, "Summary": self.summary, "Exits": self.exits}
        return "".join(f"<p>{name}</p>{frame.to_html()}" for name, frame in parts.items() if len(frame))


def compare_configs(this: Mapping[str, Any], other: Mapping[str, Any]) -> pd.DataFrame:
    """Keys whose values differ; missing ones are None."""
    left, right = dict(_leaves(this, "")), dict(_leaves(other, ""))
    rows = [
        (path, left.get(path), right.get(path))
        for path in dict.fromkeys([*left, *right])
        if left.get(path) != right.get(path) or (path in left) != (path in right)
    ]
    return pd.DataFrame(rows, columns=["key", "this", "other"]).set_index("key")


def compare_figures(this: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Rows of frames with ``value``, ``unit`` and ``help`` whose values differ."""
    order = list(dict.fromkeys([*this.index, *other.index]))
    index = pd.Index(order, name=this.index.name)
    sides = {"this": this["value"].reindex(index), "other": other["value"].reindex(index)}
    both = pd.DataFrame(sides, dtype=object)
    changed = both[[not _equal(a, b) for a, b in zip(both["this"], both["other"], strict=True)]]
    rows = changed.assign(
        change=[_change(a, b) for a, b in zip(changed["this"], changed["other"], strict=True)],
        percent=pd.Series(
            [_percent(a, b) for a, b in zip(changed["this"], changed["other"], strict=True)],
            index=changed.index,
            dtype=object,
        ),
    )
    described = pd.concat([this, other])[["unit", "help"]]
    return rows.join(described[~described.index.duplicated()])


def compare_exits(this: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Exits by VM and cause, of both; what one has not is 0."""
    keys, figures = ["vm", "cause"], ["count", "cycles"]
    left, right = this.set_index(keys)[figures], other.set_index(keys)[figures]
    order = list(dict.fromkeys([*left.index, *right.index]))
    index = pd.MultiIndex.from_tuples(order, names=keys)
    left, right = (side.reindex(index).fillna(0).astype("int64") for side in (left, right))
    parts = {"this": left, "other": right, "change": right - left}
    both = pd.concat(list(parts.values()), keys=list(parts), axis=1).swaplevel(axis=1)
    both = both[[(figure, side) for figure in figures for side in parts]]
    return both[(right != left).any(axis=1)]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, f"{path}[{index}]")
    else:
        yield path, value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b) or (a != a and b != b)


def _change(a: Any, b: Any) -> Any:
    return b - a if _is_number(a) and _is_number(b) else None


def _percent(a: Any, b: Any) -> float | None:
    return 100 * (b - a) / a if _is_number(a) and _is_number(b) and a != 0 else None
