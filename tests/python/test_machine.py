"""Machines as values."""

from __future__ import annotations

import pickle

import hvsim
import pytest

STORM = {"iterations": 50, "work": 2, "calls_per_iteration": 8, "deferrable_percent": 90}


def test_presets_are_the_machines_of_the_repository():
    assert {"cva6-h", "cva6-like", "rocket-h", "p550-like", "ideal"} <= set(hvsim.Machine.presets())
    for name in hvsim.Machine.presets():
        assert hvsim.Machine.preset(name).resolved()["harts"] >= 1


def test_with_makes_another_machine_and_leaves_this_one():
    machine = hvsim.Machine.preset("cva6-like", harts=2)
    other = machine.with_(mmu={"l2": {"entries": 512}}, harts=4)
    assert machine.resolved()["mmu"]["l2"] == {
        "entries": 256,
        "ways": 4,
        "hit_latency": 4,
        "replacement": "lru",
    }
    assert other.resolved()["mmu"]["l2"]["entries"] == 512
    assert other.resolved()["mmu"]["l2"]["hit_latency"] == 4
    assert (machine.resolved()["harts"], other.resolved()["harts"]) == (2, 4)
    assert machine != other
    assert machine == hvsim.Machine.preset("cva6-like", harts=2)
    assert len({machine, other, hvsim.Machine.preset("cva6-like", harts=2)}) == 2


def test_machines_cannot_be_changed_in_place():
    machine = hvsim.Machine.preset("cva6-like")
    with pytest.raises(TypeError):
        machine["machine"]["harts"] = 2
    with pytest.raises(TypeError):
        machine["machine"]["costs"].update(mul=9)
    assert pickle.loads(pickle.dumps(machine)) == machine


def test_a_wrong_key_is_told_where_it_is_written():
    with pytest.raises(hvsim.ConfigError) as caught:
        hvsim.Machine.preset("cva6-like").with_(mmu={"dtlb": {"entires": 32}})
    assert caught.value.path == "machine.mmu.dtlb.entires"
    assert '"entries"' in caught.value.expected
    with pytest.raises(hvsim.ConfigError, match="cva6-like"):
        hvsim.Machine.preset("cva7")


def test_run_puts_guests_on_a_machine():
    machine = hvsim.Machine.preset("cva6-like", harts=2, memory_bytes="64MiB")
    results = hvsim.run(
        machine,
        "workloads/hypercall_storm",
        vms=2,
        delivery="dlh",
        hypervisor="host",
        arguments=STORM,
    )
    (result,) = results.values()
    assert result.passed
    assert list(result.delivery.index) == ["hypercall_storm-0", "hypercall_storm-1"]
    assert result.config["hypervisor"]["delivery"] == "dlh"
    assert result.config["machine"]["mmu"]["l2"]["entries"] == 256


def test_a_sweep_takes_a_machine_with_guests():
    machine = hvsim.Machine.preset("cva6-like", memory_bytes="64MiB").with_guests(
        "hypercall_storm", arguments=STORM
    )
    deliveries = {"hypervisor.delivery": ["immediate", "dlh"]}
    frame = hvsim.sweep(machine, deliveries, overrides={"hypervisor.calls_per_notification": 8})
    assert list(frame["stop"]) == ["finished"] * 2
    assert frame["exits"].iloc[0] > frame["exits"].iloc[1]


def test_a_machine_without_guests_says_what_is_missing():
    with pytest.raises(hvsim.ConfigError, match=r"workload: missing"):
        hvsim.run(hvsim.Machine.preset("cva6-like"))
    with pytest.raises(hvsim.ConfigError, match=r"workload: missing.*Session\(machine, workload="):
        hvsim.Session(hvsim.Machine.preset("cva6-like"))


def test_a_machine_shows_itself():
    machine = hvsim.Machine.preset("cva6-like", harts=2)
    assert repr(machine) == "<hvsim.Machine cva6-like: 2 harts>"
    assert "<table" in machine._repr_html_()
