"""Sessions: stopping, looking and changing, and that looking changes nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hvsim
import pytest
from hvsim._worker import image_directories

KERNEL = 0x80000000


def _storm(config, run, **hypervisor):
    vm = {"workload": "hypercall_storm", "memory_bytes": "4MiB", "arguments": {"iterations": "40"}}
    return config(
        name="storm",
        machine={"harts": 2, "memory_bytes": "64MiB"},
        hypervisor={"run": run, "delivery": "dlh", "calls_per_notification": 4, **hypervisor},
        vms=[{"name": "a", **vm}, {"name": "b", **vm}],
    )


@pytest.fixture
def session(config):
    """Two VMs on the hypervisor on the host."""
    with hvsim.Session(_storm(config, "host")) as opened:
        yield opened


@pytest.mark.parametrize("mode", ["functional", "fast", "detailed"])
@pytest.mark.parametrize("run", ["target", "host"])
def test_a_session_that_only_looks_ends_as_an_undisturbed_run(config, run, mode):
    settings = _storm(config, run)
    settings["machine"]["mode"] = mode
    whole = hvsim.run(settings)["storm"]
    with hvsim.Session(settings) as s:
        s.run_until(exit="any")
        s.break_at("guest::workload_main")
        for _ in range(3):
            s.run(cycles=3_001)
            s.step(7, hart=1)
            s.hart(0).explain_translation(s.hart(0).pc)
            s.result()
        s.watch(s.hart(0)["sp"] & ~0xFFF, 4096, access="any")
        s.run_until(mark="work_done", cycle=s.hart(0).cycle + 200_000)
        s.run(instructions=1_003)
        s.run_until(trap="any")
        s.delete()
        for _ in range(20):
            s.run(cycles=10_007)
        end = s.run()
        assert end.over and end.outcome == "finished"
        result = s.result()
    assert result.result_hash == whole.result_hash
    assert not result.manifest["debugged"]
    assert result.stats.equals(whole.stats)


def test_a_step_is_one_instruction(session):
    hart = session.hart(0)
    session.run_until(symbol="guest::workload_main", vm="a", hart=0)
    retired, pc = hart.retired, hart.pc
    assert session.step().reason == "step"
    assert hart.retired == retired + 1
    assert hart.pc != pc
    session.step(10)
    assert hart.retired == retired + 11


def test_it_stops_at_symbols_addresses_and_breakpoints_of_one_vm(session):
    stop = session.run_until(symbol="guest::workload_main", vm="b")
    assert (stop.reason, stop.symbol) == ("address", "guest::workload_main")
    assert session.hart(stop.hart).vm == "b"
    (place,) = [each for each in session.symbol("guest::workload_main") if each["vm"] == "a"]
    assert session.run_until(address=place["address"], vm="a").pc == place["address"]
    points = session.break_at("trap_entry", vm="a") if _has(session, "trap_entry") else ()
    session.delete(*points)
    assert session.breakpoints == ()


def _has(session, name):
    try:
        return bool(session.symbol(name))
    except hvsim.SessionError:
        return False


def test_an_exit_says_why_and_is_one_of_those_that_are_counted(session):
    stop = session.run_until(exit="SUPERVISOR_SYSCALL/notify", vm="a")
    assert stop.reason == "exit"
    assert stop.cause == "SUPERVISOR_SYSCALL/notify"
    assert "VS-mode" in stop.explanation or "VS ->" in stop.explanation
    session.run()
    assert stop.cause in set(session.result().exits["cause"])


def test_cycle_and_instruction_counts_are_met_exactly(session):
    stop = session.run_until(instructions=12_345)
    assert stop.reason == "instructions"
    assert sum(hart.retired for hart in session.harts) == 12_345
    wanted = max(hart.cycle for hart in session.harts) + 50_000
    stop = session.run_until(cycle=wanted, hart=1)
    assert stop.reason == "cycle"
    assert wanted <= session.hart(1).cycle < wanted + 1_000


def test_a_watchpoint_stops_before_the_access(session):
    session.run_until(symbol="guest::workload_main", vm="a")
    hart = session.hart(session.stop.hart)
    point = session.watch(hart["sp"] - 4096, 4096, access="write", vm="a")
    stop = session.run()
    assert stop.point == point
    before = hart.read_memory(stop.address, 8)
    session.delete(point)
    session.step(hart=stop.hart)
    assert stop.pc != hart.pc
    assert len(before) == 8


def test_registers_and_memory_are_read_and_written(session):
    session.run_until(symbol="guest::workload_main", vm="a")
    hart = session.hart(session.stop.hart)
    assert hart["pc"] == session.stop.pc
    assert hart["hgatp"] != 0
    assert set(hart.registers) >= {"a0", "ft0", "sepc", "vsatp"}
    code = hart.read_memory(hart.pc, 16)
    physical = hart.translate(hart.pc)
    assert hart.read_memory(physical, 16, space="physical") == code
    assert hart.write("s11", -1) == 2**64 - 1
    assert hart["s11"] == 2**64 - 1
    hart.write_memory(physical, code[::-1], space="physical")
    assert hart.read_memory(hart.pc, 16) == code[::-1]
    hart.write_memory(physical, code, space="physical")
    assert hart.write("pc", hart.pc + 0) == session.stop.pc
    assert session.result().manifest["debugged"]


def test_a_translation_is_explained_stage_by_stage(session):
    session.run_until(symbol="guest::workload_main", vm="a")
    hart = session.hart(session.stop.hart)
    seen = hart.explain_translation(hart.pc)
    assert seen.g_stage == "Sv39x4"
    assert {each.stage for each in seen.walk} >= {"G"}
    assert seen.physical == hart.translate(hart.pc)
    assert seen.accesses["fetch"] == ""
    for entry in seen.walk:
        raw = hart.read_memory(entry.address, 8, space="physical")
        assert int.from_bytes(raw, "little") == entry.value
    nowhere = hart.explain_translation(0xFFFF_FFFF_0000)
    assert nowhere.physical is None and nowhere.why_not
    assert nowhere.why_not in str(nowhere)
    assert "<table" in nowhere._repr_html_()


@pytest.mark.parametrize("run", ["target", "host"])
def test_the_stage_two_table_says_what_walks_say(config, run):
    with hvsim.Session(_storm(config, run)) as s:
        s.run_until(symbol="guest::workload_main", vm="a")
        table = s.vm("a").stage_two()
        vcpu = s.vcpu("a")
        assert table["bytes"].sum() == 4 << 20
        for row in table.itertuples():
            seen = vcpu.explain_translation(row.guest_physical + row.bytes - 1, space="guest-physical")
            assert seen.physical == row.physical + row.bytes - 1
        pages = s.vm("a").memory_map().pages
        assert pages["own"] == (4 << 20) // 4096
        assert sum(pages.values()) == pages["own"]


def test_vms_that_are_not_there_yet_or_never_are_told_apart(config):
    with hvsim.Session(_storm(config, "target")) as s:
        with pytest.raises(hvsim.SessionError, match="has not built its VMs yet"):
            s.vm("a").queue()
        assert s.vm("a").name == "a" and s.hart(0).vm is None
    images = [Path(each) / "hello-bare.elf" for each in image_directories()]
    with hvsim.Session({"machine": {"harts": 1}}, image=next(filter(Path.exists, images))) as s:
        with pytest.raises(hvsim.SessionError, match="there are no VCPUs"):
            _ = s.vcpus
        assert s.run_until(mark="work_done").reason in ("mark", "over")


def test_a_queue_holds_what_was_announced_until_it_has_run(config):
    with hvsim.Session(_storm(config, "target")) as s:
        stop = s.run_until(exit="SUPERVISOR_SYSCALL/notify", vm="a")
        before = s.vm("a").queue()
        assert (before.waiting, before.completed) == (0, 0)
        hart = s.hart(stop.hart)
        assert s.run_until(symbol="hv::Hypervisor::drain_within_budget", hart=stop.hart).reason == "address"
        queue = s.vm("a").queue()
        assert queue.waiting == 4 <= queue.capacity
        assert list(queue.calls["ticket"]) == [0, 1, 2, 3]
        assert set(queue.calls["name"]) <= {"routine", "statistics_update", "event_send", "console_write"}
        s.run_until(address=hart["sepc"] + 4, vm="a", hart=stop.hart)
        run = s.vm("a").queue()
        assert (run.waiting, run.completed) == (0, 4)
        s.run()
        assert s.vm("a").queue().completed == s.result().delivery.loc["a", "issued"]


@pytest.mark.parametrize("delivery", ["softirq", "dlh_ring"])
def test_queues_of_harts_and_rings_are_shown(config, delivery):
    with hvsim.Session(_storm(config, "host", delivery=delivery)) as s:
        deepest = 0
        s.run_until(exit="any", vm="a")
        begun = s.hart(0).cycle
        for cycle in range(begun, begun + 640_000, 20_000):
            s.run_until(cycle=cycle)
            queue = s.vm("a").queue()
            deepest = max(deepest, queue.waiting)
            assert delivery != "softirq" or queue.waiting == len(
                queue.calls
            )  # the hypervisor's count and ours
        s.run()
        queue = s.vm("a").queue()
        assert queue.waiting == 0 < queue.completed
        assert ("hart" in queue.calls.columns) == (delivery == "softirq")
        assert (len(queue.rings) > 0) == (delivery == "dlh_ring")
        assert deepest > 0 or delivery == "softirq"  # which drains on its way out of every trap


def test_pages_that_are_shared_are_shown_with_those_who_have_them(config):
    churn = {"workload": "page_churn", "memory_bytes": "8MiB"}
    churn["arguments"] = {"rounds": 4, "burst": 64, "pause_us": 10_000, "free_percent": 70}
    often = {"start_us": 10_000, "period_us": 20_000, "epoch_us": 5_000, "pages_per_second": 50_000}
    settings = config(
        name="sharing",
        machine={"harts": 1, "memory_bytes": "128MiB"},
        hypervisor={"run": "host", "sharing": {"policy": "memory_map+content_scan", **often}},
        vms=[{"name": n, **churn} for n in ("a", "b")],
    )
    with hvsim.Session(settings) as s:
        s.run_until(symbol="guest::workload_main", vm="a")
        assert s.vm("a").memory_map().pages["own"] == 2048
        assert s.vm("a").memory_map().saved_bytes == 0
        s.run_until(cycle=200_000_000)
        maps = {name: s.vm(name).memory_map() for name in ("a", "b")}
        told = s.result().sharing.groupby("vm").last()
        for name, seen in maps.items():
            assert sum(seen.pages.values()) == 2048
            # The hypervisor counts itself, and has told of it within the last epoch.
            assert seen.pages["shared"] == pytest.approx(told["shared_pages"][name], abs=64)
            assert seen.pages["merged"] == pytest.approx(told["merged_pages"][name], abs=64)
            assert seen.pages["shared"] > 0 and seen.pages["merged"] > 0
            table = s.vm(name).stage_two()
            pages = table.groupby("state")["bytes"].sum() // 4096
            assert {state: count for state, count in seen.pages.items() if count} == dict(pages)
            assert not table[table["state"] != "own"]["rights"].str.contains("w").any()
            behind = seen.merged[seen.merged["vm"] == name]
            assert len(behind) == seen.pages["merged"]
            page = int(behind["guest_physical"].iloc[0])
            physical = s.vcpu(name).translate(page, space="guest-physical")
            assert physical == behind["physical"].iloc[0]


def test_a_vcpu_is_seen_as_its_guest_sees_itself(session):
    session.run_until(symbol="guest::workload_main", vm="b")
    vcpu = session.vcpu("b")
    hart = session.hart(session.stop.hart)
    assert vcpu.hart == hart.number
    assert (vcpu.pc, vcpu["a0"]) == (hart.pc, hart["a0"])
    assert vcpu["satp"] == hart["vsatp"]
    assert {each.vm for each in session.vcpus} == {"a", "b"}


def test_what_is_typed_is_read(config):
    bare = config(name="typed", vms=[{"name": "a", "workload": "hello"}])
    with hvsim.Session(bare) as s:
        s.run()
        assert s.console["a"] == hvsim.run(bare)["typed"].console["a"]
        with pytest.raises(hvsim.SessionError, match="over"):
            s.type("x")


def test_mistakes_say_what_was_expected_and_harm_nothing(session):
    for wrong, words in [
        (lambda: session.run_until(symbol="guest::workload_mian"), 'did you mean "guest::workload_main"'),
        (lambda: session.run_until(exit="SUPERVISOR_SYSCAL"), "SUPERVISOR_SYSCALL"),
        (lambda: session.run_until(exit="SUPERVISOR_SYSCALL/qeury"), 'did you mean "query"'),
        (lambda: session.run_until(exit="IRQ_S_TIMER/query"), 'did you mean "IRQ_S_TIMER"'),
        (lambda: session.run_until(trap="load_page_fualt"), "load_page_fault"),
        (lambda: session.run_until(mark="work"), "work_done"),
        (lambda: session.run_until(cycle=1, vm="c"), "expected one of machine, a, b"),
        (lambda: session.step(0), "at least 1"),
        (lambda: session.step(hart=7), "less than 2"),
        (lambda: session.run_until(instructions=5, hart=7), "less than 2"),
        (lambda: session.run_until(value=3), "expected a mark"),
        (lambda: session.run_until(), "expected a symbol"),
        (lambda: session.run_until(vm="a"), "expected a symbol"),
        (lambda: session.run(cycles=-5), "cycles: -5: expected at least 0"),
        (lambda: session.hart(0).write("a0", 2**64), "64 bits"),
        (lambda: session.hart(0).write("a9", 1), "there is none of this name"),
        (lambda: session.hart(0).read_memory(0, 8, space="mine"), "guest-physical"),
        (lambda: session.vm("c").stage_two(), "expected one of"),
    ]:
        with pytest.raises(hvsim.SessionError, match=words):
            wrong()
    with pytest.raises(hvsim.ConfigError, match=r"machine\.hartz"):
        hvsim.Session({"machine": {"hartz": 1}}, workload="hello")
    assert session.step().reason == "step"


def test_several_sessions_are_open_at_once(config):
    sessions = [hvsim.Session(_storm(config, "host")) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        stops = list(threads.map(lambda each: each.run(), sessions))
    assert all(stop.over for stop in stops)
    assert len({each.result().result_hash for each in sessions}) == 1
    for each in sessions:
        each.close()
        assert each.closed
    with pytest.raises(hvsim.SessionError, match="closed"):
        sessions[0].step()


def test_the_stop_button_stops_it_and_it_goes_on(config):
    long = config(
        vms=[{"name": "a", "workload": "compute", "arguments": {"crc": "100000000"}}],
        limits={"max_cycles": 200_000_000_000},
    )
    with hvsim.Session(long) as s:
        threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            s.run()
        assert time.monotonic() - began < 30
        assert s.stop.reason == "interrupted"
        cycle = s.hart(0).cycle
        assert s.run(cycles=1000).reason == "cycle"
        assert s.hart(0).cycle >= cycle + 1000


def test_what_a_callback_raises_leaves_no_answer_behind(session, monkeypatch):
    heard = []

    def broken(text):
        heard.append(text)
        if len(heard) == 1:
            raise BrokenPipeError

    monkeypatch.setattr(session._process, "_on_console", broken)
    with pytest.raises(BrokenPipeError):
        session.run()
    assert session.stop.over or session.run().over
    assert session.result().stop == "finished"


def test_a_session_that_died_says_so(session):
    os.kill(session._process._process.pid, signal.SIGKILL)
    with pytest.raises(hvsim.RunError, match="SIGKILL"):
        session.step()
    assert session.closed


def test_whoever_interrupts_twice_ends_the_session(session, monkeypatch):
    answers = []

    def interrupted():
        answers.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(session._process, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.run()
    assert len(answers) == 2
    assert session.closed
