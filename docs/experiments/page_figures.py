"""Pictures of what stands in a page's own tables, for figures.py."""

from __future__ import annotations

import re
from pathlib import Path

from hvsim.plots import COLORS, MARKERS
from matplotlib.axes import Axes

PAGES = Path(__file__).resolve().parent
Table = list[dict[str, str]]


def table(page: str, title: str) -> Table:
    """The rows of a page's first table with this first title; cells by the number of their column."""
    lines = (PAGES / f"{page}.md").read_text().splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"| {title} |"))
    rows = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return [{f"{i}": cell for i, cell in enumerate(row)} for row in rows[2:]]


def number(cell: str) -> float:
    """Its first number; nothing is 0."""
    found = re.search(r"[-+]?[\d,]+(\.\d+)?", cell)
    return float(found[0].replace(",", "")) if found else 0.0


def bars(axes: Axes, rows: Table, column: int, label: str) -> None:
    """Across, the first row on top."""
    names = [row["0"].replace("_", " ") for row in rows]
    values = [number(row[str(column)]) for row in rows]
    axes.barh(names[::-1], values[::-1], 0.7, color=COLORS[0])
    axes.set_xlabel(label)
    axes.grid(visible=False, axis="y")


def pages_and_cold(left: Axes, right: Axes) -> None:
    """What 4 KiB pages in the G-stage cost, and what a cold access does."""
    programs = [row for row in table("trends", "program") if row["0"] not in ("mean", "worst")]
    bars(left, programs, 3, "more cycles with 4 KiB G-stage pages, %")
    cold = table("trends", "window")
    for column, name in ((1, "native"), (2, "guest, 2 MiB"), (3, "guest, 4 KiB")):
        values = [number(row[str(column)]) for row in cold]
        right.plot(
            [row["0"] for row in cold],
            values,
            color=COLORS[column - 1],
            marker=MARKERS[column - 1],
            label=name,
        )
    right.set_ylim(0)
    right.set_xlabel("window")
    right.set_ylabel("cycles per load")
    right.legend()


def lateness(left: Axes, right: Axes) -> None:
    """Of a VM that is woken, by scheduler and slice; what more VMs and shorter slices cost."""
    rows = table("scheduling", "scheduler")
    for i, name in enumerate(("round robin", "credit")):
        mine = [row for row in rows if row["0"] == name]
        for column, line, what in ((2, "-", "median"), (3, "--", "99 %")):
            left.plot(
                [row["1"] for row in mine],
                [number(row[str(column)]) for row in mine],
                line,
                color=COLORS[i],
                marker=MARKERS[i],
                label=f"{name}, {what}",
            )
    left.set_yscale("log")
    left.set_xlabel("slice, us")
    left.set_ylabel("lateness, us")
    left.legend()
    crowd = table("scheduling", "VMs")
    for i, name in enumerate(("50 us", "200 us", "1 ms")):
        values = [number(row[str(i + 1)]) for row in crowd]
        right.plot([row["0"] for row in crowd], values, color=COLORS[i], marker=MARKERS[i], label=name)
    right.set_ylim(0, 20_000)
    right.set_xlabel("VMs on a hart")
    right.set_ylabel("units of work")
    right.legend(title="slice")


def victim(left: Axes, right: Axes) -> None:
    """How much longer the victim takes beside each neighbour."""
    rows = [row for row in table("isolation", "neighbour") if row["0"] != "calm"]
    for axes, column, title in ((left, 2, "own harts"), (right, 4, "one hart")):
        bars(axes, rows, column, "victim's cycles, % more than beside a calm neighbour")
        axes.set_title(title)
        axes.set_xlim(-1, 4)


def caches(left: Axes, right: Axes) -> None:
    """What each saves of the guest's cycles, and of its walks' PTEs."""
    rows = table("translation-caches", "translation")
    bars(left, rows, 2, "guest cycles saved, %")
    bars(right, rows, 3, "walk cycles, millions")
    right.set_yticks([])


PICTURES = {
    "pages-and-cold": pages_and_cold,
    "lateness": lateness,
    "victim": victim,
    "translation-caches": caches,
}
