"""The tables of trends.md."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator

from experiment import Experiment, Run, markdown, stats

Stats = Run


def load(experiment: Experiment) -> dict[str, Stats]:
    """The statistics of its runs by label."""
    return {run["label"]: stats(run) for run in experiment.runs}


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


def timers(experiment: Experiment) -> str:
    """Instructions and traps beside the native run of the same rate (the label's part behind the dash)."""
    results = load(experiment)
    head = ["run", "instructions", "beside native", "hypervisor", "M-mode"]
    head += ["traps to M", "to HS or S", "to VS"]
    rows = []
    for label, found in sorted(results.items(), key=lambda item: SYSTEMS.index(item[0].partition("-")[0])):
        system, dash, rate = label.partition("-")
        native = instructions(results[f"native{dash}{rate}"]).total()
        mine, handled = instructions(found), traps(found)
        hypervisor = 0 if system.startswith("native") else mine["HS"]
        figures = (mine.total(), percent(mine.total(), native), hypervisor, mine["M"])
        counts = (handled["M"], handled["HS"], handled["VS"])
        rows.append([label, *(f"{n:,}" if isinstance(n, int) else n for n in (*figures, *counts))])
    return markdown(head, rows)


def latency(experiment: Experiment) -> str:
    """Of timer interrupts: until the handler's first instruction, and as software sees it."""
    head = ["run", "handler in", "path", "count", "p50", "p99", "longest", "software p50", "p99"]
    rows = []
    results = load(experiment)
    for label, found in sorted(results.items(), key=lambda item: SYSTEMS.index(item[0])):
        guests = any(row["mode"] == "VS" for row in found["interrupts"])
        seen = next(vm for vm in found["vms"] if vm["latencies"] != 0)
        for row in found["interrupts"]:
            if "TIMER" not in row["interrupt"] or row["mode"] != ("VS" if guests else "HS"):
                continue
            time = row["latency"]
            figures = [time["count"], time["p50"], time["p99"], time["max"]]
            software = [f"{seen['latency_p50']} ns", f"{seen['latency_p99']} ns"]
            rows.append([label, row["mode"] if guests else "S", row["path"], *figures, *software])
    return markdown(head, rows)


def region(stats: Stats, number: int) -> Stats:
    """What was done between its marks."""
    return next(row for row in stats["regions"] if row["region"] == number)


def pages(experiment: Experiment) -> str:
    """Cycles of the measured region with both sizes of G-stage pages."""
    results = load(experiment)
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
    return markdown(["program", "cycles, 2 MiB", "cycles, 4 KiB", "more", "walks"], rows)


def cold(experiment: Experiment) -> str:
    """Cycles per load of the chase."""
    results = load(experiment)
    steps, rows = 100_000, []
    for window in dict.fromkeys(label.partition("-")[2] for label in results):
        cost = {}
        for system in ("native", "guest_2MiB", "guest_4KiB"):
            chase = region(results[f"{system}-{window}"], 2)
            cost[system] = chase["elapsed"]["sum"] / steps
        ratios = [f"{cost[each] / cost['native']:.2f}" for each in ("guest_2MiB", "guest_4KiB")]
        rows.append([window, *(f"{each:.1f}" for each in cost.values()), *ratios])
    return markdown(
        ["window", "native", "guest, 2 MiB", "guest, 4 KiB", "ratio, 2 MiB", "ratio, 4 KiB"], rows
    )


TABLES = {
    "trapped-timers": timers,
    "trapped-timers-linux": timers,
    "interrupt-latency": latency,
    "g-stage-pages": pages,
    "cold-access": cold,
}

NAMES = tuple(TABLES)


def tables(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Caption and table."""
    yield "all runs", TABLES[experiment.name](experiment)
