"""Prints the tables of dlh.md from what `hvsim run --json` said: dlh_tables.py FILE.json..."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = dict[str, Any]


def cycles(run: Run) -> dict[str, float]:
    """Cycles per hypercall that was done: guests, hypervisor, both, and of them some parts."""
    s = run["summary"]
    calls = max(1, s["hypercalls_done"])
    hypervisor = sum(s[f"{part}_cycles"] for part in ("trap_path", "exit", "enqueue", "drain", "poll"))
    busy = hypervisor - s["poll_cycles"]
    return {
        "guest": s["guest_cycles"] / calls,
        "hypervisor": busy / calls,
        "both": (s["guest_cycles"] + busy) / calls,
        "poll": s["poll_cycles"] / calls,
    }


def table(experiment: Run) -> str:
    """A row per run, in Markdown."""
    rows = [
        "| run | calls | exits | hypervisor cycles per call | guest cycles per call | elapsed cycles "
        "| latency p50 | p99 | p99.9 "
        "| entry p50 | entry p99 | overflows | left behind | foreign cycles |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in experiment["runs"]:
        s, d, per = run["summary"], run["summary"]["delivery"], cycles(run)
        cells = [
            run["label"],
            s["hypercalls_done"],
            s["exits"],
            round(per["hypervisor"]),
            round(per["guest"]),
            s["cycles"],
            *(d[key] for key in ("latency_p50", "latency_p99", "latency_p999", "entry_p50", "entry_p99")),
            *(d[key] for key in ("overflow_drains", "budget_stops", "served_by_others")),
        ]
        verdict = "" if run["exit_code"] == 0 else " FAILED"
        rows.append(
            "| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in cells) + f" |{verdict}"
        )
    return "\n".join(rows)


def line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Least squares: slope and intercept."""
    n = len(points)
    x, y = sum(p[0] for p in points) / n, sum(p[1] for p in points) / n
    slope = sum((p[0] - x) * (p[1] - y) for p in points) / sum((p[0] - x) ** 2 for p in points)
    return slope, y - slope * x


def break_even(experiment: Run) -> str:
    """C(N) = A / N + B, fitted to the runs of each mode and target or host; N* = A / (C_immediate - B)."""
    groups: dict[tuple[str, str], list[tuple[int, float]]] = {}
    immediate: dict[str, float] = {}
    for run in experiment["runs"]:
        where = "host" if "host" in run["label"] else "target"
        found = re.search(r"(multicall|dlh|ring)-(\d+)", run["label"])
        if found:
            groups.setdefault((where, found[1]), []).append((int(found[2]), cycles(run)["both"]))
        elif "immediate" in run["label"]:
            immediate[where] = cycles(run)["both"]
    text = [
        "| where | mode | A: per trap | B: per call | immediate | break-even N* | largest error of the fit |",
        "|---|---|---|---|---|---|---|",
    ]
    for (where, mode), points in sorted(groups.items()):
        slope, intercept = line([(1 / n, cost) for n, cost in points])
        error = max(abs(slope / n + intercept - cost) / cost for n, cost in points)
        gain = immediate[where] - intercept
        even = f"{slope / gain:.2f}" if gain > 0 else "never"
        text.append(
            f"| {where} | {mode} | {slope:,.0f} | {intercept:,.0f} | {immediate[where]:,.0f} | {even} "
            f"| {100 * error:.1f} % |"
        )
    return "\n".join(text)


def delivery(name: str) -> Callable[[Run], str]:
    """A figure of the delivery, as text."""
    return lambda run: f"{run['summary']['delivery'][name]:,}"


def both(run: Run) -> str:
    """Cycles per call."""
    return f"{round(cycles(run)['both']):,}"


def of_vms(run: Run, name: str) -> float:
    """Summed over all VMs, at least 1; what a hart does that polls is nobody's."""
    return max(1.0, float(sum(vm[name] for vm in run["summary"]["vms"])))


def share(run: Run) -> str:
    """What the hypervisor takes of the time that the VMs have a hart."""
    return f"{100 * of_vms(run, 'hypervisor_cycles') / of_vms(run, 'run_cycles'):.1f} %"


def rate(run: Run) -> str:
    """Calls per second of that time, at 1 GHz."""
    return f"{1e6 * of_vms(run, 'hypercalls_done') / of_vms(run, 'run_cycles'):,.1f} k/s"


def traps(run: Run) -> str:
    """Traps that brought calls, per call."""
    s = run["summary"]
    return f"{s['delivery']['notifications'] / max(1, s['hypercalls_done']):.2f}"


Figures = list[Callable[[Run], str]]
latencies: Figures = [delivery("latency_p50"), delivery("latency_p999")]

# What stands in the cells of the page's tables, by experiment.
PAGE: dict[str, list[Figures]] = {
    "dlh_call_rate": [[share, rate], latencies],
    "dlh_routine": [[both, delivery("latency_p999")]],
    "dlh_fraction": [[both]],
    "dlh_crowd": [[both, delivery("latency_p99"), delivery("latency_p999"), delivery("served_by_others")]],
    "dlh_natural": [[traps, both, delivery("latency_p999")]],
    "dlh_exit_cost": [[both]],
    "dlh_ablation": [
        [both],
        [delivery("latency_p99")],
        [delivery("entry_p99")],
        [delivery("served_by_others")],
    ],
    "dlh_losing": [[both, delivery("latency_p50")]],
    "dlh_notification": [[both]],
}


def place(experiment: str, label: str) -> tuple[str, str]:
    """Row and column of a run in the tables of the page."""
    if experiment == "dlh_ablation":
        column, row = label.split("-", 1)
    elif experiment == "dlh_notification":
        row, _, column = label.rpartition("-")
        if "immediate" in label:
            row, column = label, "1"
    elif experiment == "dlh_crowd":
        row, column, time_slice = label.rsplit("-", 2)
        row += " " + time_slice
    else:
        row, column = label.rsplit("-", 1)
    return row, column


def condensed(experiment: Run, figures: Figures) -> str:
    """One of the page's tables: deliveries down, the other axis across."""
    cells: dict[tuple[str, str], str] = {}
    for run in experiment["runs"]:
        cells[place(experiment["experiment"], run["label"])] = "; ".join(figure(run) for figure in figures)
    rows, columns = (list(dict.fromkeys(key[i] for key in cells)) for i in (0, 1))
    text = ["| delivery | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    text += [f"| {row} | " + " | ".join(cells.get((row, c), "") for c in columns) + " |" for row in rows]
    return "\n".join(text)


def main() -> None:
    """The tables of the result files named on the command line."""
    for name in sys.argv[1:]:
        experiment = json.loads(Path(name).read_text())
        print(f"## {experiment['experiment']}\n\n{table(experiment)}\n")
        for figures in PAGE.get(experiment["experiment"], []):
            print(condensed(experiment, figures) + "\n")
        if experiment["experiment"] == "dlh_notification":
            print(break_even(experiment) + "\n")


if __name__ == "__main__":
    main()
