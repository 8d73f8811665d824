"""Prints the tables of trends.md from run directories: trend_tables.py RUNS."""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Stats = dict[str, Any]


def natural(path: Path) -> list[Any]:
    """1MiB before 16MiB."""
    parts = re.split(r"(\d+)", path.name.rpartition("-")[0])
    return [int(part) if part.isdigit() else part for part in parts]


def load(runs: Path, experiment: str) -> dict[str, Stats]:
    """The statistics of an experiment's runs by label."""
    found = {}
    for directory in sorted(runs.iterdir(), key=natural):
        manifest = directory / "manifest.json"
        if not manifest.exists():
            continue
        label = json.loads(manifest.read_text())
        if label["name"] == f"{experiment}-{label['label']}":
            assert label["exit_code"] == 0, directory
            found[label["label"]] = json.loads((directory / "stats.json").read_text())
    return found


def table(*rows: list[Any]) -> None:
    """Markdown; the first row is the head."""
    for number, row in enumerate(rows):
        print("| " + " | ".join(str(cell) for cell in row) + " |")
        if number == 0:
            print("|" + "---|" * len(row))
    print()


def instructions(stats: Stats) -> Counter[str]:
    """By mode: of the guest and what was done for it, or of a program without hypervisor."""
    of_vm = any(row["vm"] != "-" for row in stats["shares"])
    sums: Counter[str] = Counter()
    for row in stats["shares"]:
        if not of_vm or row["vm"] != "-":
            sums[row["mode"]] += row["events"]["instructions"]
    return sums


def traps(stats: Stats) -> Counter[str]:
    """By the mode that handles them."""
    sums: Counter[str] = Counter()
    for row in stats["traps"]:
        sums[row["to"]] += row["count"]
    return sums


def percent(value: float, base: float) -> str:
    """How much more than the base."""
    return f"{100 * (value / base - 1):+.2f} %"


SYSTEMS = ["native", "native_sstc", "trapped", "hypervisor_sstc", "guest_sstc", "guest_sstc_4KiB"]


def timers(runs: Path, experiment: str) -> None:
    """Instructions and traps beside the native run of the same rate (the label's part behind the dash)."""
    results = load(runs, experiment)
    head = ["run", "instructions", "beside native", "hypervisor", "M-mode"]
    head += ["traps to M", "to HS or S", "to VS"]
    rows = []
    for label, stats in sorted(results.items(), key=lambda item: SYSTEMS.index(item[0].partition("-")[0])):
        system, dash, rate = label.partition("-")
        native = instructions(results[f"native{dash}{rate}"]).total()
        mine, handled = instructions(stats), traps(stats)
        hypervisor = 0 if system.startswith("native") else mine["HS"]
        figures = (mine.total(), percent(mine.total(), native), hypervisor, mine["M"])
        counts = (handled["M"], handled["HS"], handled["VS"])
        rows.append([label, *(f"{n:,}" if isinstance(n, int) else n for n in (*figures, *counts))])
    table(head, *rows)


def latency(runs: Path) -> None:
    """Of timer interrupts: until the handler's first instruction, and as software sees it."""
    head = ["run", "handler in", "path", "count", "p50", "p99", "longest", "software p50", "p99"]
    rows = []
    results = load(runs, "interrupt-latency")
    for label, stats in sorted(results.items(), key=lambda item: SYSTEMS.index(item[0])):
        guests = any(row["mode"] == "VS" for row in stats["interrupts"])
        seen = next(vm for vm in stats["vms"] if vm["latencies"] != 0)
        for row in stats["interrupts"]:
            if "TIMER" not in row["interrupt"] or row["mode"] != ("VS" if guests else "HS"):
                continue
            time = row["latency"]
            figures = [time["count"], time["p50"], time["p99"], time["max"]]
            software = [f"{seen['latency_p50']} ns", f"{seen['latency_p99']} ns"]
            rows.append([label, row["mode"] if guests else "S", row["path"], *figures, *software])
    table(head, *rows)


def region(stats: Stats, number: int) -> Stats:
    """What was done between its marks."""
    return next(row for row in stats["regions"] if row["region"] == number)


def pages(runs: Path) -> None:
    """Cycles of the measured region with both sizes of G-stage pages."""
    results = load(runs, "g-stage-pages")
    rows, more = [], []
    for label in results:
        program, _, size = label.rpartition("-")
        if size != "2MiB":
            continue
        large, small = (region(results[f"{program}-{each}"], 1) for each in ("2MiB", "4KiB"))
        cycles = [each["elapsed"]["sum"] for each in (large, small)]
        walks = [sum(mode["events"]["page_walks"] for mode in each["modes"]) for each in (large, small)]
        more.append(100 * (cycles[1] / cycles[0] - 1))
        rows.append([program, *(f"{each:,}" for each in cycles), f"{more[-1]:+.2f} %", f"{walks[1]:,}"])
    rows.append(["mean", "", "", f"{statistics.mean(more):+.2f} %", ""])
    rows.append(["worst", "", "", f"{max(more):+.2f} %", ""])
    table(["program", "cycles, 2 MiB", "cycles, 4 KiB", "more", "walks"], *rows)


def cold(runs: Path) -> None:
    """Cycles per load of the chase."""
    results = load(runs, "cold-access")
    steps, rows = 100_000, []
    for window in dict.fromkeys(label.partition("-")[2] for label in results):
        cost = {}
        for system in ("native", "guest_2MiB", "guest_4KiB"):
            chase = region(results[f"{system}-{window}"], 2)
            cost[system] = chase["elapsed"]["sum"] / steps
        ratios = [f"{cost[each] / cost['native']:.2f}" for each in ("guest_2MiB", "guest_4KiB")]
        rows.append([window, *(f"{each:.1f}" for each in cost.values()), *ratios])
    table(["window", "native", "guest, 2 MiB", "guest, 4 KiB", "ratio, 2 MiB", "ratio, 4 KiB"], *rows)


def main() -> None:
    """Those tables of which there are runs."""
    runs = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
    for experiment in ("trapped-timers", "trapped-timers-linux"):
        if load(runs, experiment):
            print(f"{experiment}\n")
            timers(runs, experiment)
    for experiment, show in (("interrupt-latency", latency), ("g-stage-pages", pages), ("cold-access", cold)):
        if load(runs, experiment):
            print(f"{experiment}\n")
            show(runs)


if __name__ == "__main__":
    main()
