"""Figures for papers, by matplotlib: a column wide, colours that all can tell apart, embedded fonts.

Every function draws on the axes that it is given, or on new ones, and returns them:

>>> with hvsim.plots.paper():
...     axes = hvsim.plots.curve(frame, "machine.costs.trap_entry", "cycles", by="delivery")
...     axes.figure.savefig("cost.pdf")
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from hvsim._seeds import over_seeds
from hvsim._stack import row_name
from hvsim._stats_frames import RESUMED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from hvsim._results import Result
    from hvsim._stack import CpiStack

# Okabe and Ito's palette, which colour-blind readers can tell apart, too.
COLORS = (
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"),
    *("#7F7F7F", "#8C564B", "#B5CF6B", "#6B6ECF"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

COLUMN = (3.4, 2.3)
"""Width and height in inches: one column of the usual two-column paper."""


@contextlib.contextmanager
def paper(width: float = COLUMN[0], height: float = COLUMN[1]) -> Iterator[None]:
    """Sensible defaults for figures of papers, within a ``with``.

    Args:
        width: Of a figure, in inches.
        height: Of a figure, in inches.
    """
    import matplotlib as mpl
    from cycler import cycler

    settings = mpl.rc_context(
        {
            "figure.figsize": (width, height),
            "figure.constrained_layout.use": True,
            "font.size": 8,
            "axes.titlesize": 8,
            "legend.fontsize": 7,
            "legend.framealpha": 0.8,
            "legend.edgecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.alpha": 0.3,
            "grid.linewidth": 0.5,
            "lines.linewidth": 1.2,
            "lines.markersize": 4,
            "axes.prop_cycle": cycler(color=COLORS),
            "savefig.dpi": 300,
            "pdf.fonttype": 42,
            "ps.fonttype": 42,
        }
    )
    interactive = mpl.is_interactive()
    try:
        with settings:
            try:
                yield
            finally:
                interactive = mpl.is_interactive()
    finally:
        # A notebook's backend, loaded with the first figure, turns this on, and shows no later one without.
        mpl.interactive(interactive)


def curve(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    by: str | None = None,
    relative_to: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """A line per value of `by`: the mean of `y` over everything else, such as seeds, against `x`.

    Bars are 95 % confidence intervals of the mean (Student), where there are several rows to a point.

    Args:
        frame: A sweep's table, or rows like it.
        x: Column of the horizontal axis.
        y: Column of the vertical axis.
        by: Column that tells the lines apart.
        relative_to: A value of `by` whose mean at the same `x` is 1.
        ax: Where to draw.
    """
    means = over_seeds(frame, x, y, by=by, relative_to=relative_to)
    axes = _axes(ax)
    lines = [("", means)] if by is None else list(means.groupby(by, sort=False))
    for number, (name, line) in enumerate(lines):
        axes.errorbar(
            line[x].astype(float) if pd.api.types.is_numeric_dtype(line[x]) else line[x].astype(str),
            line["mean"],
            yerr=line["half"] if line["half"].gt(0).any() else None,
            label=str(name),
            marker=MARKERS[number % len(MARKERS)],
            color=COLORS[number % len(COLORS)],
            capsize=2,
        )
    if relative_to is None:
        _short_numbers(axes.yaxis)
    axes.set_xlabel(_with_unit(frame, x))
    axes.set_ylabel(f"{y}, relative to {relative_to}" if relative_to is not None else _with_unit(frame, y))
    if by is not None:
        axes.legend(title=by)
    return axes


# In the order in which stacks have them; a component has one colour, whichever others are there.
_COMPONENTS = (
    "base",
    "branch",
    "icache",
    "dcache",
    "store_buffer",
    "walk_first",
    "walk_g",
    "trap",
    "csr",
    "fp",
    "hypervisor",
)


def component_colors(components: Sequence[str]) -> dict[str, str]:
    """A colour for each component of a CPI stack, the same in all figures.

    Args:
        components: Names, as the columns of a stack have them.
    """
    order = [*_COMPONENTS, *(each for each in components if each not in _COMPONENTS)]
    return {each: COLORS[order.index(each) % len(COLORS)] for each in components}


def cpi_stack(
    stack: CpiStack, *, share: bool = False, vms_only: bool = False, ax: Axes | None = None
) -> Axes:
    """Stacked bars of cycles by component, a bar per row.

    Args:
        stack: Of `Result.cpi_stack`.
        share: Draw percent of all cycles, not cycles.
        vms_only: Leave out what was done for no VM, such as booting, where rows tell VMs apart.
        ax: Where to draw; a figure of its own is as high as it needs.
    """
    frame = stack.shares * 100 if share else stack.frame
    if vms_only and "vm" in frame.index.names:
        frame = frame[frame.index.get_level_values("vm") != "-"]
    axes = _axes(ax, rows=len(frame))
    names = [row_name(key) for key in frame.index]
    left = pd.Series(0.0, index=frame.index)
    for component, color in component_colors(list(frame.columns)).items():
        width = frame[component].astype(float)
        axes.barh(names, width, left=left, label=component, color=color, height=0.7)
        left += width
    axes.invert_yaxis()
    axes.set_xlabel("percent of all cycles" if share else "cycles")
    _short_numbers(axes.xaxis)
    if ax is None and axes.figure.get_layout_engine() is not None:
        axes.figure.legend(loc="outside lower center", ncols=4)
    else:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def exits(result: Result, *, count: bool = False, ax: Axes | None = None) -> Axes:
    """Cycles of VM exits by cause, over all VMs, the greatest first.

    Args:
        result: Of a run.
        count: Draw how many there were, not their cycles.
        ax: Where to draw.
    """
    figure = "count" if count else "cycles"
    frame = result.exits
    if count:
        frame = frame[frame["cause"] != RESUMED]
    sums = frame.groupby("cause")[figure].sum().sort_values()
    axes = _axes(ax, rows=len(sums))
    axes.barh(list(sums.index), sums.astype(float), color=COLORS[0])
    _short_numbers(axes.xaxis)
    axes.set_xlabel("exits" if count else "cycles in exits")
    return axes


def latencies(results: Result | Mapping[str, Result], *, ax: Axes | None = None) -> Axes:
    """What part of deferrable hypercalls waited longer than so many cycles until they had run.

    One line per VM, or per run and VM. What waited longer than the last place of a line is nothing.

    Args:
        results: One, or several by name.
        ax: Where to draw.
    """
    named = results if isinstance(results, Mapping) else {"": results}
    axes = _axes(ax)
    for run, result in named.items():
        for vm, tail in waiting(result).items():
            shown = tail[tail > 0]
            axes.step(shown.index, shown, where="post", label=f"{run} {vm}".strip())
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("cycles until the call had run")
    axes.set_ylabel("part of calls that waited longer")
    _short_numbers(axes.xaxis)
    axes.legend()
    return axes


def waiting(result: Result) -> dict[str, pd.Series[float]]:
    """By VM, what part of its deferrable hypercalls waited longer than the cycles of the index.

    Args:
        result: Of a run.
    """
    buckets = result.delivery_latencies
    if buckets.empty:
        return {}
    calls = buckets[buckets["what"] == "call"]
    return {
        str(vm): 1 - mine.set_index("upto")["count"].cumsum() / mine["count"].sum()
        for vm, mine in calls.groupby("vm", sort=False)
    }


def saved_memory(results: Result | Mapping[str, Result], *, ax: Axes | None = None) -> Axes:
    """Memory that sharing saves over time, in MiB, all VMs of a run together.

    Args:
        results: One, or several by name.
        ax: Where to draw.
    """
    import matplotlib as mpl

    named = results if isinstance(results, Mapping) else {"": results}
    axes = _axes(ax)
    for number, (run, result) in enumerate(named.items()):
        saved = result.saved_memory
        # Policies often save the same: a line that is covered by later ones is seen behind them.
        width = mpl.rcParams["lines.linewidth"] * (1 + 0.6 * (len(named) - 1 - number))
        axes.step(saved["seconds"], saved["saved"], where="post", label=run, linewidth=width)
    axes.set_xlabel("simulated seconds")
    axes.set_ylabel("MiB saved")
    if len(named) > 1:
        axes.legend()
    return axes


class Plots:
    """The figures of one result: ``result.plot.exits()``."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def cpi_stack(self, by: tuple[str, ...] = ("vm", "phase"), **options: Any) -> Axes:
        """As `plots.cpi_stack`, of ``result.cpi_stack(by)``."""
        return cpi_stack(self._result.cpi_stack(by), **options)

    def exits(self, **options: Any) -> Axes:
        """As `plots.exits`."""
        return exits(self._result, **options)

    def latencies(self, **options: Any) -> Axes:
        """As `plots.latencies`."""
        return latencies(self._result, **options)

    def saved_memory(self, **options: Any) -> Axes:
        """As `plots.saved_memory`."""
        return saved_memory(self._result, **options)


def _axes(ax: Axes | None, rows: int = 0) -> Axes:
    """Those, or new ones, high enough for so many bars."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    figure, made = plt.subplots()
    width, height = figure.get_size_inches()
    line = plt.rcParams["font.size"] / 72  # inches
    figure.set_size_inches(width, max(height, 1.6 * line * rows + 6 * line))
    axes: Axes = made
    return axes


def _short_numbers(axis: Axis) -> None:
    """Ticks as 200, 50k, 1.5M; along a logarithmic axis at 1, 2 and 5, of which none hides another."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    if axis.get_scale() == "log":
        axis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(EngFormatter(sep=""))


def _with_unit(frame: pd.DataFrame, column: str) -> str:
    unit = frame.attrs.get("units", {}).get(column, "")
    return f"{column} ({unit})" if unit and unit not in column else column
