"""Running configs and looking at results."""

from __future__ import annotations

import json
import subprocess

import hvsim
import pandas as pd
import pytest
from hvsim._worker import binary


@pytest.fixture(scope="module")
def storm():
    """Two VMs that make hypercalls, on the fast hypervisor, once with each delivery."""
    vm = {"workload": "hypercall_storm", "arguments": {"calls": "200"}}
    config = {
        "version": 1,
        "name": "storm",
        "machine": {"harts": 2},
        "hypervisor": {"run": "host"},
        "vms": [{"name": "a", **vm}, {"name": "b", **vm}],
    }
    return {
        delivery: hvsim.run(config, overrides={"hypervisor.delivery": delivery})["storm"]
        for delivery in ("immediate", "dlh")
    }


def test_a_run_of_a_dict_has_one_result_that_passed(config):
    results = hvsim.run(config())
    assert list(results) == ["small"]
    assert results["small"].passed
    assert results["small"].stop == "finished"


def test_console_holds_what_each_vm_printed(config):
    results = hvsim.run(config(vms=[{"name": n, "workload": "hello"} for n in ("left", "right")]))
    console = results["small"].console
    assert {"left", "right"} <= set(console)
    assert console["left"].strip()


def test_exits_count_every_call_by_vm_and_cause(storm):
    for result in storm.values():
        exits = result.exits
        assert set(exits["vm"]) >= {"a", "b"}
        assert (exits["count"] > 0).all()
        assert (exits["min"] <= exits["max"]).all()
        assert exits.attrs["units"]["cycles"] == "cycles"


def test_dlh_saves_cycles_of_the_same_work(storm):
    immediate, dlh = (storm[name].summary["value"] for name in ("immediate", "dlh"))
    assert immediate["work_done"] == dlh["work_done"]
    assert immediate["hypercalls_done"] == dlh["hypercalls_done"]


def test_delivery_tells_of_each_vm_how_its_calls_came_through(storm):
    immediate, dlh = (storm[name].delivery for name in ("immediate", "dlh"))
    assert list(dlh.index) == ["a", "b"]
    assert (dlh["issued"] == dlh["ran"]).all()
    assert (immediate["ran"] == dlh["ran"]).all()
    assert (dlh["served_by_own"] > 0).all()
    assert (dlh["served_by_others"] == 0).all()
    assert (immediate["latency_p50"] <= immediate["latency_max"]).all()
    assert dlh.attrs["units"]["latency_p999"] == "cycles"


def test_cells_of_the_cpi_stack_add_up_to_the_elapsed_cycles(storm):
    for result in storm.values():
        components = [name for name, unit in result.cpi.attrs["units"].items() if unit == "cycles"]
        stats = result.stats["value"]
        elapsed = sum(stats[f"harts[{hart}].cycles"] for hart in range(2))
        assert result.cpi[components].to_numpy().sum() == elapsed


def test_walks_of_all_groupings_are_the_same_walks(storm):
    for result in storm.values():
        walks, stats = result.walks, result.stats["value"]
        total = sum(stats[f"harts[{hart}].counters.walks"] for hart in range(2))
        assert walks.kinds["count"].sum() == walks.spaces["walks"].sum() == total > 0
        assert walks.latency["count"].sum() == total
        assert walks.pages["walks"].sum() + walks.kinds["faults"].sum() == total
        reads = walks.ptes[walks.ptes["access"] == "read"]["count"].sum()
        assert reads == walks.kinds["pte_reads"].sum()
        assert reads == walks.spaces[["pte_reads_first", "pte_reads_g"]].to_numpy().sum()
        assert walks.kinds["sum"].sum() == walks.spaces["cycles"].sum()
        assert set(walks.ptes["stage"]) >= {"first", "G"}
        assert walks.ptes.attrs["units"] == {"count": "count", "cycles": "cycles"}
        assert walks.kinds.attrs["units"]["p99"] == "cycles"


def test_statistics_have_units_and_help(storm):
    stats = storm["dlh"].stats
    assert stats.loc["harts[0].cycles", "unit"] == "cycles"
    assert (stats["help"] != "").all()
    summary = storm["dlh"].summary
    assert summary.loc["cycles", "unit"] == "cycles"
    assert (summary["help"] != "").all()


def test_table_has_a_row_per_run(config):
    results = hvsim.run(config())
    table = results.table()
    assert isinstance(table, pd.DataFrame)
    assert list(table.index) == ["small"]
    assert table.loc["small", "result_hash"] == results["small"].result_hash
    assert table.attrs["units"]["cycles"] == "cycles"


def test_results_show_themselves_in_notebooks(config):
    results = hvsim.run(config())
    assert "<table" in results._repr_html_()
    assert results["small"].result_hash in results["small"]._repr_html_()
    assert results["small"].result_hash in repr(results)


def test_two_runs_in_one_session_give_the_same_result(config):
    first, second = (hvsim.run(config())["small"] for _ in range(2))
    assert first.result_hash == second.result_hash
    pd.testing.assert_frame_equal(first.exits, second.exits)


def test_another_seed_or_machine_gives_another_result(config):
    plain = hvsim.run(config())["small"]
    slower = hvsim.run(config(), overrides={"machine.caches.memory_latency": 300})["small"]
    assert slower.result_hash != plain.result_hash
    assert slower.config["machine"]["caches"]["memory_latency"] == 300


def test_changing_a_returned_frame_does_not_change_the_result(config):
    result = hvsim.run(config())["small"]
    before = result.exits
    changed = result.exits
    changed.loc[:, "count"] = 0
    pd.testing.assert_frame_equal(result.exits, before)


def test_api_and_command_line_give_the_same_result_hash(config, tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(config()))
    by_api = hvsim.run(path)["small"]
    out = tmp_path / "out"
    subprocess.run([binary(), "run", path, "--out", out, "--quiet"], check=True, capture_output=True)
    (manifest,) = out.rglob("manifest.json")
    assert json.loads(manifest.read_text())["result_hash"] == by_api.result_hash


def test_out_keeps_the_run_directory(config, tmp_path):
    result = hvsim.run(config(), out=tmp_path / "kept")["small"]
    assert result.directory is not None
    names = {path.name for path in result.directory.iterdir()}
    assert names >= {"config.json", "stats.json", "exits.csv", "console", "manifest.json"}
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [result.directory.name]


def test_nothing_is_kept_without_out(config):
    assert hvsim.run(config())["small"].directory is None


def test_progress_tells_of_each_run(config):
    events = []
    hvsim.run(config(), progress=events.append)
    assert [(event.run, event.state) for event in events] == [("small", "started"), ("small", "finished")]
    assert events[-1].done == events[-1].total == 1


def test_a_limit_ends_a_run_with_a_result_that_says_so(config):
    result = hvsim.run(config(limits={"max_cycles": 1000}))["small"]
    assert result.stop == "cycle_limit"
    assert not result.passed
