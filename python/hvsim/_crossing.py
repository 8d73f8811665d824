"""Where one line of a sweep begins to pay against another."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from hvsim._seeds import over_seeds


class Crossing(NamedTuple):
    """A change of which of two lines is lower.

    Attributes:
        at: Where they cross, by linear interpolation between the two measured points around it.
        above: The last measured point before.
        below: The first measured point after.
        cheaper: The line that is lower from there on.
        than: The other one.
    """

    at: float
    above: float
    below: float
    cheaper: Any
    than: Any


class Crossings(list[Crossing]):
    """Where one line crosses another, from left to right; in words as text (`str`, `print`).

    Attributes:
        first: The line that is lower where they begin, and everywhere if they never cross; ``None`` if they
            are equal everywhere, or have no point in common.
    """

    first: Any = None

    def __str__(self) -> str:
        if self.first is None:
            return "neither line is lower anywhere"
        words = [f"{self.first} is lower " + (f"up to {self[0].at:g}" if self else "throughout")]
        words += [
            f"{each.cheaper} from {each.at:g} (between {each.above:g} and {each.below:g})" for each in self
        ]
        return ", ".join(words)


def break_even(frame: pd.DataFrame, x: str, y: str, *, by: str, of: Any, against: Any) -> Crossings:
    """Every point along `x` at which the mean of `y` changes from one line being lower to the other.

    Args:
        frame: A sweep's table.
        x: Column of numbers to go along.
        y: Column whose mean, over everything else such as seeds, is compared.
        by: Column that tells the lines apart.
        of: A value of `by`.
        against: Another value of `by`.

    Returns:
        The crossings in the order of `x`; none if one line is lower everywhere: `Crossings.first`.
    """
    return crossings(over_seeds(frame, x, y, by=by), x, by, of, against)


def crossings(means: pd.DataFrame, x: str, by: str, of: Any, against: Any) -> Crossings:
    """As break_even, of means that were taken already."""
    lines = {name: line.set_index(x)["mean"] for name, line in means.groupby(by, sort=False)}
    for name in (of, against):
        if name not in lines:
            raise ValueError(f"{name!r}: expected a value of {by}: {', '.join(map(str, lines))}")
    gap = (lines[of] - lines[against]).dropna().astype(float).sort_index()
    found = Crossings()
    last: tuple[float, float] | None = None
    for place, value in zip(gap.index.astype(float), gap, strict=True):
        if last is not None and last[1] * value < 0:
            at = last[0] + (place - last[0]) * last[1] / (last[1] - value)
            lower = (of, against) if value < 0 else (against, of)
            found.append(Crossing(float(at), float(last[0]), float(place), *lower))
        if value != 0:
            found.first = found.first if last is not None else (of if value < 0 else against)
            last = (place, value)
    return found
