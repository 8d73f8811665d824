"""Means over repetitions, with how far one may trust them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

# Student's t for a two-sided 95 % interval, by degrees of freedom from 1; 1.96 beyond.
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
    t = _STUDENT[count - 2] if count - 2 < len(_STUDENT) else 1.96
    return float(t * values.std(ddof=1) / math.sqrt(count))


def over_seeds(
    frame: pd.DataFrame, x: str, y: str, *, by: str | None = None, relative_to: Any = None
) -> pd.DataFrame:
    """Columns `x`, `by`, ``mean``, ``half`` (of the 95 % interval) and ``count``, by `x` within `by`.

    Args:
        frame: A sweep's table; rows without `y`, of failed runs, are left out.
        x: Column to go along.
        y: Column to take means of.
        by: Column to keep apart.
        relative_to: A value of `by`: everything is divided by its mean at the same `x`.
    """
    for column in (x, y, *([by] if by is not None else [])):
        if column not in frame.columns:
            raise ValueError(f"{column!r}: expected a column of the table: {', '.join(frame.columns)}")
    rows = frame[frame[y].notna()]
    values = rows.assign(**{y: rows[y].astype(float)})
    if relative_to is not None:
        if by is None or relative_to not in set(frame[by]):
            raise ValueError(f"relative_to: {relative_to!r}: expected a value of `by`")
        base = values[values[by] == relative_to].groupby(x)[y].mean()
        ratio = values[y] / values[x].map(base[base != 0]).astype(float)
        values = values.assign(**{y: ratio})[ratio.notna()]
    keys = [x] if by is None else [by, x]
    groups = values.groupby(keys, sort=False)[y]
    means = pd.DataFrame(
        {"mean": groups.mean(), "half": groups.apply(half_interval), "count": groups.size()}
    ).reset_index()
    order = {value: number for number, value in enumerate(dict.fromkeys(frame[by]))} if by is not None else {}
    place = means[by].map(order) if by is not None else pd.Series(0, index=means.index)
    return means.assign(_place=place).sort_values(["_place", x], kind="stable").drop(columns="_place")
