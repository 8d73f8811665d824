"""Guests that a calibration runs: those that prices are fitted on, and others to see how well they fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Guest(NamedTuple):
    """One experiment, run with the hypervisor on target and on the host.

    Attributes:
        name: What tables call it.
        fitted: Whether prices are fitted on it; else it is held out.
        config: The sections ``hypervisor`` and ``vms``, and what the machine needs.
        timed: Whether it is long enough to compare the host time of both.
    """

    name: str
    fitted: bool
    config: Mapping[str, Any]
    timed: bool = False

    def run(self, costs: Mapping[str, int], where: str) -> dict[str, Any]:
        """What a config of a machine lacks to be its run; `costs` are the host's."""
        chosen = {**self.config["hypervisor"], "run": where}
        return {
            "name": self.name,
            "machine": self.config["machine"],
            "hypervisor": {**chosen, "costs": dict(costs)} if costs else chosen,
            "vms": self.config["vms"],
            "limits": {"max_cycles": 4_000_000_000},
        }


def guests() -> list[Guest]:
    """All of them, those that are fitted on first."""
    return [*_fitted(), *_held_out()]


def _vm(name: str, workload: str, **arguments: Any) -> dict[str, Any]:
    keys = ("vcpus", "sstc", "memory_bytes", "harts", "disk_bytes")
    own = {key: arguments.pop(key) for key in keys if key in arguments}
    return {"name": name, "workload": workload, "memory_bytes": "4MiB", "arguments": arguments, **own}


def _guest(
    name: str,
    fitted: bool,
    vms: list[dict[str, Any]],
    *,
    harts: int = 1,
    timed: bool = False,
    **hypervisor: Any,
) -> Guest:
    # Harts that look at each other's memory are kept close: what comes of a race depends on the quantum.
    quantum = {"quantum_cycles": 100} if harts > 1 else {}
    machine = {"harts": harts, "memory_bytes": "128MiB", **quantum}
    chosen = {"time_slice_us": 10_000, **hypervisor}
    return Guest(name, fitted, {"machine": machine, "hypervisor": chosen, "vms": vms}, timed)


def _storm(name: str = "a", *, iterations: int = 150, **arguments: Any) -> dict[str, Any]:
    usual = {"work": 4, "calls_per_iteration": 8, "deferrable_percent": 75, "exact": 1, "routine": 50}
    return _vm(name, "hypercall_storm", iterations=iterations, **{**usual, **arguments})


def _fitted() -> Iterator[Guest]:
    for delivery, calls in (
        ("immediate", 1),
        ("multicall", 8),
        ("softirq", 8),
        ("dlh", 1),
        ("dlh", 8),
        ("dlh_ring", 1),
        ("dlh_ring", 8),
    ):
        yield _guest(f"{delivery}-{calls}", True, [_storm()], delivery=delivery, calls_per_notification=calls)
    yield _guest("short-routines", True, [_storm(routine=1, deferrable_percent=50)], delivery="immediate")
    slices: dict[str, Any] = {"delivery": "dlh", "calls_per_notification": 4}
    four = [_storm(f"s{i}", iterations=60, seed=i + 1) for i in range(4)]
    yield _guest("four-vms", True, four, time_slice_us=50, **slices)
    ticks = [_vm("a", "timer_ticks"), _vm("b", "timer_ticks")]
    yield _guest("ticks", True, ticks, time_slice_us=500, delivery="dlh")
    yield _guest("sleeper", True, [_vm("a", "wake_up", wakes=300)], delivery="immediate")
    yield _guest(
        "cold",
        True,
        [_vm("a", "memory_walk", memory_bytes="8MiB", passes=3, chase=30_000)],
        time_slice_us=200,
        delivery="dlh",
    )
    pair = [_vm("a", "messages", vcpus=2, memory_bytes="8MiB")]
    yield _guest("two-harts", True, pair, harts=2, delivery="dlh")
    # All hypercalls, and what they promise.
    checks = [_vm("a", "delivery_check", steps=800)]
    yield _guest("all-calls", True, checks, delivery="dlh", calls_per_notification=4)
    ping = [_vm("a", "ping_pong", vcpus=2, rounds=150)]
    yield _guest("ipis", True, ping, harts=2, delivery="immediate")


def _held_out() -> Iterator[Guest]:
    other: dict[str, Any] = {
        "calls_per_iteration": 5,
        "deferrable_percent": 40,
        "routine": 120,
        "work": 12,
        "seed": 9,
    }
    yield _guest("other-calls", False, [_storm(**other)], delivery="immediate")
    yield _guest("dlh-4", False, [_storm(**other)], delivery="dlh", calls_per_notification=4)
    yield _guest("ring-4", False, [_storm(**other)], delivery="dlh_ring", calls_per_notification=4)
    yield _guest("multicall-3", False, [_storm(**other)], delivery="multicall", calls_per_notification=3)
    yield _guest(
        "storm", False, [_storm(iterations=3000)], timed=True, delivery="dlh", calls_per_notification=8
    )
    eight = [_storm(f"s{i}", iterations=40, seed=i + 11, routine=20) for i in range(8)]
    yield _guest("eight-vms", False, eight, time_slice_us=100, delivery="softirq", calls_per_notification=8)
    mix = [
        _vm("walk", "memory_walk", memory_bytes="8MiB", passes=2, chase=60_000, stride=8256),
        _vm("ticks", "timer_ticks"),
        _vm("compute", "compute", memory_bytes="8MiB", crc=20, sort=3, matrix=4, linear=8, bodies=1500),
    ]
    yield _guest("mix", False, mix, time_slice_us=300, delivery="dlh", calls_per_notification=4)
    checks = [_vm("a", "delivery_check", steps=1500, seed=7)]
    yield _guest("all-calls-now", False, checks, delivery="immediate")
    yield _guest(
        "sleepers", False, [_vm("a", "wake_up"), _vm("b", "wake_up")], delivery="dlh", time_slice_us=1000
    )
    polled = [_storm(harts=[0])]
    yield _guest("polling", False, polled, harts=2, delivery="polling", calls_per_notification=8)
    ping = [_vm("a", "ping_pong", vcpus=2, players=6, rounds=400)]
    yield _guest("ping-pong", False, ping, harts=2, delivery="immediate")
