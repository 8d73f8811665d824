"""Means over repetitions, with how far one may trust them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

# Student's t for a two-sided 95 % interval, by degrees of freedom from 1.
_STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


def half_interval(values: pd.Series[Any]) -> float:
    """Half the width of the 95 % confidence interval of the mean; 0 for a single value."""
    count = len(values)
    if count < 2:
        return 0.0
    return float(_student(count - 1) * values.std(ddof=1) / math.sqrt(count))


def _student(freedom: int) -> float:
    """Beyond the table by the expansion about the normal distribution (Abramowitz and Stegun, 26.7.5)."""
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _baseline(values: pd.DataFrame, base: pd.DataFrame, x: str, y: str) -> pd.Series[Any]:
    """What each row is divided by; missing where that is 0 or not there."""
    base = base[base[y] != 0]
    if "seed" in values.columns and x != "seed" and not base.duplicated([x, "seed"]).any():
        by_seed = base.set_index([x, "seed"])[y]
        keys = pd.MultiIndex.from_frame(values[[x, "seed"]])
        return pd.Series(by_seed.reindex(keys).to_numpy(dtype=float), index=values.index)
    return values[x].map(base.groupby(x)[y].mean()).astype(float)


def over_seeds(
    frame: pd.DataFrame, x: str, y: str, *, by: str | None = None, relative_to: Any = None
) -> pd.DataFrame:
    """Columns `x`, `by`, ``mean``, ``half`` (of the 95 % interval) and ``count``, by `x` within `by`.

    Args:
        frame: A sweep's table; rows without `y`, of failed runs, are left out.
        x: Column to go along.
        y: Column to take means of.
        by: Column to keep apart.
        relative_to: A value of `by`: everything is divided by what it has at the same `x` and ``seed``, so
            that the interval is that of the ratio. Where the table has no seeds, or one of them several
            times, by its mean at the same `x`, whose own uncertainty the interval does not contain.
    """
    for column in (x, y, *([by] if by is not None else [])):
        if column not in frame.columns:
            raise ValueError(f"{column!r}: expected a column of the table: {', '.join(frame.columns)}")
    rows = frame[frame[y].notna()]
    values = rows.assign(**{y: rows[y].astype(float)})
    if relative_to is not None:
        if by is None or relative_to not in set(frame[by]):
            raise ValueError(f"relative_to: {relative_to!r}: expected a value of `by`")
        ratio = values[y] / _baseline(values, values[values[by] == relative_to], x, y)
        values = values.assign(**{y: ratio})[ratio.notna()]
    keys = [x] if by is None else [by, x]
    groups = values.groupby(keys, sort=False)[y]
    means = pd.DataFrame(
        {"mean": groups.mean(), "half": groups.apply(half_interval), "count": groups.size()}
    ).reset_index()
    order = {value: number for number, value in enumerate(dict.fromkeys(frame[by]))} if by is not None else {}
    place = means[by].map(order) if by is not None else pd.Series(0, index=means.index)
    return means.assign(_place=place).sort_values(["_place", x], kind="stable").drop(columns="_place")
