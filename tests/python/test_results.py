"""Results: immutable, comparable, drawn."""

from __future__ import annotations

import copy
import json
import math
import pickle

import hvsim
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hvsim._seeds import half_interval, over_seeds

mpl.use("Agg")

STORM = {"iterations": 100, "work": 2, "calls_per_iteration": 8, "deferrable_percent": 90}


@pytest.fixture(scope="module")
def storms():
    machine = hvsim.Machine.preset("cva6-like", harts=2, memory_bytes="64MiB")
    hypervisor = {"run": "host", "calls_per_notification": 8}
    machine = machine.with_guests("hypercall_storm", vms=2, hypervisor=hypervisor, arguments=STORM)
    return {
        delivery: hvsim.run(machine, overrides={"hypervisor.delivery": delivery})["hypercall_storm"]
        for delivery in ("immediate", "dlh")
    }


@pytest.fixture(scope="module")
def sharing():
    vm = {"workload": "page_churn", "memory_bytes": "8MiB"}
    arguments = {"rounds": 10, "burst": 64, "pause_us": 20000, "free_percent": 70}
    config = {
        "version": 1,
        "name": "sharing",
        "machine": {"harts": 2, "memory_bytes": "64MiB"},
        "hypervisor": {
            "run": "host",
            "sharing": {"policy": "memory_map", "start_us": 20000, "period_us": 40000, "epoch_us": 10000},
        },
        "vms": [{"name": name, "arguments": arguments, **vm} for name in ("a", "b")],
    }
    return hvsim.run(config)["sharing"]


def test_files_of_another_format_or_with_parts_gone_are_refused(config, tmp_path):
    directory = hvsim.run(config(), out=tmp_path)["small"].directory
    manifest, stats = directory / "manifest.json", directory / "stats.json"
    whole, all_of_it = manifest.read_text(), json.loads(stats.read_text())
    manifest.write_text(whole.replace('"format": 1', '"format": 99'))
    with pytest.raises(hvsim.RunError, match="format 99: expected 1"):
        hvsim.Result.read(directory)
    manifest.write_text(whole)
    stats.write_text(json.dumps({key: value for key, value in all_of_it.items() if key != "cpi"}))
    with pytest.raises(hvsim.RunError, match=r"stats.json lacks cpi"):
        hvsim.Result.read(directory)


def test_nothing_of_a_result_can_be_changed(storms):
    result = storms["dlh"]
    for change in (
        lambda: result.config.update(seed=2),
        lambda: result.config["machine"].__setitem__("harts", 1),
        lambda: result.config["vms"].append({}),
        lambda: result.manifest.pop("seed"),
        lambda: result.console.clear(),
        lambda: setattr(result, "name", "x"),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    assert copy.deepcopy(result.config) == pickle.loads(pickle.dumps(result.config)) == result.config


def test_the_stack_adds_up_to_all_cycles_whatever_its_rows_are(storms):
    result = storms["dlh"]
    cycles = sum(result.stats.loc[f"harts[{hart}].cycles", "value"] for hart in (0, 1))
    for by in ((), ("vm",), ("vm", "phase"), ("hart", "mode", "cause")):
        assert result.cpi_stack(by, idle=True).frame.to_numpy().sum() == cycles, by
    stack = result.cpi_stack(["vm"])
    assert "idle" not in stack.frame.columns
    assert stack.shares.to_numpy().sum() == pytest.approx(1)
    assert stack.frame.attrs["units"]["base"] == "cycles"
    with pytest.raises(ValueError, match="expected some of hart, vm"):
        result.cpi_stack(["vms"])


def test_a_result_differs_in_nothing_from_itself(storms):
    difference = storms["dlh"].diff(storms["dlh"])
    assert not difference
    assert difference.same
    for frame in (difference.config, difference.summary, difference.exits, difference.stats):
        assert frame.empty


def test_a_difference_names_what_was_changed_and_what_came_of_it(storms):
    this, other = storms["immediate"], storms["dlh"]
    difference = this.diff(other)
    assert difference
    assert list(difference.config.index) == ["hypervisor.delivery"]
    assert difference.config.loc["hypervisor.delivery"].to_list() == ["immediate", "dlh"]
    exits = difference.summary.loc["exits"]
    left = [each.exits[each.exits["cause"] != "RESUMED"]["count"].sum() for each in (this, other)]
    assert exits["change"] == left[1] - left[0] < 0
    assert exits["percent"] == pytest.approx(100 * exits["change"] / exits["this"])
    notify = difference.exits.loc[("hypercall_storm-0", "SUPERVISOR_SYSCALL/notify")]
    assert notify["count", "this"] == 0
    assert notify["count", "other"] == notify["count", "change"] > 0
    assert difference.stats.loc["harts[0].cycles", "unit"] == "cycles"
    assert "hypervisor.delivery" in difference._repr_html_()


def test_memory_saved_over_time_peaks_where_the_summary_says(sharing):
    saved = sharing.saved_memory
    peak = sharing._stats["summary"]["sharing"]["peak_saved_pages"]
    assert peak > 0
    assert saved["saved"].max() == peak * 4096 / 2**20
    assert saved["seconds"].is_monotonic_increasing
    assert saved.attrs["units"]["saved"] == "MiB"
    assert set(sharing.sharing["vm"]) >= {"a", "b"}


def test_intervals_are_students():
    # A textbook's example: mean 5, standard deviation 2.138, n = 8, t = 2.365.
    values = pd.Series([2, 4, 4, 4, 5, 5, 7, 9], dtype=float)
    assert half_interval(values) == pytest.approx(2.365 * 2.13809 / math.sqrt(8), rel=1e-4)
    assert half_interval(values[:1]) == 0


def test_means_over_seeds_can_be_relative():
    frame = pd.DataFrame(
        {"x": [1, 1, 2, 2] * 2, "d": ["a"] * 4 + ["b"] * 4, "y": [10, 12, 20, 20, 5, 6, 30, None]}
    )
    means = over_seeds(frame, "x", "y", by="d")
    assert means["mean"].to_list() == [11, 20, 5.5, 30]
    assert means["count"].to_list() == [2, 2, 2, 1]
    assert means["half"].to_list() == pytest.approx([12.706, 0, 6.353, 0], rel=1e-3)
    relative = over_seeds(frame, "x", "y", by="d", relative_to="a")
    assert relative["mean"].to_list() == [1, 1, 0.5, 1.5]
    with pytest.raises(ValueError, match="expected a column of the table: x, d, y"):
        over_seeds(frame, "x", "z")


def test_figures_show_the_values_of_the_results(storms, sharing):
    with hvsim.plots.paper():
        axes = storms["dlh"].cpi_stack().plot()
        widths = sum(bar.get_width() for bar in axes.patches)
        assert widths == storms["dlh"].cpi_stack().frame.to_numpy().sum()
        assert axes.get_xlabel() == "cycles"
        width, height = axes.figure.get_size_inches()
        assert width == hvsim.plots.COLUMN[0]
        assert height > hvsim.plots.COLUMN[1]  # 13 bars have names that can be read
        inside = storms["dlh"].plot.cpi_stack(vms_only=True)
        assert len(inside.get_yticklabels()) < len(axes.get_yticklabels())
        assert "hypercall_storm-0, guest and trap entry" in [t.get_text() for t in inside.get_yticklabels()]

        axes = storms["dlh"].plot.exits(count=True)
        counted = sum(bar.get_width() for bar in axes.patches)
        assert counted == storms["dlh"].summary.loc["exits", "value"]

        axes = hvsim.plots.latencies(storms)
        assert len(axes.lines) == 4
        dlh = storms["dlh"]
        median = dlh.delivery["latency_p50"].iloc[0]
        longer = hvsim.plots.waiting(dlh)["hypercall_storm-0"]
        assert longer[longer.index < median].min() > 0.5 >= longer[longer.index >= median].max()
        assert longer.iloc[-1] == 0
        assert longer.index[-1] == pytest.approx(dlh.delivery["latency_max"].iloc[0], rel=0.07)

        axes = sharing.plot.saved_memory()
        assert np.max(axes.lines[0].get_ydata()) == sharing.saved_memory["saved"].max()

        frame = pd.DataFrame({"x": [1, 1, 2, 2], "y": [1.0, 3.0, 5.0, 7.0]})
        frame.attrs["units"] = {"y": "cycles"}
        axes = hvsim.plots.curve(frame, "x", "y")
        assert list(axes.lines[0].get_ydata()) == [2, 6]
        assert axes.get_ylabel() == "y (cycles)"
        mpl.pyplot.close("all")


def test_lines_cross_between_the_points_where_the_sign_changes():
    x = [1, 2, 3, 4]
    frame = pd.DataFrame({"x": x * 2, "d": ["a"] * 4 + ["b"] * 4, "y": [10, 10, 10, 10, 20, 12, 6, 6]})
    (crossing,) = hvsim.break_even(frame, "x", "y", by="d", of="b", against="a")
    assert crossing == (pytest.approx(2 + 1 / 3), 2, 3, "b", "a")
    crossings = hvsim.break_even(frame, "x", "y", by="d", of="b", against="a")
    assert crossings.first == "a"
    assert str(crossings) == "a is lower up to 2.33333, b from 2.33333 (between 2 and 3)"
    (back,) = hvsim.break_even(frame, "x", "y", by="d", of="a", against="b")
    assert (back.at, back.cheaper) == (crossing.at, "b")
    assert hvsim.break_even(frame[frame["x"] > 2], "x", "y", by="d", of="b", against="a") == []
    never = hvsim.break_even(frame[frame["x"] < 3], "x", "y", by="d", of="b", against="a")
    assert (never, never.first, str(never)) == ([], "a", "a is lower throughout")
    with pytest.raises(ValueError, match="'c': expected a value of d: a, b"):
        hvsim.break_even(frame, "x", "y", by="d", of="c", against="a")


def test_a_killed_guest_says_why_in_the_result(config):
    # It jumps to where nothing is: attack 12 of `hostile`.
    vms = [
        {"name": "bad", "workload": "hostile", "memory_bytes": "4MiB", "arguments": {"attack": 12}},
        {"name": "good", "workload": "compute", "memory_bytes": "8MiB", "arguments": {"crc": 1, "sort": 1}},
    ]
    for where in ("host", "target"):
        result = hvsim.run(config(name="killed", vms=vms, hypervisor={"run": where}))["killed"]
        assert not result.passed
        assert result.vms.loc["bad", "end"].startswith("killed: ")
        assert result.vms.loc["good", "end"] == "powered off, code 0"
        assert f"VM bad: {result.vms.loc['bad', 'end']}" in result.stop_detail
        assert result.vms.attrs["units"]["run_cycles"] == "cycles"
        assert "bad" in result._repr_html_()


def test_of_a_guest_that_failed_the_last_line_is_its_own(config):
    arguments = {"crc": 1, "sort": 1}
    good = {"name": "good", "workload": "compute", "memory_bytes": "8MiB", "arguments": arguments}
    wrong = {**good, "name": "wrong", "arguments": {"crk": 1}}
    result = hvsim.run(config(name="two", vms=[wrong, good]))["two"]
    assert result.stop_detail.endswith(
        "VM wrong: powered off, code 2; "
        "the last line was: [wrong] error: argument crk=1: this workload has no such argument"
    )
    silent = {"name": "bad", "workload": "hostile", "memory_bytes": "4MiB", "arguments": {"attack": 12}}
    result = hvsim.run(config(name="two", vms=[silent, good]))["two"]
    assert "[good]" in result.console["all"] and "[good]" not in result.stop_detail
