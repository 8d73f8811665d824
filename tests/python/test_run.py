"""Running configs and looking at results."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys

import hvsim
import pandas as pd
import pytest
from hvsim._worker import binary


@pytest.fixture(scope="module")
def storm():
    """Two VMs that make hypercalls, on the fast hypervisor, once with each delivery."""
    vm = {"workload": "hypercall_storm", "memory_bytes": "4MiB", "arguments": {"iterations": "200"}}
    config = {
        "version": 1,
        "name": "storm",
        "machine": {"harts": 2, "memory_bytes": "64MiB"},
        "hypervisor": {"run": "host", "calls_per_notification": 8},
        "vms": [{"name": "a", **vm}, {"name": "b", **vm}],
    }
    results = {
        delivery: hvsim.run(config, overrides={"hypervisor.delivery": delivery})["storm"]
        for delivery in ("immediate", "dlh")
    }
    assert all(result.passed for result in results.values()), results
    return results


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
    # Not hypercalls_done: an event for a VM that has ended by then is a call that ran, and failed.
    assert list(storm["immediate"].delivery["ran"]) == list(storm["dlh"].delivery["ran"])
    assert 0 < dlh["exits"] < immediate["exits"]
    assert 0 < dlh["trap_path_cycles"] < immediate["trap_path_cycles"]


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
        read = (walks.ptes["access"] == "read") & (walks.ptes["source"] != "walker")
        reads = walks.ptes[read]["count"].sum()
        assert reads == walks.kinds["pte_reads"].sum()
        assert reads == walks.spaces[["pte_reads_first", "pte_reads_g"]].to_numpy().sum()
        assert walks.kinds["sum"].sum() == walks.spaces["cycles"].sum()
        assert set(walks.ptes["stage"]) >= {"first", "G"}
        assert walks.ptes.attrs["units"] == {"count": "count", "cycles": "cycles"}
        assert walks.kinds.attrs["units"]["p99"] == "cycles"


# What each share is a part of, by the path in `stats`.
TOTALS = {
    "cycles": "cycles",
    "instructions": "retired",
    "traps": "counters.traps",
    "interrupts": "counters.interrupts",
    "page_walks": "counters.walks",
    "first_stage_pte_reads": "counters.walk_pte_reads_first",
    "g_stage_pte_reads": "counters.walk_pte_reads_g",
    "device_accesses": "counters.device_accesses",
    "l1i_accesses": "l1i.accesses",
    "l1i_misses": "l1i.misses",
    "l1d_accesses": "l1d.accesses",
    "l1d_misses": "l1d.misses",
    "itlb_accesses": "itlb.lookups",
    "itlb_misses": "itlb.misses",
    "dtlb_accesses": "dtlb.lookups",
    "dtlb_misses": "dtlb.misses",
    "l2tlb_accesses": "l2tlb.lookups",
    "l2tlb_misses": "l2tlb.misses",
    "gtlb_accesses": "gtlb.lookups",
    "gtlb_misses": "gtlb.misses",
    "walk_cache_first_accesses": "walk_cache_first.lookups",
    "walk_cache_first_misses": "walk_cache_first.misses",
    "walk_cache_g_accesses": "walk_cache_g.lookups",
    "walk_cache_g_misses": "walk_cache_g.misses",
}


def check_shares(result, harts):
    shares, stats = result.shares, result.stats["value"]
    for hart in range(harts):
        mine = shares[shares["hart"] == hart]
        for event, total in TOTALS.items():
            assert mine[event].sum() == stats[f"harts[{hart}].{total}"], (hart, event)
        kinds = ("branches", "indirect_jumps", "returns")
        branches = sum(stats[f"harts[{hart}].branches.{kind}"] for kind in kinds)
        assert mine["branch_instructions"].sum() == branches
    for event in ("l2_accesses", "l2_misses", "llc_accesses", "llc_misses"):
        assert shares[event].sum() == stats[event.replace("_", ".")], event
    components = [name for name, unit in result.cpi.attrs["units"].items() if unit == "cycles"]
    assert (shares[components].sum(axis=1) == shares["cycles"]).all()
    for cache in ("l1i", "l1d", "l2", "llc", "itlb", "dtlb", "l2tlb", "gtlb"):
        assert (shares[f"{cache}_misses"] <= shares[f"{cache}_accesses"]).all(), cache


def test_shares_of_vms_and_modes_add_up_to_the_harts(storm):
    for result in storm.values():
        check_shares(result, 2)
        assert {"a", "b", "-"} <= set(result.shares["vm"])
        assert result.shares.attrs["units"]["dtlb_misses"] == "count"


def test_epochs_add_up_to_the_run_and_change_nothing_in_it(storm):
    plain = storm["dlh"]
    overrides = {"hypervisor.delivery": "dlh", "statistics.epoch_cycles": 50000}
    result = hvsim.run(dict(plain.config, name="storm"), overrides=overrides)["storm"]
    pd.testing.assert_frame_equal(result.cpi, plain.cpi)
    epochs = result.epochs
    assert epochs["epoch"].nunique() > 3
    assert (epochs["begin"] == 50000 * epochs["epoch"]).all()
    owner = ["hart", "vm", "vcpu", "mode"]
    counted = [name for name in epochs.attrs["units"] if name != "begin"]
    sums = epochs.groupby(owner)[counted].sum().sort_index()
    shares = plain.shares.set_index(owner)[counted].sort_index()
    pd.testing.assert_frame_equal(sums, shares)
    # On the host, all before the first guest is one piece, and so is a VM's end, which gives back its memory.
    ended = epochs["hart"].map(epochs[epochs["mode"] == "VS"].groupby("hart")["epoch"].max())
    between = epochs[(epochs["epoch"] > 0) & (epochs["epoch"] < ended)]
    per_hart = between.groupby(["hart", "epoch"])["cycles"].sum()
    assert len(per_hart) > 100
    assert per_hart.max() < 50000 + 2 * plain.config["machine"]["quantum_cycles"]


def test_regions_are_what_guests_marked(storm):
    for result in storm.values():
        elapsed, modes = result.regions
        assert set(elapsed["vm"]) == {"a", "b"}
        assert (elapsed["count"] == 1).all()
        assert (elapsed["unmatched"] == 0).all()
        assert {"VS"} <= set(modes["mode"])
        for _, region in elapsed.iterrows():
            mine = modes[modes["vm"] == region["vm"]]
            # In or for the VCPU, on whatever hart; never more than went by, but for clocks a quantum apart.
            assert 0 < mine["cycles"].sum() <= region["sum"] + 2 * result.config["machine"]["quantum_cycles"]


def test_measuring_from_a_cycle_on_forgets_what_was_before(storm):
    whole = storm["immediate"]
    cycles = int(whole.stats.loc["cycles", "value"])
    begin = cycles - 2_000_000  # guests run for twice as long
    overrides = {"statistics.measure_from_cycles": begin}
    result = hvsim.run(dict(whole.config, name="storm"), overrides=overrides)["storm"]
    stats = result.stats["value"]
    assert begin <= stats["measured_from"] < begin + 2 * whole.config["machine"]["quantum_cycles"]
    assert stats["cycles"] + stats["measured_from"] == pytest.approx(cycles, abs=20000)
    check_shares(result, 2)
    assert 0 < result.exits["count"].sum() < whole.exits["count"].sum()


def test_dumps_are_what_was_counted_until_then(storm):
    whole = storm["dlh"]
    cycles = int(whole.stats.loc["cycles", "value"])
    moments = [cycles - 3_000_000, cycles - 1_000_000]
    overrides = {"hypervisor.delivery": "dlh", "statistics.dump_at_cycles": moments}
    result = hvsim.run(dict(whole.config, name="storm"), overrides=overrides)["storm"]
    pd.testing.assert_frame_equal(result.cpi, whole.cpi)
    assert [dump.dump["number"] for dump in result.dumps] == moments
    first, second = result.dumps
    for dump, moment in zip(result.dumps, moments, strict=True):
        assert moment <= dump.dump["cycle"] < moment + 2 * whole.config["machine"]["quantum_cycles"]
        check_shares(dump, 2)
    counts = [each.exits["count"].sum() for each in (first, second, result)]
    assert 0 < counts[0] < counts[1] < counts[2]
    work = [each.summary.loc["work_done", "value"] for each in (first, second, result)]
    assert 0 < work[0] < work[1] < work[2]


def test_delivery_times_are_the_distributions_behind_the_quantiles(storm):
    for result in storm.values():
        times = result.delivery_times.set_index(["vm", "what"])
        for vm, row in result.delivery.iterrows():
            assert times.loc[(vm, "call"), "count"] == row["ran"]
            assert times.loc[(vm, "call"), "p99"] == row["latency_p99"]
            assert times.loc[(vm, "entry"), "max"] == row["entry_max"]
        assert result.delivery_latencies["count"].sum() == times["count"].sum()
        assert result.delivery_times.attrs["units"]["p99"] == "cycles"


def test_interrupts_say_how_long_they_waited(storm):
    for result in storm.values():
        interrupts = result.interrupts
        assert interrupts["count"].sum() > 0
        assert set(interrupts["path"]) <= {"direct", "trapped"}
        assert result.interrupt_latencies["count"].sum() == interrupts["count"].sum()
        assert interrupts.attrs["units"]["p99"] == "cycles"


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


def test_help_names_the_commands_of_simulator_and_package():
    said = subprocess.run(
        [sys.executable, "-m", "hvsim", "--help"], capture_output=True, text=True, timeout=60
    )
    assert said.returncode == 0
    for command in ("run", "config", "disasm", "sweep", "report"):
        assert re.search(rf"^  {command} ", said.stdout, re.MULTILINE), said.stdout
    wrong = subprocess.run([sys.executable, "-m", "hvsim"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 2


def test_a_dict_may_extend_files(config, tmp_path, monkeypatch):
    (tmp_path / "under").mkdir()
    (tmp_path / "under" / "base.json").write_text(json.dumps({"extends": "../more.json", "seed": 7}))
    (tmp_path / "more.json").write_text(json.dumps({"seed": 3, "machine": {"quantum_cycles": 500}}))
    layer = config(extends="under/base.json", limits={"max_cycles": 1000})
    result = hvsim.run(layer, folder=tmp_path)["small"]
    assert result.config["seed"] == 7
    assert result.config["machine"]["quantum_cycles"] == 500
    monkeypatch.chdir(tmp_path)
    assert hvsim.run(layer)["small"].result_hash == result.result_hash
    frame = hvsim.sweep(layer, {"machine.costs.trap_entry": [10]}, folder=tmp_path)
    assert frame["stop"].iloc[0] == "cycle_limit"
    with pytest.raises(hvsim.ConfigError, match="no such file") as caught:
        hvsim.validate(config(extends="nowhere.json"))
    assert caught.value.path == "extends"


def test_what_is_observed_stays_in_the_config_and_out_of_the_identity(config, tmp_path):
    short = config(limits={"max_cycles": 1000})
    plain = hvsim.run(short, out=tmp_path / "plain")["small"]
    observe = {"observe.timeline": True, "observe.explain": "count=1", "observe.explain_output": "/dev/null"}
    seen = hvsim.run(short, overrides=observe, out=tmp_path / "seen")["small"]
    assert seen.manifest["identity"] == plain.manifest["identity"]
    assert seen.config["observe"]["timeline"] is True
    assert seen.config["observe"]["explain"] == "count=1"
    assert (seen.directory / "trace.json").is_file()


def _elf(words: list[int]) -> bytes:
    """A program of these instructions at 0x80000000."""
    code, start = b"".join(word.to_bytes(4, "little") for word in words), 0x8000_0000
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 120, start, start, len(code), len(code), 4)
    return ident + header + load + code


@pytest.mark.parametrize("where", ["host", "target"])
def test_a_run_in_which_nothing_happens_any_more_says_where_sleeping_guests_stand(config, tmp_path, where):
    image = tmp_path / "sleeps.elf"
    image.write_bytes(_elf([0x00000013, 0x10500073, 0xFFDFF06F]))  # nop; wfi; and again
    vms = [{"name": "sleeper", "workload": str(image)}]
    result = hvsim.run(config(name="asleep", vms=vms, hypervisor={"run": where}))["asleep"]
    assert result.stop == "no_progress"
    place = "VM sleeper, VCPU 0: waits for an interrupt, at pc 0x80000008 in VS-mode"
    assert result.stop_detail.startswith("nothing will ever happen: hart 0 at pc ")
    assert result.stop_detail.endswith(f"; {place}")
    assert result.vms.loc["sleeper", "end"] == ""
