"""The space of a sweep: axes of every kind become points, each of them settings to lay over the base."""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hvsim._errors import ConfigError

Json = Any

# Bounds what a slip of the pen can start.
MOST_POINTS = 100_000


@dataclass(frozen=True)
class Value:
    """One value of an axis.

    Attributes:
        coordinate: What the table shows: a number, a text, true or false.
        settings: Values by config path.
    """

    coordinate: Json
    settings: Mapping[str, Json]


@dataclass(frozen=True)
class Point:
    """One point of a sweep.

    Attributes:
        coordinates: What the table shows, by axis.
        settings: Values by config path, to lay over the base.
    """

    coordinates: Mapping[str, Json] = field(default_factory=dict)
    settings: Mapping[str, Json] = field(default_factory=dict)


class RefusedError(Exception):
    """What is wrong with a sweep's text: where, what stands there, what should."""

    def __init__(self, path: str, value: Json, expected: str) -> None:
        super().__init__(path, value, expected)
        self.path = path
        self.value = value
        self.expected = expected

    def error(self, file: str) -> ConfigError:
        """As the user sees it."""
        shown = "missing" if self.value is MISSING else json.dumps(self.value, default=str)
        return ConfigError(file, self.path, shown, f"expected {self.expected}")


MISSING = object()


def points(grid: Json, zipped: Json, sampled: Json) -> list[Point]:
    """Every combination of the grid's values, the rows of the zip and the random samples, in this order.

    The last axis changes fastest.

    Raises:
        RefusedError: An axis is not what it should be.
    """
    parts = [*_grid(grid), _zip(zipped), _random(sampled)]
    _refuse_twice([name for part in parts for name in part[0].coordinates] if all(parts) else [])
    number = math.prod(len(part) for part in parts)
    if number > MOST_POINTS:
        raise RefusedError("", f"{number} points", f"at most {MOST_POINTS}")
    return [_join(combination) for combination in itertools.product(*parts)]


def plain(value: Json) -> Json:
    """As JSON has it: ranges and arrays become lists, numbers of numpy Python's own."""
    if isinstance(value, Mapping):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(each) for each in value]
    if hasattr(value, "tolist"):  # numpy's scalars and arrays, pandas' columns
        return plain(value.tolist())
    return value


def _grid(axes: Json) -> Iterator[list[Point]]:
    for name, values in _object(axes, "grid").items():
        yield [Point({name: v.coordinate}, v.settings) for v in _values(name, values, f"grid.{name}")]


def _zip(axes: Json) -> list[Point]:
    columns = {name: _values(name, values, f"zip.{name}") for name, values in _object(axes, "zip").items()}
    lengths = {name: len(values) for name, values in columns.items()}
    for name, length in lengths.items():
        first = next(iter(lengths))
        if length != lengths[first]:
            raise RefusedError(f"zip.{name}", f"{length} values", f"{lengths[first]}, as zip.{first} has")
    if not columns:
        return [Point()]
    rows = zip(*columns.values(), strict=True)
    return [
        _join([Point({name: v.coordinate}, v.settings) for name, v in zip(columns, row, strict=True)])
        for row in rows
    ]


def _random(text: Json) -> list[Point]:
    if text is None:
        return [Point()]
    _only_keys(_object(text, "random"), "random", ("seed", "samples", "axes"))
    seed, samples = text.get("seed", 1), text.get("samples", MISSING)
    if not _is_integer(seed):
        raise RefusedError("random.seed", seed, "an integer")
    if not _is_integer(samples) or not 1 <= samples <= MOST_POINTS:
        raise RefusedError("random.samples", samples, f"an integer from 1 to {MOST_POINTS}")
    axes = _object(text.get("axes"), "random.axes")
    if not axes:
        raise RefusedError("random.axes", axes, "an object with at least one axis")
    # A stream for each axis, so that one more axis leaves the others' values as they are.
    draws = {
        name: _Draw(f"random.axes.{name}", name, rule, random.Random(f"{seed} {name}"))
        for name, rule in axes.items()
    }
    return [
        _join([Point({name: v.coordinate}, v.settings) for name, draw in draws.items() for v in [draw()]])
        for _ in range(samples)
    ]


class _Draw:
    """Draws values of one axis. Uses nothing of `random` but `random()`, which never changes."""

    KINDS = ("uniform", "log_uniform", "integer", "log_integer", "choice")

    def __init__(self, path: str, name: str, rule: Json, source: random.Random) -> None:
        if not isinstance(rule, Mapping) or len(rule) != 1 or next(iter(rule)) not in self.KINDS:
            expected = " or ".join(f'{{"{kind}": [...]}}' for kind in self.KINDS)
            raise RefusedError(path, rule, expected)
        ((self._kind, arguments),) = rule.items()
        self._name = name
        self._source = source
        if self._kind == "choice":
            self._choices = _values(name, arguments, f"{path}.choice")
            return
        self._low, self._high = self._bounds(f"{path}.{self._kind}", arguments)

    def _bounds(self, path: str, arguments: Json) -> tuple[float, float]:
        whole = self._kind.endswith("integer")
        fits = _is_integer if whole else _is_number
        if not isinstance(arguments, Sequence) or len(arguments) != 2 or not all(map(fits, arguments)):
            raise RefusedError(path, arguments, f"two {'integers' if whole else 'numbers'}, from and to")
        low, high = arguments
        if low > high or (self._kind.startswith("log") and low <= 0):
            above = ", both above 0" if self._kind.startswith("log") else ""
            raise RefusedError(path, arguments, f"from, then to{above}")
        return low, high

    def __call__(self) -> Value:
        u = self._source.random()
        if self._kind == "choice":
            return self._choices[int(u * len(self._choices))]
        if self._kind == "integer":
            return self._value(int(self._low) + int(u * (int(self._high) - int(self._low) + 1)))
        if self._kind == "uniform":
            return self._value(self._low + u * (self._high - self._low))
        drawn = math.exp(math.log(self._low) + u * (math.log(self._high) - math.log(self._low)))
        return self._value(round(drawn) if self._kind == "log_integer" else drawn)

    def _value(self, number: float) -> Value:
        return Value(number, {self._name: number})


def _values(name: str, values: Json, path: str) -> list[Value]:
    """A list of plain values for the key that the axis is named after, or of named variants of the config."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Sequence) or not values:
        raise RefusedError(path, values, "a list with at least one value")
    return [_value(name, value, f"{path}[{index}]") for index, value in enumerate(values)]


def _value(name: str, value: Json, path: str) -> Value:
    if isinstance(value, Mapping):
        if not isinstance(value.get("name"), str):
            raise RefusedError(f"{path}.name", value.get("name", MISSING), "a name of the variant, in quotes")
        variant = {key: child for key, child in value.items() if key != "name"}
        return Value(value["name"], dict(_leaves(variant, "")))
    shown = json.dumps(value) if isinstance(value, (list, tuple)) or value is None else value
    return Value(shown, {name: value})


def _leaves(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    else:
        yield path, value


def _join(parts: Sequence[Point]) -> Point:
    joined = Point(
        {name: value for part in parts for name, value in part.coordinates.items()},
        {path: value for part in parts for path, value in part.settings.items()},
    )
    paths = [path for part in parts for path in part.settings]
    _refuse_same_key(paths)
    return joined


def _refuse_same_key(paths: Sequence[str]) -> None:
    """Neither the same key in two axes, nor ``vms[0].x`` beside ``vms[*].x``."""
    if len(set(paths)) != len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise RefusedError("", twice, "each key in one axis only")
    for path in (each for each in paths if "[*]" in each):
        same = re.compile(re.escape(path).replace(re.escape("[*]"), r"\[(?:\d+|\*)\]"))
        for other in paths:
            if other != path and same.fullmatch(other):
                raise RefusedError("", other, f"each key in one axis only, and {path} has it, too")


def _refuse_twice(names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise RefusedError("", name, "each axis in one of grid, zip and random only")


def _object(value: Json, path: str) -> Mapping[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise RefusedError(path, value, "an object { }")
    return value


def _only_keys(value: Mapping[str, Json], path: str, known: Sequence[str]) -> None:
    import difflib

    for key, child in value.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise RefusedError(f"{path}.{key}" if path else key, child, f"one of {', '.join(known)}{hint}")


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))
