"""What `hvsim run EXPERIMENT --json` said, for the tables and pictures of these pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Run = dict[str, Any]
Figure = Callable[[Run], str]
Place = Callable[[str], tuple[str, str]]
"""Of a run's label: the row and the column of its cell."""


class Experiment(NamedTuple):
    """An experiment's runs in the order of its axes."""

    name: str
    runs: list[Run]


def load(file: Path) -> Experiment:
    """An experiment's results; run directories are looked for where the simulator put them."""
    try:
        said = json.loads(file.read_text())
        return Experiment(said["experiment"], said["runs"])
    except OSError as error:
        raise SystemExit(f"{file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(
            f"{file}: expected what `hvsim run EXPERIMENT --json` printed ({error!r})"
        ) from error


@cache
def _statistics(directory: str) -> Run:
    statistics: Run = json.loads((Path(directory) / "stats.json").read_text())
    return statistics


def stats(run: Run) -> Run:
    """All statistics of a run."""
    return _statistics(run["directory"])


def console(run: Run, log: str) -> str:
    """What was printed there: a VM's name, or `machine`."""
    return (Path(run["directory"]) / "console" / f"{log}.log").read_text()


def number(value: float, digits: int = 0) -> str:
    """With thousands set apart."""
    return f"{value:,.{digits}f}"


def markdown(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table."""
    titles = list(head)
    lines = ["| " + " | ".join(str(cell) for cell in line) + " |" for line in (titles, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


class Cross(NamedTuple):
    """A table of an experiment: two axes, and what stands in the cells."""

    caption: str
    place: Place
    figures: tuple[Figure, ...]


def by_last_dash(label: str) -> tuple[str, str]:
    """Most labels: the last axis goes across."""
    row, _, column = label.rpartition("-")
    return row, column


def in_order(names: Iterable[str]) -> list[str]:
    """By number, if all but dashes are numbers; else as they came."""
    names = list(dict.fromkeys(names))
    if all(name.isdigit() or name == "-" for name in names):
        return sorted(names, key=lambda name: -1 if name == "-" else int(name))
    return names


def pivot(runs: Iterable[Run], corner: str, place: Place, *figures: Figure) -> str:
    """Figures of a cell are set apart by semicolons."""
    cells = {place(run["label"]): "; ".join(figure(run) for figure in figures) for run in runs}
    rows, columns = list(dict.fromkeys(row for row, _ in cells)), in_order(column for _, column in cells)
    return markdown(
        [corner, *columns], [[row, *(cells.get((row, column), "") for column in columns)] for row in rows]
    )


def listing(runs: Iterable[Run], columns: dict[str, Figure]) -> str:
    """A row per run."""
    return markdown(
        ["run", *columns],
        [
            [run["label"] + ("" if run["exit_code"] == 0 else f" (exit code {run['exit_code']})")]
            + [figure(run) for figure in columns.values()]
            for run in runs
        ],
    )


def tables(
    experiment: Experiment, corner: str, columns: dict[str, Figure], crosses: Iterable[Cross]
) -> Iterator[tuple[str, str]]:
    """Caption and table, one after the other: all runs, then each of `crosses`."""
    yield "all runs", listing(experiment.runs, columns)
    for cross in crosses:
        yield cross.caption, pivot(experiment.runs, corner, cross.place, *cross.figures)
