"""A race of two harts at boot, forced: each is held where the other must overtake it."""

from __future__ import annotations

import hvsim
import pytest

NOWHERE = 0x80070000  # RAM of the firmware that it does not use
JUMP_TO_ITSELF = (0x6F).to_bytes(4, "little")
HART_STATE_MANAGEMENT = 0x48534D  # SBI extension; its function 0 is hart_start
FIRST_BYTE = 0x80200000  # of the hypervisor's image


def _hold(session, number):
    """Let a hart go round in circles; where it was to go on."""
    hart = session.hart(number)
    pc = hart.pc
    hart.write_memory(NOWHERE, JUMP_TO_ITSELF, space="physical")
    hart.write("pc", NOWHERE)
    return pc


def _run_until_start_is_pending(session):
    """Hart 0 is in OpenSBI's hart_start: the other may start, but where is not noted yet."""
    while session.run_until(trap="ecall_from_s", hart=0).reason == "trap":
        if session.hart(0)["a7"] == HART_STATE_MANAGEMENT and session.hart(0)["a6"] == 0:
            break
    for _ in range(1000):
        swaps = session.hart(0).instruction.startswith("sc.")
        session.step(hart=0)
        if swaps:
            return
    raise AssertionError("hart_start does not swap the other hart's state")


def test_a_hart_that_comes_late_to_its_start_is_no_second_boot_hart(config):
    vm = {"workload": "hello", "memory_bytes": "8MiB"}
    settings = config(
        machine={"harts": 2, "memory_bytes": "64MiB", "mode": "functional"},
        hypervisor={"run": "target"},
        vms=[{"name": "a", "harts": [0], **vm}, {"name": "b", "harts": [1], **vm}],
    )
    with hvsim.Session(settings) as session:
        reset = _hold(session, 1)
        _run_until_start_is_pending(session)
        if "OpenSBI v1.1\n" not in session.console["all"].replace("\r", ""):
            pytest.skip("another firmware notes first where the hart is to start")
        on_its_way = _hold(session, 0)
        session.hart(1).write("pc", reset)
        (astray,) = session.break_at(FIRST_BYTE)
        assert session.run(cycles=5_000_000).reason == "breakpoint", "the late hart was sent elsewhere"
        assert session.stop.hart == 1
        session.delete(astray)
        session.hart(0).write("pc", on_its_way)
        end = session.run()
        assert (end.outcome, end.detail) == ("finished", ""), session.console["all"]
        assert "checksum" in session.console["a"]
        assert "checksum" in session.console["b"]
