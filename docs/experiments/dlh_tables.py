"""The tables of dlh.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from experiment import Cross, Experiment, Figure, Run, by_last_dash, markdown, number, stats
from experiment import tables as crossed

NAMES = "dlh"


def per_call(run: Run) -> float:
    """Cycles of guests and hypervisor per hypercall that was done, without the hart that polls."""
    s = run["summary"]
    parts = ("guest", "trap_path", "exit", "enqueue", "drain")
    return float(sum(s[f"{part}_cycles"] for part in parts) / max(1, s["hypercalls_done"]))


def polled(run: Run) -> float:
    """Cycles of the hart that polls per hypercall."""
    return float(run["summary"]["poll_cycles"] / max(1, run["summary"]["hypercalls_done"]))


def cost(run: Run) -> str:
    """Both, the second where there is one."""
    extra = f" + {number(polled(run))}" if polled(run) else ""
    return number(per_call(run)) + extra


def delivery(name: str) -> Figure:
    """A figure of the delivery."""
    return lambda run: number(run["summary"]["delivery"][name])


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


def exits(run: Run) -> str:
    """All of them."""
    return number(run["summary"]["exits"])


# What stands in a table of the page; a row of titles above each.
COLUMNS: dict[str, Figure] = {
    "cycles per call": cost,
    "exits": exits,
    **{
        title: delivery(name)
        for title, name in {
            "latency p50": "latency_p50",
            "p99": "latency_p99",
            "p99.9": "latency_p999",
            "entry p50": "entry_p50",
            "entry p99": "entry_p99",
            "overflows": "overflow_drains",
            "left behind": "budget_stops",
            "foreign cycles": "served_by_others",
        }.items()
    },
}
LATENCIES = (delivery("latency_p50"), delivery("latency_p999"))
FOREIGN = delivery("served_by_others")
FULL = (delivery("overflow_drains"), delivery("budget_stops"))


def batches(label: str) -> tuple[str, str]:
    """Delivery, and calls per notification where there is such a thing."""
    row, column = by_last_dash(label)
    return (row, column) if row else (label, "-")


def crowds(label: str) -> tuple[str, str]:
    """Delivery and slice down, VMs across."""
    row, vms, time_slice = label.rsplit("-", 2)
    return f"{row}, {time_slice}", vms


def queues(label: str) -> tuple[str, str]:
    """Delivery and capacity down, budgets across."""
    row, capacity, budget = label.rsplit("-", 2)
    return f"{row}, {capacity} entries", budget


def parts(label: str) -> tuple[str, str]:
    """What is left of the mechanism down, target and host across."""
    column, row = label.split("-", 1)
    return row, column


COST = (cost,)
PAGE: dict[str, list[Cross]] = {
    "dlh_call_rate": [
        Cross("share of the guest's time; calls per second of it", by_last_dash, (share, rate)),
        Cross("latency, median and 99.9 %", by_last_dash, LATENCIES),
    ],
    "dlh_routine": [Cross("cycles per call; 99.9 % latency", by_last_dash, (cost, LATENCIES[1]))],
    "dlh_fraction": [Cross("cycles per call", by_last_dash, COST)],
    "dlh_crowd": [
        Cross("cycles per call; 99.9 % latency; foreign cycles", crowds, (cost, LATENCIES[1], FOREIGN)),
    ],
    "dlh_natural": [
        Cross("traps per call; cycles per call; 99.9 % latency", by_last_dash, (traps, cost, LATENCIES[1]))
    ],
    "dlh_exit_cost": [Cross("cycles per call", by_last_dash, COST)],
    "dlh_queue": [
        Cross("cycles per call; overflows; left behind", queues, (cost, *FULL)),
        Cross("latency, median and 99.9 %; entry p99", queues, (*LATENCIES, delivery("entry_p99"))),
    ],
    "dlh_ablation": [
        Cross("cycles per call", parts, COST),
        Cross("latency p99", parts, (delivery("latency_p99"),)),
        Cross("entry p99", parts, (delivery("entry_p99"),)),
        Cross("foreign cycles", parts, (FOREIGN,)),
    ],
    "dlh_losing": [Cross("cycles per call; median latency", by_last_dash, (cost, LATENCIES[0]))],
    "dlh_notification": [Cross("cycles per call", batches, COST)],
    "dlh_notification_host": [Cross("cycles per call", batches, COST)],
}


class Fit:
    """C(N) = A / N + B by least squares over 1 / N."""

    def __init__(self, points: list[tuple[int, float]]) -> None:
        x = [1 / n for n, _ in points]
        y = [cycles for _, cycles in points]
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        over = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
        self.per_trap = over / sum((a - mean_x) ** 2 for a in x)
        self.per_call = mean_y - self.per_trap * mean_x
        self.error = max(abs(self.at(n) - cycles) / cycles for n, cycles in points)

    def at(self, calls_per_notification: int) -> float:
        """Cycles per call."""
        return self.per_trap / calls_per_notification + self.per_call

    def break_even(self, immediate: float) -> float | None:
        """The N from which on it pays; none if it never does."""
        gain = immediate - self.per_call
        return self.per_trap / gain if gain > 0 else None


def fits(experiment: Experiment) -> tuple[float, dict[str, Fit]]:
    """Cycles of an immediate call, and the fit of each delivery that has an N."""
    points: dict[str, list[tuple[int, float]]] = {}
    immediate = 0.0
    for run in experiment.runs:
        row, column = batches(run["label"])
        if row == "immediate":
            immediate = per_call(run)
        elif column != "-":
            points.setdefault(row, []).append((int(column), per_call(run)))
    return immediate, {name: Fit(each) for name, each in points.items()}


def break_even(experiment: Experiment) -> str:
    """The fits in figures."""
    immediate, found = fits(experiment)
    rows = []
    for name, fit in found.items():
        even = fit.break_even(immediate)
        figures = map(number, (fit.per_trap, fit.per_call, immediate))
        rows.append([name, *figures, "never" if even is None else f"{even:.2f}", f"{100 * fit.error:.1f} %"])
    return markdown(
        ["delivery", "A: per trap", "B: per call", "immediate", "break-even N*", "largest error of the fit"],
        rows,
    )


def guests_own(run: Run) -> Counter[str]:
    """Cycles of the guest's own code by component."""
    sums: Counter[str] = Counter()
    for row in stats(run)["cpi"]:
        if row["mode"] in ("VS", "VU"):
            sums.update(row["components"])
    return sums


LOST = {"branches": ("branch",), "L1I": ("icache",), "L1D": ("dcache",), "walks": ("walk_first", "walk_g")}


def left_behind(experiment: Experiment) -> str:
    """What the guest's code loses more than where the hypervisor touches nothing of the machine."""
    runs: dict[str, dict[str, Run]] = {}
    for run in experiment.runs:
        row, column = by_last_dash(run["label"])
        runs.setdefault(row, {})[column] = run
    rows = []
    for name, by_place in runs.items():
        base = guests_own(by_place["bare_host"])
        for place in ("target", "host"):
            run = by_place[place]
            mine = guests_own(run)
            more = [sum(mine[each] - base[each] for each in group) for group in LOST.values()]
            count = run["summary"]["exits"]
            rows.append([name, place, number(count), *map(number, more), f"{sum(more) / max(1, count):.1f}"])
    return markdown(["delivery", "hypervisor", "exits", *LOST, "per exit"], rows)


def tables(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Caption and table, one after the other."""
    yield from crossed(experiment, "delivery", COLUMNS, PAGE.get(experiment.name, []))
    if experiment.name.startswith("dlh_notification"):
        yield "the fit", break_even(experiment)
    if experiment.name == "dlh_behind":
        yield "cycles that the guest's own code loses more, over the run", left_behind(experiment)
