"""Prices from the same guests with the hypervisor on target and on the host: non-negative least squares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from hvsim._results import Result

# What the host's cycles outside its prices are: caches, traps, and what the guest left in the pipeline.
_PRICED = "hypervisor"
_KEYS = ["cause", "phase"]
_GUEST_MODES = ("VS", "VU")

# Prices that are set. Waiting is counted in cycles already. Words of page tables are a few in most exits,
# where other work hides what they cost, and thousands when a VM ends: there a loop takes so many cycles each.
SET_PRICES = {"lock_wait": 1, "word_access": 8}

# A cell that was seen less often than this says more about cold caches than about prices.
_FEWEST_EXITS = 4
# How much a kind of work that guests hardly exercise is drawn to the price that it had before.
_PRIOR = 0.02


class Pair(NamedTuple):
    """The same guest both ways."""

    target: Result
    host: Result


def spent(result: Result) -> pd.DataFrame:
    """Cycles outside guests by exit cause and phase, idle ones left out: all of them, and those of caches."""
    frame = result.cpi
    busy = [name for name, unit in frame.attrs["units"].items() if unit == "cycles" and name != "idle"]
    outside = frame[~frame["mode"].isin(_GUEST_MODES)]
    sums = outside.groupby(_KEYS)[busy].sum()
    return pd.DataFrame({"cycles": sums.sum(axis=1), "unpriced": sums.drop(columns=_PRICED).sum(axis=1)})


def exit_counts(result: Result) -> pd.Series[int]:
    """Exits by cause, over all VMs."""
    return result.exits.groupby("cause")["count"].sum()


def cells(pairs: Mapping[str, Pair]) -> pd.DataFrame:
    """One row per guest, exit cause and phase: cycles and units of work per exit.

    ``target`` is what an exit took there, ``unpriced`` what caches took on the host; the other columns are
    the kinds of work that the host did.
    """
    frames = [_cells_of(name, pair) for name, pair in pairs.items()]
    return pd.concat(frames, ignore_index=True).fillna(0)


def _cells_of(name: str, pair: Pair) -> pd.DataFrame:
    on_target, on_host = exit_counts(pair.target), exit_counts(pair.host)
    seen = [c for c in on_target.index if min(on_target[c], on_host.get(c, 0)) >= _FEWEST_EXITS]
    target, host = spent(pair.target), spent(pair.host)
    work = pair.host.work.set_index(_KEYS)
    rows = []
    for cause, phase in target.index.union(work.index):
        if cause not in seen:
            continue
        key = (cause, phase)
        units = work.loc[key] / on_host[cause] if key in work.index else work.iloc[0] * 0.0
        rows.append(
            {
                "guest": name,
                "cause": cause,
                "phase": phase,
                "exits": on_target[cause],
                "target": (target["cycles"].get(key, 0)) / on_target[cause],
                "unpriced": (host["unpriced"].get(key, 0)) / on_host[cause],
                **units,
            }
        )
    return pd.DataFrame(rows)


def fit(rows: pd.DataFrame, before: Mapping[str, int]) -> dict[str, int]:
    """Whole cycles per unit of each kind of work. What no row has keeps the price `before`.

    The squares are of relative errors, of cells and of causes as a whole, and count more the more cycles
    there were. Prices of which an exit has many units are rounded first, so that the others make up for it.
    """
    names = [name for name in before if name in rows.columns and name not in SET_PRICES]
    seen = [name for name in names if rows[name].any()]
    whole = rows.groupby(["guest", "cause"], as_index=False).agg(
        {
            "exits": "first",
            "target": "sum",
            "unpriced": "sum",
            **dict.fromkeys([*seen, *SET_PRICES.keys() & set(rows)], "sum"),
        }
    )
    table = pd.concat([rows, whole, whole], ignore_index=True)
    fixed: dict[str, int] = {}
    order = sorted(seen, key=lambda name: -rows[name].to_numpy().max())
    prices = _solve(table, seen, fixed, before)
    for name in order:
        fixed[name] = round(prices[name])
        if len(fixed) % 4 == 0 or name == order[-1]:
            prices = _solve(table, seen, fixed, before)
    return {name: fixed.get(name, SET_PRICES.get(name, price)) for name, price in before.items()}


def _solve(
    table: pd.DataFrame, names: Iterable[str], fixed: Mapping[str, int], before: Mapping[str, int]
) -> dict[str, float]:
    free = [name for name in names if name not in fixed]
    if not free:
        return dict(fixed)
    known = table["unpriced"] + sum((table[name] * price for name, price in fixed.items()), start=0.0)
    known = known + sum(
        (table[name] * price for name, price in SET_PRICES.items() if name in table), start=0.0
    )
    total = table["target"] * table["exits"]
    weights = (total.clip(lower=1) ** 0.25 / table["target"].clip(lower=40)).to_numpy()
    left = table[free].to_numpy() * weights[:, None]
    right = (table["target"] - known).to_numpy() * weights
    scale = _PRIOR * np.sqrt((weights**2 * table["target"] ** 2).mean())
    usual = np.array([max(before[name], 10) for name in free])
    pulls = np.diag(scale / usual)
    was = np.array([before[name] for name in free])
    from scipy.optimize import nnls  # takes half a second, which all else does without

    found, _ = nnls(np.vstack([left, pulls]), np.concatenate([right, scale * was / usual]))
    return {**dict(zip(free, found, strict=True)), **fixed}
