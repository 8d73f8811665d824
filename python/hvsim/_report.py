"""Reports: one HTML page from a run directory, from several of them, or from a sweep."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from hvsim import _report_charts as charts
from hvsim import _report_words as words
from hvsim import _table
from hvsim._errors import ConfigError, Error, RunError
from hvsim._report_drawing import machine
from hvsim._report_page import Page
from hvsim._result_sets import Runs
from hvsim._results import Result
from hvsim._seeds import over_seeds
from hvsim._store import DEFINITION
from hvsim._sweep import TABLE

LARGEST = 5_000_000
"""Bytes that a page may have."""

_RUNS_IN_DETAIL = 6
_RUNS_IN_CHARTS = 40
_ROWS_IN_TABLE = 400
_CURVE_ROWS = 20_000

# What people look at first; a sweep's page offers those that its runs differ in.
_METRICS = (
    *("cycles", "guest_cycles", "exits", "exit_cycles", "trap_path_cycles", "drain_cycles", "idle_cycles"),
    *("delivery.latency_p50", "delivery.latency_p99", "delivery.entry_p50", "delivery.notifications"),
    *(
        "sharing.peak_saved_pages",
        "sharing.unshares",
        "scan_cycles",
        "unshare_cycles",
        "work_done",
        "retired",
    ),
)


def report(directory: str | os.PathLike[str], out: str | os.PathLike[str] | None = None) -> str:
    """Make a page to look at, to print and to hand on: one HTML file that needs no network.

    Args:
        directory: Of a run, of several runs (what ``hvsim run --out`` filled), or of a sweep.
        out: File to write; nothing is written if not given.

    Returns:
        The page's text.

    Raises:
        ConfigError: The directory holds no results.
        Error: The page cannot be made or written.
    """
    path = Path(directory)
    page = _of_sweep(path) if (path / DEFINITION).exists() else _of_runs(path)
    text = page.render()
    if len(text.encode()) > LARGEST:
        raise Error(f"{path}: its report would have {len(text.encode()):,} bytes; the most are {LARGEST:,}")
    if out is not None:
        try:
            _table.write(Path(out).absolute(), text.encode())
        except OSError as error:
            raise Error(f"{out}: {error.strerror}") from error
    return text


def _of_runs(path: Path) -> Page:
    if (path / "manifest.json").exists():
        found = [path]
    elif path.is_dir():
        found = sorted(each.parent for each in path.glob("*/manifest.json"))
    else:
        found = []
    if not found:
        raise ConfigError("report", str(path), "", "expected a directory of a run, of runs, or of a sweep")
    read = [Result.read(each) for each in found]
    results = _named(read)
    first = read[0]
    title = first.config["name"] if len(read) == 1 else f"{path.resolve().name}: {len(read)} runs"
    page = Page(title, _subtitle(first.config["description"], first.manifest["simulator"]))
    page.section("Summary")
    shown = dict(list(results.items())[:_RUNS_IN_DETAIL])
    page.words([" ".join(words.of_run(result)) for result in shown.values()])
    _tell_rest(page, len(results), len(shown))
    _charts(page, results, shown)
    page.section("Figures")
    page.table(words.figures_table(shown))
    _setting(page, first)
    return page


def _subtitle(description: str, version: str) -> str:
    return f"{description} (hvsim {version})" if description else f"hvsim {version}"


def _named(results: list[Result]) -> dict[str, Result]:
    """By label where labels tell them apart, in the order of their names."""
    labels = [str(result.manifest["label"]) for result in results]
    names = labels if len(set(labels)) == len(labels) else [result.name for result in results]
    return {name: replace(result, name=name) for name, result in zip(names, results, strict=True)}


def _of_sweep(path: Path) -> Page:
    try:
        definition = json.loads((path / DEFINITION).read_text("utf-8"))
        table = pd.read_parquet(path / TABLE)
    except (OSError, ValueError) as error:
        raise ConfigError("report", str(path), "", f"expected a sweep with its table ({error})") from error
    columns = list(table.columns)
    axes = columns[: columns.index("label")]
    seeds = [axis for axis in axes if axis == "seed" or axis.endswith(".seed")]
    axes = [axis for axis in axes if axis not in seeds]
    name = definition["name"]
    about = definition["sweep"].get("description", "")
    page = Page(name, _subtitle(about, definition["simulator"]["version"]))
    page.section("Summary")
    page.words(words.of_sweep(table, name, axes, seeds))
    curves = list(_curves(table, axes, seeds, page))
    if curves:
        page.section("Curves")
        page.curves(curves)
        bars = f"bars are 95 % confidence intervals of the mean over {', '.join(seeds)} (Student)"
        page.note(f"A line is a combination of the other axes; {bars if seeds else 'a point is one run'}.")
    once = table[(table[seeds] == table[seeds].iloc[0]).all(axis=1)] if seeds else table
    results = _results(path, once, axes)
    if results:
        _charts(page, results, dict(list(results.items())[:_RUNS_IN_DETAIL]))
        if seeds:
            page.note(f"Of several seeds ({', '.join(seeds)}), the first is shown in these charts.")
    page.section("Table")
    _tell_rest(page, len(table), min(len(table), _ROWS_IN_TABLE))
    shown = table.drop(columns=["identity", "result_hash"]).head(_ROWS_IN_TABLE)
    differ = [name for name in shown.columns if shown[name].nunique(dropna=False) > 1]
    varied = [name for name in shown.columns if name in (*axes, *seeds, *differ)]
    page.table(shown[varied].set_index(varied[0]) if varied else shown, keys=max(1, len(axes + seeds)))
    page.note(f"Columns that are the same everywhere are left out; all of them are in {TABLE}.")
    if results:
        _setting(page, next(iter(results.values())))
    return page


def _results(path: Path, table: pd.DataFrame, axes: list[str]) -> dict[str, Result]:
    """Results of the first rows that have some, by their coordinates."""
    try:
        runs = Runs(path)
    except RunError:
        return {}  # all have failed
    found: dict[str, Result] = {}
    for _, row in table.iterrows():
        name = ", ".join(_coordinate(axis, row[axis]) for axis in axes) or str(row["label"])
        if len(found) < _RUNS_IN_CHARTS and row["identity"] in runs and name not in found:
            found[name] = replace(runs[row["identity"]], name=name)
    return found


def _coordinate(axis: str, value: Any) -> str:
    """A word speaks for itself, a number does not."""
    return value if isinstance(value, str) else f"{axis.rpartition('.')[2]}={value}"


def _charts(page: Page, results: Mapping[str, Result], detailed: Mapping[str, Result]) -> None:
    page.section("Where cycles went")
    shown = dict(list(results.items())[:_RUNS_IN_CHARTS])
    if len(shown) > 1:
        totals = {name: result.cpi_stack(()).frame for name, result in shown.items()}
        page.chart(charts.cpi_stack(pd.concat([f.set_axis([n]) for n, f in totals.items()]).fillna(0)))
        page.note(
            "All harts, without idle cycles. A click in a legend keeps one series, shift-click several."
        )
        _tell_rest(page, len(results), len(shown))
    stacks = {name: _of_vms(result.cpi_stack().frame) for name, result in detailed.items()}
    longest = max((frame.sum(axis=1).max() for frame in stacks.values() if len(frame)), default=0)
    if longest:
        page.words(["By VM and phase of the hypervisor, without what was done for no VM, such as booting:"])
    for name, frame in stacks.items():
        if len(frame):
            page.words([f"{name}:"] if len(stacks) > 1 else [])
            page.chart(charts.cpi_stack(frame, float(longest)))
    if any(result.exits["cycles"].sum() for result in detailed.values()):
        page.section("Exits")
        for name, result in detailed.items():
            page.words([f"{name}:"] if len(detailed) > 1 else [])
            page.chart(charts.exits(result))
            page.table(result.exits.set_index(["vm", "cause"]), folded="Each cause, with lengths in cycles")
    for title, spec in (
        ("Latency of deferrable hypercalls", charts.latencies(detailed)),
        ("Memory saved", charts.saved_memory(detailed)),
    ):
        if spec is not None:
            page.section(title)
            page.chart(spec)
    _tell_rest(page, len(results), len(detailed))


def _of_vms(stack: pd.DataFrame) -> pd.DataFrame:
    return stack[stack.index.get_level_values("vm") != "-"]


def _setting(page: Page, result: Result) -> None:
    page.section("The machine")
    page.drawing(machine(result.config))
    page.note(f"Of {result.name}." if result.name else "")
    page.folded("The complete config", json.dumps(result.config, indent=2))


def _tell_rest(page: Page, number: int, shown: int) -> None:
    if number > shown:
        page.note(f"Of {number:,}, the first {shown:,} are shown.")


def _curves(table: pd.DataFrame, axes: list[str], seeds: list[str], page: Page) -> Iterator[dict[str, Any]]:
    """A chart for each axis with several values and each metric that differs, as far as there is room."""
    good = table[table["failure"].isna()]
    figures = [each for each in _METRICS if each in good.columns and good[each].nunique() > 1]
    rows = 0
    for x in [axis for axis in axes if good[axis].nunique() > 1]:
        others = [axis for axis in axes if axis != x and good[axis].nunique() > 1]
        by = ", ".join(others) or None
        lines = good.assign(**{by: good[others].astype(str).agg(", ".join, axis=1)}) if by else good
        numeric = pd.api.types.is_numeric_dtype(good[x]) and not pd.api.types.is_bool_dtype(good[x])
        for y in figures:
            for relative in (False, True) if by else (False,):
                first = lines[by].iloc[0] if by and relative else None
                means = over_seeds(lines, x, y, by=by, relative_to=first)
                means = means[means["mean"].notna()]
                rows += len(means)
                if rows > _CURVE_ROWS:
                    page.note("There are more curves than a page can hold; the first are shown.")
                    return
                if by and numeric and not relative and y == "cycles":
                    page.words(words.of_crossings(means, x, y, by))
                title = f"{y}, relative to {first}" if relative else _with_unit(table, y)
                spec = charts.curves(means, x, title, by, numeric)
                values = spec.pop("data")["values"]
                names = list(values[0]) if values else []
                yield {
                    "x": x,
                    "y": y,
                    "relative": relative,
                    "spec": spec,
                    "columns": names,
                    "rows": [[_rounded(row[name]) for name in names] for row in values],
                }


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _with_unit(table: pd.DataFrame, column: str) -> str:
    unit = table.attrs.get("units", {}).get(column, "")
    return f"{column} ({unit})" if unit and unit not in column else column


__all__ = ["report"]
