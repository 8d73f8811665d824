"""Prices from the same guests with the hypervisor on target and on the host: non-negative least squares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from hvsim._results import Result

# What the host's cycles outside its prices are: caches, traps, and what the guest left in the pipeline.
_PRICED = "hypervisor"
_KEYS = ["cause", "phase"]
_GUEST_MODES = ("VS", "VU")
# Scans run in whatever exit comes when they are due, on target in other ones than on the host, and as many as
# the time allows: they are compared as a cause of their own, by page looked at.
_SCANS = "(scans)"

# Prices that are set: waiting is counted in cycles already.
SET_PRICES = {"lock_wait": 1}

# A cell that was seen less often than this says more about cold caches than about prices, unless it takes so
# long that loops in it do.
_FEWEST_EXITS = 4
# Nor does one with other exits: guests whose VCPUs wake each other fall into one of several rhythms (who
# sleeps when it is called), and not always into the same on both sides. By so large a part they may differ.
# Whatever VCPUs that wake each other do is of that rhythm: of such guests all or nothing is fitted.
_OTHER_EXITS = 0.1
# A cause with a smaller share of the hypervisor's cycles is listed, and not judged.
JUDGED_SHARE = 0.02
_LONG = 50_000
# Much work is only ever seen together, and many prices would explain its cycles equally well. Among them are
# taken those that are near what the code of each kind of work takes on the default machine, estimated from
# its instructions: the prior. It is what a calibration starts from, too, so that its prices do not depend on
# those of the build that it runs on.
PRIOR = {
    "general_register": 4,
    "csr": 9,
    "fp_register": 2,
    "exit_dispatch": 210,
    "hypercall_dispatch": 80,
    "answer": 170,
    "routine_iteration": 8,
    "deferral": 300,
    "enqueue": 60,
    "drain_check": 95,
    "drain_run": 150,
    "drain_entry": 60,
    "run_call": 120,
    "trap_run": 130,
    "publish": 60,
    "ring_look": 60,
    "ring_entry": 65,
    "ring_update": 150,
    "schedule": 180,
    "vcpu_switch": 100,
    "interrupt_merge": 160,
    "timer": 60,
    "ipi": 720,
    "ipi_return": 240,
    "fence": 350,
    "lock": 50,
    "console_byte": 107,
    "copy_line": 25,
    "zero_line": 12,
    "guest_piece": 100,
    "word_access": 14,
    "next_word": 9,
    "pool_call": 250,
    "pool_page": 15,
    "time_read": 10,
    "state_change": 200,
    "line_move": 150,
    "preempt": 650,
    "block": 600,
    "unload": 150,
    "take": 800,
    "wake": 300,
    "expiry": 60,
    "redirection": 800,
    "page_hint": 220,
    "hint_word": 20,
    "vcpu_start": 250,
    "vm_end": 1500,
    "ipi_receipt": 670,
    "timer_receipt": 450,
    "line_look": 12,
    "weighing": 50,
    "cold_line": 8,
    "idle": 100,
    "device_access": 500,
    "disk_request": 450,
    "map_entry": 120,
    "content_word": 6,
    "time_emulation": 740,
    **SET_PRICES,
}
# How strongly the prior holds prices beside what the guests say: of these, that which does best on guests
# that are there to choose it by.
PULLS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)


class Pair(NamedTuple):
    """The same guest both ways."""

    target: Result
    host: Result


def spent(result: Result) -> pd.DataFrame:
    """Cycles outside guests by exit cause and phase, idle ones left out: all of them, and those of caches."""
    return _spent_by_side(result).groupby(_KEYS).sum()


def _spent_by_side(result: Result) -> pd.DataFrame:
    frame = result.cpi
    busy = [name for name, unit in frame.attrs["units"].items() if unit == "cycles" and name != "idle"]
    outside = frame[~frame["mode"].isin(_GUEST_MODES)]
    sums = outside.groupby([*_KEYS, outside["mode"].eq("M").rename("firmware")])[busy].sum()
    return pd.DataFrame({"cycles": sums.sum(axis=1), "unpriced": sums.drop(columns=_PRICED).sum(axis=1)})


def exit_counts(result: Result) -> pd.Series[int]:
    """Exits by cause, over all VMs."""
    return result.exits.groupby("cause")["count"].sum()


def cells(pairs: Mapping[str, Pair], firmware: Collection[str]) -> pd.DataFrame:
    """One row per guest, exit cause and phase, firmware apart: cycles and units of work per exit.

    `firmware` are the kinds of work whose cycles are those of M-mode, on both sides. ``target`` is what an
    exit took there, ``unpriced`` what caches took on the host; the other columns are the kinds of work that
    the host did. Rows of scans are per page that was looked at.
    """
    frames = [_cells_of(name, pair, firmware) for name, pair in pairs.items()]
    return pd.concat(frames, ignore_index=True).fillna(0)


def _cells_of(name: str, pair: Pair, firmware: Collection[str]) -> pd.DataFrame:
    # An exit that leads to no guest any more, since the last VM has ended, is not counted.
    on_target, on_host = (exit_counts(result).clip(lower=1) for result in pair)
    target, host = (_by_cause(_spent_by_side(result)) for result in pair)
    work = _by_side(_by_cause(pair.host.work.set_index(_KEYS)), firmware)
    pages = [_scanned_pages(result) for result in pair]
    if all(pages):
        on_target[_SCANS], on_host[_SCANS] = pages
    long = target["cycles"].groupby("cause").sum().reindex(on_target.index) >= _LONG
    often = [c for c in on_target.index if c == _SCANS or _comparable(on_target[c], on_host.get(c, 0))]
    if not _same_rhythm(pair):
        return pd.DataFrame()
    seen = {*often, *(c for c in on_target.index[long] if on_target[c] == on_host.get(c, 0))}
    rows = []
    for key in target.index.union(work.index):
        cause, phase, _ = key
        if cause not in seen:
            continue
        units = work.loc[key] / on_host[cause] if key in work.index else work.iloc[0] * 0.0
        rows.append(
            {
                "guest": name,
                "cause": cause,
                "phase": phase,
                "exits": on_target[cause],
                "target": target["cycles"].get(key, 0) / on_target[cause],
                "unpriced": host["unpriced"].get(key, 0) / on_host[cause],
                **units,
            }
        )
    return pd.DataFrame(rows)


def _by_cause(table: pd.DataFrame) -> pd.DataFrame:
    """The same with scans as a cause of their own."""
    plain = table.reset_index()
    plain["cause"] = plain["cause"].where(plain["phase"] != "scan", _SCANS)
    return plain.groupby(list(table.index.names)).sum()


def _by_side(work: pd.DataFrame, firmware: Collection[str]) -> pd.DataFrame:
    """Units of the hypervisor's work and of the firmware's in rows of their own."""
    others = {False: [*firmware], True: [kind for kind in work.columns if kind not in firmware]}
    sides = {side: work.assign(**dict.fromkeys(left_out, 0)) for side, left_out in others.items()}
    both = pd.concat(sides, names=["firmware"]).reorder_levels([*_KEYS, "firmware"])
    return both[both.any(axis=1)]


def _scanned_pages(result: Result) -> int:
    return int(result.stats.filter(regex=r"\.counters\.scanned_pages$", axis=0)["value"].sum())


def misses(rows: pd.DataFrame, prices: Mapping[str, int]) -> float:
    """How far prices are off on cells that they were not fitted to: the mean over exit causes of guests."""
    names = [name for name in prices if name in rows.columns]
    told = rows["unpriced"] + sum((rows[name] * prices[name] for name in names), start=0.0)
    table = rows.assign(told=told)
    causes = table.groupby(["guest", "cause"]).agg({"target": "sum", "told": "sum", "exits": "first"})
    cycles = causes["target"] * causes["exits"]
    share = cycles / cycles.groupby("guest").transform("sum")
    judged = causes[share >= JUDGED_SHARE]
    return float((judged["told"] / judged["target"] - 1).abs().mean())


def _same_rhythm(pair: Pair) -> bool:
    """Whether harts that wait for each other did so alike, by how often one interrupted another."""
    if pair.host.config["machine"]["harts"] == 1:
        return True
    traps = pair.target.traps
    on_target = int(traps.loc[traps["cause"] == "IRQ_M_SOFT", "count"].sum())
    on_host = int(pair.host.work["ipi_receipt"].sum())
    return _comparable(max(on_target, _FEWEST_EXITS), max(on_host, _FEWEST_EXITS))


def _comparable(on_target: int, on_host: int) -> bool:
    fewest, most = sorted((on_target, on_host))
    return fewest >= _FEWEST_EXITS and most - fewest <= _OTHER_EXITS * most


def fit(rows: pd.DataFrame, before: Mapping[str, int], pull: float) -> dict[str, int]:
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
    expected = {name: float(PRIOR.get(name, max(before[name], 10))) for name in seen}
    prices = _solve(table, seen, fixed, expected, pull)
    for name in order:
        fixed[name] = round(prices[name])
        if len(fixed) % 4 == 0 or name == order[-1]:
            prices = _solve(table, seen, fixed, expected, pull)
    return {name: fixed.get(name, SET_PRICES.get(name, price)) for name, price in before.items()}


def _weights(table: pd.DataFrame) -> np.ndarray:
    total = table["target"] * table["exits"]
    return (total.clip(lower=1) ** 0.25 / table["target"].clip(lower=40)).to_numpy()


def _solve(
    table: pd.DataFrame,
    names: Iterable[str],
    fixed: Mapping[str, int],
    expected: Mapping[str, float],
    pull: float,
) -> dict[str, float]:
    free = [name for name in names if name not in fixed]
    if not free:
        return dict(fixed)
    known = table["unpriced"] + sum((table[name] * price for name, price in fixed.items()), start=0.0)
    known = known + sum(
        (table[name] * price for name, price in SET_PRICES.items() if name in table), start=0.0
    )
    weights = _weights(table)
    left = table[free].to_numpy() * weights[:, None]
    right = (table["target"] - known).to_numpy() * weights
    scale = pull * np.sqrt((weights**2 * table["target"] ** 2).mean())
    usual = np.array([expected[name] for name in free])
    pulls = np.diag(scale / usual)
    from scipy.optimize import nnls  # takes half a second, which all else does without

    found, _ = nnls(np.vstack([left, pulls]), np.concatenate([right, np.full(len(free), scale)]))
    return {**dict(zip(free, found, strict=True)), **fixed}
