"""Draws the pictures of these pages: figures.py FOLDER, with EXPERIMENT.json of `hvsim run --json` in it.

./hvsim python docs/experiments/figures.py FOLDER  # into docs/img/experiments
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlh_tables
import matplotlib as mpl
import page_figures
import sharing_tables
from experiment import Experiment, Run, by_last_dash, load
from hvsim.plots import COLORS, MARKERS, paper
from matplotlib.axes import Axes
from matplotlib.figure import Figure

IMAGES = Path(__file__).resolve().parents[1] / "img" / "experiments"
Number = Callable[[Run], float]

DELIVERIES = ["immediate", "multicall", "softirq", "dlh-1", "dlh", "ring", "polling", "free"]
# As far apart as eight colours are on white.
PALETTE = (*COLORS[:6], COLORS[8], COLORS[7])
POLICIES = ["none", "content", "balloon", "reporting", "map", "map_content", "oracle"]


def style(name: str, names: list[str]) -> dict[str, str]:
    """The same colour and marker in all pictures: of a name, or of the longest that it begins with."""
    number = names.index(max((each for each in names if name.startswith(each)), key=len))
    return {"color": PALETTE[number], "marker": MARKERS[number], "label": name}


def lines(axes: Axes, runs: list[Run], value: Number, names: list[str]) -> None:
    """A line per first part of the labels against their last part, to scale if that is a number."""
    found: dict[str, list[tuple[Any, float]]] = {}
    for run in runs:
        row, column = by_last_dash(run["label"])
        found.setdefault(row, []).append((int(column) if column.isdigit() else column, value(run)))
    for name, points in found.items():
        axes.plot([x for x, _ in points], [y for _, y in points], **style(name, names))


def two(height: float = 2.9) -> tuple[Figure, Axes, Axes]:
    """Two axes beside each other."""
    figure = mpl.figure.Figure(figsize=(8, height), layout="constrained")
    left, right = figure.subplots(1, 2)
    return figure, left, right


def legend(axes: Axes) -> None:
    """Right of the axes."""
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def break_even(experiment: Experiment) -> Figure:
    """Measured and fitted cycles per call against calls per notification."""
    figure = mpl.figure.Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    _, fits = dlh_tables.fits(experiment)
    measured: dict[str, list[tuple[int, float]]] = {}
    for run in experiment.runs:
        row, column = dlh_tables.batches(run["label"])
        if column == "-":
            look = style(row, DELIVERIES)
            axes.axhline(dlh_tables.per_call(run), color=look["color"], linestyle=":", label=row)
        else:
            measured.setdefault(row, []).append((int(column), dlh_tables.per_call(run)))
    for name, points in measured.items():
        look = style(name, DELIVERIES)
        axes.plot([n for n, _ in points], [y for _, y in points], linestyle="none", **look)
        many = [points[0][0] * 2 ** (step / 8) for step in range(8 * 6 + 1)]
        many = [n for n in many if n <= 64]
        axes.plot(many, [fits[name].per_trap / n + fits[name].per_call for n in many], color=look["color"])
    axes.set_xscale("log", base=2)
    axes.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    axes.set_ylim(0)
    axes.set_xlabel("calls per notification (lines: A / N + B)")
    axes.set_ylabel("cycles per call")
    legend(axes)
    return figure


def rate_and_trap(rates: Experiment, traps: Experiment) -> Figure:
    """What the hypervisor takes against the rate of calls; cycles per call against the cost of a trap."""
    figure, left, right = two()

    def share(run: Run) -> float:
        return 100 * dlh_tables.of_vms(run, "hypervisor_cycles") / dlh_tables.of_vms(run, "run_cycles")

    lines(left, rates.runs, share, DELIVERIES)
    left.set_xlabel("calls per second asked for")
    left.set_ylabel("hypervisor, % of the guest's time")
    lines(right, traps.runs, dlh_tables.per_call, DELIVERIES)
    right.set_xlabel("cycles of a trap and its return")
    right.set_ylabel("cycles per call")
    right.set_ylim(0)
    legend(right)
    return figure


def free_and_dirty(experiment: Experiment) -> Figure:
    """What is saved against what is free, with dirty and with zero free memory."""
    figure, left, right = two()
    for axes, prefix, title in ((left, "1-", "dirty free memory"), (right, "0-", "free memory is zero")):
        runs = [
            {**run, "label": run["label"].removeprefix(prefix)}
            for run in experiment.runs
            if run["label"].startswith(prefix)
        ]
        lines(axes, runs, lambda run: sharing_tables.sharing(run)["peak_saved_pages"] / 256, POLICIES)
        axes.set_title(title)
        axes.set_xlabel("free, % of the VMs' memory")
        axes.set_ylabel("saved at most, MiB of 32")
        axes.set_ylim(0, 32)
    legend(right)
    return figure


def steps(axes: Axes, run: Run, name: str) -> None:
    """Memory that VMs have to themselves over time."""
    points = sharing_tables.held(run)
    look = style(name, POLICIES)
    dashes = "--" if name == "oracle" else "-"
    axes.step(*zip(*points, strict=True), dashes, where="post", color=look["color"], label=name, lw=1)


def over_time(policies: Experiment, peaks: Experiment) -> Figure:
    """Two VMs' memory over time: bursts of some pages, and of most of the memory."""
    figure, left, right = two()
    for run in policies.runs:
        if run["label"].startswith("1-") and not run["label"].endswith("none"):
            steps(left, run, run["label"].removeprefix("1-"))
    left.axhline(32, color=PALETTE[0], linestyle=":", label="none")
    left.set_xlim(0, 4)
    left.set_title("some pages come and go, dirty")
    for run in peaks.runs:
        name, _, phase = run["label"].removeprefix("0-").partition("-")
        if phase == "in-turn" and name in ("none", "balloon", "map"):
            steps(right, run, name)
    right.set_title("most of the memory, in turn")
    for axes in (left, right):
        axes.set_xlabel("seconds")
        axes.set_ylabel("MiB that VMs have to themselves")
        axes.set_ylim(0)
    legend(left)
    return figure


def overcommit(experiment: Experiment) -> Figure:
    """VMs that came to their end, by the machine's memory."""
    figure, left, right = two()
    for axes, phase in ((left, "together"), (right, "in-turn")):
        found: dict[str, dict[str, int]] = {}
        for run in experiment.runs:
            row, column = sharing_tables.by_memory(run["label"])
            if row.endswith(phase):
                done = len(sharing_tables.vms_that(run, "powered off, code 0"))
                found.setdefault(row.partition(",")[0], {})[column] = done
        for number, (name, bars) in enumerate(found.items()):
            look = style(name, POLICIES)
            places = [place + (number - 3) * 0.12 for place in range(len(bars))]
            axes.bar(places, list(bars.values()), 0.11, color=look["color"], label=name)
        memory = list(next(iter(found.values())))
        axes.set_xticks(range(len(memory)), memory)
        axes.set_yticks(range(5))
        axes.set_title(f"busy {phase.replace('-', ' ')}")
        axes.set_xlabel("memory of the machine")
        axes.set_ylabel("VMs of four that came to their end")
    legend(right)
    return figure


PICTURES: dict[str, tuple[Callable[..., Figure], tuple[str, ...]]] = {
    "break-even": (break_even, ("dlh_notification",)),
    "rate-and-trap": (rate_and_trap, ("dlh_call_rate", "dlh_exit_cost")),
    "free-and-dirty": (free_and_dirty, ("sharing_free_fraction",)),
    "over-time": (over_time, ("sharing_policies", "sharing_peaks")),
    "overcommit": (overcommit, ("sharing_overcommit",)),
}


def main() -> None:
    """Those pictures whose experiments are in the folder, and all that need only their pages."""
    folder = Path(sys.argv[1])
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, (draw, experiments) in PICTURES.items():
        files = [folder / f"{each}.json" for each in experiments]
        if all(file.exists() for file in files):
            with paper():
                draw(*(load(file) for file in files)).savefig(IMAGES / f"{name}.png", dpi=110)
    for name, fill in page_figures.PICTURES.items():
        with paper():
            figure, left, right = two(3.2)
            fill(left, right)
            figure.savefig(IMAGES / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
