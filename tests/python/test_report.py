"""Reports, looked at in headless Chromium without a network: what they draw is what the runs came to."""

from __future__ import annotations

import math
import re

import hvsim
import numpy as np
import pandas as pd
import pytest
from drawn import browse, look_at, on_a_line
from scipy import stats

STORM = {"iterations": 60, "work": 2, "calls_per_iteration": 8, "deferrable_percent": 90}
CHURN = {"rounds": 8, "burst": 64, "pause_us": 20000, "free_percent": 70}

# What a reader does: chooses another figure, then asks for it relative to the first line.
READER = """
const change = (id, what) => {
  Object.assign(document.getElementById(id), what);
  document.getElementById(id).dispatchEvent(new Event("change"));
};
const shown = text => document.getElementById("curve").textContent.includes(text);
change("curve-y", {value: "exits"});
await wait(() => shown("exits (count)") || shown("exits"));
keep("drawn-exits");
change("curve-relative", {checked: true});
await wait(() => shown("exits, relative to"));
keep("drawn-relative");
dispatchEvent(new Event("beforeprint"));
"""


@pytest.fixture(scope="module")
def storm():
    hypervisor = {"run": "host", "calls_per_notification": 8}
    machine = hvsim.Machine.preset("cva6-like", harts=2, memory_bytes="64MiB")
    return machine.with_guests("hypercall_storm", vms=2, hypervisor=hypervisor, arguments=STORM)


@pytest.fixture(scope="module")
def sweep(storm, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "out"
    grid = {
        "machine.costs.trap_entry": [8, 400, 3000],
        "hypervisor.delivery": ["immediate", "dlh"],
        "seed": [1, 2],
    }
    hvsim.sweep(storm, grid, out=out, name="costs")
    return out


def expected_curve(frame, x, y, by):
    """Means over seeds with Student's intervals, by scipy; `by` is the line."""
    rows = {}
    for (line, at), of_it in frame.groupby([by, x]):
        values = of_it[y].astype(float)
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
        rows[line, at] = (values.mean(), values.mean() - half, values.mean() + half)
    return rows


def assert_curve(marks, rules, expected):
    """Points and error bars have these means and intervals, and are where they belong."""
    points = {(each.datum["line"], each.datum["x"]): each for each in marks}
    assert points.keys() == expected.keys()
    for key, (mean, low, high) in expected.items():
        told = [points[key].datum[name] for name in ("mean", "low", "high")]
        assert told == pytest.approx([mean, low, high], rel=1e-4), key
    assert on_a_line([each.datum["mean"] for each in marks], [each.y for each in marks])
    assert on_a_line([each.datum["x"] for each in marks], [each.x for each in marks])
    values = [each.datum["mean"] for each in marks] + [each.datum["low"] for each in rules]
    heights = [each.y for each in marks] + [each.y for each in rules]
    assert on_a_line(values, heights)
    assert on_a_line(values + [each.datum["high"] for each in rules], heights + [each.y2 for each in rules])


def test_a_sweeps_page_draws_its_table_and_answers_its_reader(sweep, tmp_path):
    page = tmp_path / "report.html"
    text = hvsim.report(sweep, page)
    assert page.read_text("utf-8") == text
    assert len(text.encode()) < 5_000_000
    frame = pd.read_parquet(sweep / "table.parquet")
    seen = look_at(text, tmp_path, READER)
    x, by = "machine.costs.trap_entry", "hypervisor.delivery"
    for moment, y in (("first", "cycles"), ("exits", "exits")):
        marks = seen.marks("symbol", "curve", moment)
        rules = [
            each for each in seen.marks("rule", "curve", moment) if each.datum["high"] > each.datum["low"]
        ]
        assert_curve(marks, rules, expected_curve(frame, x, y, by))
    first = frame[frame[by] == "immediate"].set_index([x, "seed"])["exits"]
    ratios = frame.assign(ratio=[row["exits"] / first[row[x], row["seed"]] for _, row in frame.iterrows()])
    told = {
        (e.datum["line"], e.datum["x"]): e.datum["mean"] for e in seen.marks("symbol", "curve", "relative")
    }
    means = ratios.groupby([by, x])["ratio"].mean()
    assert told == pytest.approx(means.to_dict(), rel=1e-4)
    crossing = hvsim.break_even(frame, x, "cycles", by=by, of="dlh", against="immediate")
    if crossing:
        assert f"From {x} = {crossing[0].at:,.4g} on" in seen.words
    else:
        assert f"dlh is below immediate in cycles at every measured {x}" in seen.words
    assert "12 points over machine.costs.trap_entry (3 values), hypervisor.delivery (2 values)" in seen.words
    assert "95 % confidence intervals" in seen.words
    (wide,), narrow = seen.tables("screen"), seen.tables("paper")
    assert len(narrow) > 1 and all(part[:3] == [x, by, "seed"] for part in narrow)
    assert [name for part in narrow for name in part[3:]] == wide[3:]
    for _, row in frame.iterrows():
        cells = [f"{row[x]:,}", row[by], str(row["seed"]), row["label"]]
        assert seen.table(*cells) or seen.table(*cells[:3]), cells


def churn(tmp_path):
    vm = {"workload": "page_churn", "memory_bytes": "8MiB", "arguments": CHURN}
    sharing = {"policy": "memory_map", "start_us": 20000, "period_us": 40000, "epoch_us": 10000}
    config = {
        "version": 1,
        "name": "churn",
        "description": "shares </script><b>memory</b>",
        "machine": {"harts": 2, "memory_bytes": "64MiB"},
        "hypervisor": {"run": "host", "delivery": "dlh", "sharing": sharing},
        "vms": [{"name": name, **vm} for name in ("left", "right")],
    }
    return hvsim.run(config, out=tmp_path / "runs")["churn"]


def test_a_runs_page_draws_what_the_run_came_to(tmp_path):
    result = churn(tmp_path)
    seen = look_at(hvsim.report(result.directory), tmp_path)
    for section in ("Summary", "Where cycles went", "Exits", "Memory saved", "Figures", "The machine"):
        assert re.search(f"<h2[^>]*>{section}</h2>", seen.dom), section
    assert f"{result.saved_memory['saved'].max():,.1f} MiB at most" in seen.words
    assert "shares </script><b>memory</b>" in seen.words
    left = result.exits[result.exits["cause"] != "RESUMED"]
    assert f"left {left['count'].sum():,} times" in seen.words
    assert "to go on after others had the hart" in seen.words
    assert "left, guest and trap entry" in seen.words
    for name, row in result.summary.iterrows():
        if isinstance(row["value"], int) and row["value"] != 0:
            assert seen.table(name, f"{row['value']:,}", row["unit"]), name

    bars = [each for each in seen.marks("rect") if "component" in each.datum]
    stack = result.cpi_stack().frame
    cells = {
        (f"{vm}, {'guest and trap entry' if phase == 'none' else phase}", component): cycles
        for (vm, phase), row in stack.iterrows()
        for component, cycles in row.items()
        if vm != "-" and cycles
    }
    assert {(each.datum["row"], each.datum["component"]): each.datum["cycles"] for each in bars} == cells
    assert_lengths(bars)

    bars = [each for each in seen.marks("rect") if "cause" in each.datum]
    exits = result.exits[result.exits["cycles"] > 0]
    told = {(each.datum["VM"], each.datum["cause"]): each.datum["cycles"] for each in bars}
    assert told == exits.set_index(["vm", "cause"])["cycles"].to_dict()
    assert_lengths(bars)
    for row in exits.itertuples():
        assert seen.table(row.vm, row.cause, f"{row.count:,}", f"{row.cycles:,}"), row

    line = [each for each in seen.marks("line") if "saved" in each.datum]
    saved = result.saved_memory
    assert [each.datum["saved"] for each in line] == pytest.approx(saved["saved"].to_list())
    assert on_a_line(saved["seconds"].to_list(), [each.x for each in line])
    assert on_a_line(saved["saved"].to_list(), [each.y for each in line])


def assert_lengths(bars):
    """Bars are as long as their cycles, all in one scale."""
    cycles = np.array([each.datum["cycles"] for each in bars])
    widths = np.array([each.width for each in bars])
    scale = widths.sum() / cycles.sum()
    assert scale > 0
    assert np.abs(widths - scale * cycles).max() < 0.5


def test_latencies_are_those_of_the_run(storm, tmp_path):
    result = next(iter(hvsim.run({**storm}, overrides={"hypervisor.delivery": "dlh"}, out=tmp_path).values()))
    seen = look_at(hvsim.report(result.directory), tmp_path)
    line = [each for each in seen.marks("line") if "longer" in each.datum]
    buckets = result.delivery_latencies
    for vm, mine in buckets[buckets["what"] == "call"].groupby("vm"):
        points = {each.datum["cycles"]: each.datum["longer"] for each in line if vm in each.datum["series"]}
        total = mine["count"].sum()
        longer = {upto: mine.loc[mine["upto"] > upto, "count"].sum() / total for upto in mine["upto"]}
        assert points == pytest.approx({upto: part for upto, part in longer.items() if part > 0})
    assert on_a_line([math.log(each.datum["cycles"]) for each in line], [each.x for each in line])
    assert on_a_line([math.log(each.datum["longer"]) for each in line], [each.y for each in line])


def test_a_page_can_be_printed(tmp_path):
    result, page = churn(tmp_path), tmp_path / "report.html"
    hvsim.report(result.directory, page)
    printed = tmp_path / "report.pdf"
    browse(page, f"--print-to-pdf={printed}")
    assert printed.read_bytes().startswith(b"%PDF")
    assert printed.stat().st_size > 20_000


def test_a_page_asks_for_nothing_from_outside(sweep):
    text = hvsim.report(sweep)
    assert "default-src 'none'" in text
    markup = re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", text)
    assert re.findall(r'(?:src|href)="(?!data:|#)', markup) == []


def test_several_runs_are_one_page(storm, tmp_path):
    config = {**storm, "axes": {"hypervisor.delivery": ["immediate", "dlh"]}}
    hvsim.run(config, out=tmp_path / "runs")
    text = hvsim.report(tmp_path / "runs")
    assert "runs: 2 runs" in text
    assert text.count("ran to its end, and its guests reported success") == 2


def test_a_directory_without_results_is_refused(tmp_path):
    with pytest.raises(hvsim.ConfigError, match="expected a directory of a run"):
        hvsim.report(tmp_path)
    with pytest.raises(hvsim.ConfigError, match="expected a directory of a run"):
        hvsim.report(tmp_path / "absent")
