"""Summaries of reports in words: what came out, for whoever reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hvsim._crossing import crossings
from hvsim._results import Result
from hvsim._stats_frames import RESUMED

_STOPS = {
    "finished": "ran to its end",
    "cycle_limit": "was stopped at its limit of cycles",
    "instruction_limit": "was stopped at its limit of instructions",
}


def of_run(result: Result) -> list[str]:
    """Sentences about one run."""
    figures = result.summary["value"]
    machine = result.config["machine"]
    cycles, busy = int(figures["cycles"]), max(1, int(figures["busy_cycles"]))
    seconds = cycles / (machine["clock_mhz"] * 1e6)
    guests = (
        ""
        if result.stop != "finished"
        else (", and its guests reported success" if result.passed else ", but a guest reported a failure")
    )
    harts = "1 hart" if machine["harts"] == 1 else f"{machine['harts']} harts"
    text = [
        f"{result.name} {_STOPS.get(result.stop, 'ended with ' + result.stop)}{guests}: {cycles:,} cycles, "
        f"{_seconds(seconds)} on {harts} at {machine['clock_mhz']:,} MHz in mode {machine['mode']}."
    ]
    hypervisor = sum(
        int(figures[f"{part}_cycles"])
        for part in ("trap_path", "exit", "enqueue", "drain", "poll", "scan", "unshare")
    )
    if hypervisor:
        text.append(
            f"Of the harts' {busy:,} busy cycles {_percent(figures['guest_cycles'], busy)} were the guests', "
            f"{_percent(hypervisor, busy)} went to exits, hypercalls and sharing, the rest to firmware, boot "
            "and other work."
        )
    if result.stop_detail and not result.passed:
        text.append(f"Why: {result.stop_detail}.")
    return [*text, *_exits(result), *_delivery(result), *_sharing(result)]


def _exits(result: Result) -> list[str]:
    exits = result.exits
    if exits["count"].sum() == 0:
        return []
    causes = exits.groupby("cause")[["count", "cycles"]].sum().sort_values("cycles", ascending=False)
    left = causes.drop(index=RESUMED, errors="ignore")
    away = int(causes["cycles"].sum())
    text = f"Guests were left {int(left['count'].sum()):,} times, for {away:,} cycles in all"
    if RESUMED in causes.index:
        text += f" ({_percent(causes.loc[RESUMED, 'cycles'], away)} to go on after others had the hart)"
    if left.empty:
        return [f"{text}."]
    first = left.iloc[0]
    return [
        f"{text}; {_percent(first['cycles'], away)} of these by {left.index[0]} "
        f"({int(first['count']):,} times, {first['cycles'] / max(1, first['count']):,.0f} cycles on average)."
    ]


def _delivery(result: Result) -> list[str]:
    delivery = result.delivery
    ran = delivery[delivery["ran"] > 0]
    if ran.empty:
        return []
    how = result.config["hypervisor"]["delivery"]
    return [
        f"{int(ran['ran'].sum()):,} deferrable hypercalls ran by {how} with "
        f"{int(ran['notifications'].sum()):,} notifications; half of them waited at most "
        f"{int(ran['latency_p50'].max()):,} cycles, 99 % at most "
        f"{int(ran['latency_p99'].max()):,} (of the VM that waited longest)."
    ]


def _sharing(result: Result) -> list[str]:
    saved = result.saved_memory["saved"]
    if saved.empty or saved.max() == 0:
        return []
    policy = result.config["hypervisor"]["sharing"]["policy"]
    return [f"Sharing ({policy}) saved {saved.max():,.1f} MiB at most."]


def of_sweep(table: pd.DataFrame, name: str, axes: list[str], seeds: list[str]) -> list[str]:
    """Sentences about a sweep: its size, and what failed or did not finish."""
    sizes = [f"{axis} ({table[axis].nunique()} values)" for axis in axes]
    repeated = [f"{axis} ({table[axis].nunique()} repetitions)" for axis in seeds]
    text = [
        f"{name}: {len(table):,} points over {_list([*sizes, *repeated]) or 'nothing'}; "
        f"{table['identity'].nunique():,} runs."
    ]
    failed = table[table["failure"].notna()]
    if len(failed):
        reasons = failed.groupby("failure", sort=False)["identity"].nunique()
        told = [f"{count} because it {reason}" for reason, count in reasons.items()]
        text.append(f"{failed['identity'].nunique()} runs failed: {_list(told)}.")
    stops = table["stop"].dropna().value_counts()
    text += [f"{n} points ended with {stop}." for stop, n in stops.items() if stop != "finished"]
    return text


def of_crossings(means: pd.DataFrame, x: str, y: str, by: str) -> list[str]:
    """Where lines begin to be lower than the first one."""
    names = list(dict.fromkeys(means[by]))
    text = []
    for name in names[1:9]:
        crossed = crossings(means, x, by, name, names[0])
        if not crossed:
            text += _never_crossing(means, x, y, by, name, names[0])
        for crossing in crossed:
            text.append(
                f"From {x} = {crossing.at:,.4g} on (between the measured {crossing.above:,g} and "
                f"{crossing.below:,g}) {crossing.cheaper} is below {crossing.than} in {y}."
            )
    return text


def _never_crossing(means: pd.DataFrame, x: str, y: str, by: str, name: Any, first: Any) -> list[str]:
    lines = {each: line.set_index(x)["mean"] for each, line in means.groupby(by, sort=False)}
    ratio = (lines[name] / lines[first]).dropna()
    if ratio.empty or (ratio == 1).all():
        return []
    side, low, high = "below" if ratio.max() <= 1 else "above", abs(ratio - 1).min(), abs(ratio - 1).max()
    return [
        f"{name} is {side} {first} in {y} at every measured {x}, by {100 * low:.2g} to {100 * high:.2g} %."
    ]


def figures_table(results: Mapping[str, Result]) -> pd.DataFrame:
    """The summary's figures of all runs beside each other; those that are 0 everywhere are left out."""
    columns: dict[str, Any] = {name: result.summary["value"] for name, result in results.items()}
    first = next(iter(results.values())).summary
    table = pd.DataFrame(columns).reindex(first.index)
    table["unit"] = first["unit"]
    table["what"] = first["help"]
    some = table[list(results)].apply(lambda row: any(value not in (0, None) for value in row), axis=1)
    return table[some]


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:,.3g} {unit}"
    return f"{value * 1e9:,.3g} ns"


def _percent(part: Any, whole: Any) -> str:
    return f"{100 * float(part) / max(1.0, float(whole)):.1f} %"


def _list(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
