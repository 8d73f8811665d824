"""Guests that a calibration runs, in three sets: to fit prices on, to choose the prior by, and to judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

# Prices are fitted on guests of the first set. How strongly a prior holds them is what does best on the
# second. The third has no part in either: how far its guests are off is the error.
Role = Literal["fit", "choose", "judge"]


class Guest(NamedTuple):
    """One experiment, run with the hypervisor on target and on the host.

    Attributes:
        name: What tables call it.
        role: What it is for: ``"fit"``, ``"choose"`` or ``"judge"``.
        config: The sections ``hypervisor`` and ``vms``, and what the machine needs.
        timed: Whether it is long enough to compare the host time of both.
    """

    name: str
    role: Role
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
    """All of them, set by set."""
    return [*_to_fit(), *_to_choose(), *_to_judge()]


def _vm(name: str, workload: str, **arguments: Any) -> dict[str, Any]:
    keys = ("vcpus", "sstc", "memory_bytes", "harts", "disk_bytes")
    own = {key: arguments.pop(key) for key in keys if key in arguments}
    return {"name": name, "workload": workload, "memory_bytes": "4MiB", "arguments": arguments, **own}


def _guest(
    name: str,
    role: Role,
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
    return Guest(name, role, {"machine": machine, "hypervisor": chosen, "vms": vms}, timed)


def _storm(name: str = "a", *, iterations: int = 150, **arguments: Any) -> dict[str, Any]:
    usual = {"work": 4, "calls_per_iteration": 8, "deferrable_percent": 75, "exact": 1, "routine": 50}
    return _vm(name, "hypercall_storm", iterations=iterations, **{**usual, **arguments})


def _churn(name: str, **arguments: Any) -> dict[str, Any]:
    usual = {"rounds": 6, "burst": 24, "pause_us": 500}
    return _vm(name, "page_churn", memory_bytes="8MiB", **{**usual, **arguments})


def _to_fit() -> Iterator[Guest]:
    for delivery, calls in (
        ("immediate", 1),
        ("multicall", 8),
        ("softirq", 8),
        ("dlh", 1),
        ("dlh", 8),
        ("dlh_ring", 1),
        ("dlh_ring", 8),
    ):
        yield _guest(
            f"{delivery}-{calls}", "fit", [_storm()], delivery=delivery, calls_per_notification=calls
        )
    yield _guest("short-routines", "fit", [_storm(routine=1, deferrable_percent=50)], delivery="immediate")
    slices: dict[str, Any] = {"delivery": "dlh", "calls_per_notification": 4}
    four = [_storm(f"s{i}", iterations=60, seed=i + 1) for i in range(4)]
    yield _guest("four-vms", "fit", four, time_slice_us=50, **slices)
    ticks = [_vm("a", "timer_ticks"), _vm("b", "timer_ticks")]
    yield _guest("ticks", "fit", ticks, time_slice_us=500, delivery="dlh")
    yield _guest("sleeper", "fit", [_vm("a", "wake_up", wakes=300)], delivery="immediate")
    yield _guest(
        "cold",
        "fit",
        [_vm("a", "memory_walk", memory_bytes="8MiB", passes=3, chase=30_000)],
        time_slice_us=200,
        tick_when_alone=True,  # what the hypervisor takes when the guest has had the caches
        delivery="dlh",
    )
    pair = [_vm("a", "messages", vcpus=2, memory_bytes="8MiB")]
    yield _guest("two-harts", "fit", pair, harts=2, delivery="dlh")
    # All hypercalls, and what they promise.
    checks = [_vm("a", "delivery_check", steps=800)]
    yield _guest("all-calls", "fit", checks, delivery="dlh", calls_per_notification=4)
    ping = [_vm("a", "ping_pong", vcpus=2, rounds=150)]
    yield _guest("ipis", "fit", ping, harts=2, delivery="immediate")
    disk = [_vm("a", "disk_io", disk_bytes="256KiB", batches=60, work=2)]
    yield _guest("disk", "fit", disk, delivery="immediate")
    owing = [
        _vm("a", "wake_up", period_us=250, wakes=150, work=2),
        _vm("b", "timer_ticks", hz=1500, ticks=50, work=3000),
        _storm("s", iterations=60, seed=17),
    ]
    yield _guest("credit", "fit", owing, scheduler="credit", time_slice_us=250, delivery="immediate")
    shared: dict[str, Any] = {"policy": "memory_map", "source": "cooperative", "period_us": 2000}
    yield _guest("maps", "fit", [_churn("a"), _churn("b", seed=2)], sharing=shared, delivery="dlh")


def _to_choose() -> Iterator[Guest]:
    other: dict[str, Any] = {
        "calls_per_iteration": 5,
        "deferrable_percent": 40,
        "routine": 120,
        "work": 12,
        "seed": 9,
    }
    yield _guest("other-calls", "choose", [_storm(**other)], delivery="immediate")
    yield _guest("dlh-4", "choose", [_storm(**other)], delivery="dlh", calls_per_notification=4)
    yield _guest("ring-4", "choose", [_storm(**other)], delivery="dlh_ring", calls_per_notification=4)
    yield _guest("multicall-3", "choose", [_storm(**other)], delivery="multicall", calls_per_notification=3)
    yield _guest(
        "storm", "choose", [_storm(iterations=3000)], timed=True, delivery="dlh", calls_per_notification=8
    )
    eight = [_storm(f"s{i}", iterations=40, seed=i + 11, routine=20) for i in range(8)]
    yield _guest(
        "eight-vms", "choose", eight, time_slice_us=100, delivery="softirq", calls_per_notification=8
    )
    mix = [
        _vm("walk", "memory_walk", memory_bytes="8MiB", passes=2, chase=60_000, stride=8256),
        _vm("ticks", "timer_ticks"),
        _vm("compute", "compute", memory_bytes="8MiB", crc=20, sort=3, matrix=4, linear=8, bodies=1500),
    ]
    yield _guest("mix", "choose", mix, time_slice_us=300, delivery="dlh", calls_per_notification=4)
    owing = [
        _vm("a", "timer_ticks", hz=2000, ticks=60, work=4000),
        _vm("b", "wake_up", period_us=400, wakes=120, work=3),
        _vm("c", "compute", crc=20, sort=1),
    ]
    yield _guest("other-credit", "choose", owing, scheduler="credit", time_slice_us=300, delivery="dlh")
    checks = [_vm("a", "delivery_check", steps=1500, seed=7)]
    yield _guest("all-calls-now", "choose", checks, delivery="immediate")
    yield _guest(
        "sleepers", "choose", [_vm("a", "wake_up"), _vm("b", "wake_up")], delivery="dlh", time_slice_us=1000
    )
    polled = [_storm(harts=[0])]
    yield _guest("polling", "choose", polled, harts=2, delivery="polling", calls_per_notification=8)
    ping = [_vm("a", "ping_pong", vcpus=2, players=6, rounds=400)]
    yield _guest("ping-pong", "choose", ping, harts=2, delivery="immediate")
    # These were judged by once, and looked at.
    odd: dict[str, Any] = {
        "calls_per_iteration": 11,
        "deferrable_percent": 60,
        "routine": 35,
        "work": 7,
        "seed": 23,
    }
    yield _guest("softirq-5", "choose", [_storm(**odd)], delivery="softirq", calls_per_notification=5)
    yield _guest("ring-2", "choose", [_storm(**odd)], delivery="dlh_ring", calls_per_notification=2)
    talk = [_vm("a", "messages", vcpus=2, memory_bytes="8MiB", groups=2, pairs=3, messages=150)]
    yield _guest("talk", "choose", talk, harts=2, delivery="dlh", calls_per_notification=8)
    disk = [_vm("a", "disk_io", disk_bytes="512KiB", batches=50, depth=4, sectors=3, pause_us=40, seed=3)]
    yield _guest("other-disk", "choose", disk, delivery="dlh", calls_per_notification=4)


def _to_judge() -> Iterator[Guest]:
    bursts: dict[str, Any] = {
        "calls_per_iteration": 9,
        "deferrable_percent": 70,
        "routine": 80,
        "work": 20,
        "seed": 41,
    }
    yield _guest(
        "softirq-3",
        "judge",
        [_storm("s0", **bursts), _storm("s1", iterations=100, seed=42, routine=25)],
        time_slice_us=300,
        delivery="softirq",
        calls_per_notification=3,
    )
    yield _guest("ring-6", "judge", [_storm(**bursts)], delivery="dlh_ring", calls_per_notification=6)
    three = [
        _storm("s0", iterations=120, seed=31, sleep_us=40),
        _storm("s1", iterations=90, seed=32, deferrable_percent=30),
        _vm("t", "timer_ticks", hz=2500, ticks=40, work=6000),
    ]
    yield _guest(
        "three-vms",
        "judge",
        three,
        scheduler="credit",
        time_slice_us=400,
        delivery="dlh",
        drain_budget_cycles=4000,
    )
    chat = [_vm("a", "messages", vcpus=2, memory_bytes="8MiB", groups=3, pairs=2, messages=400)]
    yield _guest("chat", "judge", chat, harts=2, delivery="multicall", calls_per_notification=4)
    spaces = [_vm("a", "address_spaces", memory_bytes="16MiB", steps=400), _storm("b", iterations=80, seed=5)]
    yield _guest(
        "processes", "judge", spaces, time_slice_us=700, delivery="multicall", calls_per_notification=6
    )
    naps = [_vm("a", "wake_up", period_us=300, wakes=200, work=5), _vm("b", "compute", crc=30, sort=2)]
    yield _guest("naps", "judge", naps, scheduler="credit", time_slice_us=600, delivery="immediate")
    relay = [_vm("a", "ping_pong", vcpus=3, players=5, rounds=200)]
    yield _guest("relay", "judge", relay, harts=2, delivery="dlh")
    disk = [
        _vm("a", "disk_io", disk_bytes="384KiB", batches=40, depth=2, sectors=5, pause_us=70, seed=8),
        _vm("b", "compute", crc=15, sort=1),
    ]
    yield _guest("disk-beside", "judge", disk, time_slice_us=500, delivery="immediate")
    shared: dict[str, Any] = {"policy": "memory_map", "source": "cooperative", "period_us": 3000}
    churn = [_churn("a", rounds=9, burst=40, free_percent=40, seed=9), _storm("b", iterations=60, seed=6)]
    yield _guest("other-maps", "judge", churn, sharing=shared, delivery="immediate")
