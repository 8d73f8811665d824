"""What a session shows of a VM: its stage-two table, its deferred hypercalls, who has its frames."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from hvsim._session_process import SessionProcess


@dataclass(frozen=True)
class Queue:
    """Deferrable hypercalls of a VM.

    Attributes:
        delivery: How they reach the hypervisor: ``hypervisor.delivery``.
        waiting: Calls that wait, in the hypervisor's queues or in rings.
        completed: Calls that have run.
        capacity: Calls that a queue has room for.
        calls: Those that wait, oldest first in each queue: ``ticket``, ``name``, ``arguments``, ``slot`` of
            the status word that tells when it is done (0: none), ``interrupts_vcpu``; ``hart`` whose queue it
            is in with delivery ``softirq``; and with queues in guest memory, ``ring``: the VCPU in whose ring
            it waits, its ``ticket`` being its number there, or ``None`` once it was taken over from one.
        draining: Whether a hart is running calls of it right now.
        rings: With deliveries that keep the queue in guest memory: entries appended (``tail``) and run
            (``head``) by VCPU, and past which entry the guest is to say so (``notify``).
        status: Status words of the guest's shared page by slot: ``idle``, ``queued``, ``done`` or ``failed``.
    """

    delivery: str
    waiting: int
    completed: int
    capacity: int
    calls: pd.DataFrame = field(repr=False)
    draining: bool
    rings: pd.DataFrame = field(repr=False)
    status: tuple[str, ...] = field(repr=False)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.calls.to_html(index=False)}"


@dataclass(frozen=True)
class MemoryMap:
    """Who has the frames behind a VM's pages.

    Attributes:
        memory_base: Guest-physical address of the first page.
        memory_bytes: Of the VM, with its own pages for the hypervisor at the end.
        pages: Pages of 4 KiB by state. ``own``: a frame of its own, writable; ``marked``: the same, read-only
            since its memory map calls it free; ``shared``: behind it is the frame of free pages; ``merged``:
            behind it is the frame of equal pages; ``unmapped``: nothing is behind it yet.
        merged: Each merged frame that the VM has: ``physical``, and whose page it is behind: ``vm``,
            ``guest_physical``, ``bytes``.
    """

    memory_base: int
    memory_bytes: int
    pages: Mapping[str, int]
    merged: pd.DataFrame = field(repr=False)

    @property
    def saved_bytes(self) -> int:
        """What the VM does not take of the host's memory because its frames are others', too."""
        return 4096 * (self.pages["shared"] + self.pages["merged"])

    def _repr_html_(self) -> str:
        cells = "".join(f"<tr><th>{state}</th><td>{count}</td></tr>" for state, count in self.pages.items())
        return f"<table><tr><th>state</th><th>pages</th></tr>{cells}</table>"


class Vm:
    """A VM of our hypervisor in a session, as it is whenever one looks.

    Its methods raise SessionError until the hypervisor has built it.
    """

    def __init__(self, process: SessionProcess, name: str) -> None:
        self._process = process
        self.name = name

    def stage_two(self) -> pd.DataFrame:
        """The stage-two table, walked: a row for each run of pages that go on in both address spaces.

        Columns: ``guest_physical``, ``physical``, ``bytes`` of the run, ``page_bytes`` of its leaves,
        ``rights``, and ``state`` as of a `MemoryMap`. All pages of a ``shared`` run have frames of one block.
        """
        columns = ["guest_physical", "physical", "bytes", "page_bytes", "rights", "state"]
        frame = pd.DataFrame(self._process.ask("stage_two", vm=self.name), columns=columns)
        frame.attrs["units"] = {"bytes": "bytes", "page_bytes": "bytes"}
        return frame

    def queue(self) -> Queue:
        """Its deferrable hypercalls that wait, and what has become of others."""
        answer = self._process.ask("queue", vm=self.name)
        queues = answer["queues"]
        rings = answer["rings"]
        calls = [
            {
                **call,
                **({"hart": queue["hart"]} if "hart" in queue else {}),
                **({"ring": None} if rings else {}),
            }
            for queue in queues
            for call in queue["calls"]
        ]
        taken = len(calls)
        calls += [{**call, "ring": ring["vcpu"]} for ring in rings for call in ring["calls"]]
        columns = ["ticket", "name", "arguments", "slot", "interrupts_vcpu"]
        columns += (["hart"] if "hart" in queues[0] else []) + (["ring"] if rings else [])
        return Queue(
            delivery=answer["delivery"],
            waiting=answer["in_queues_of_harts"]
            if answer["in_queues_of_harts"] is not None
            else taken + sum(ring["tail"] - ring["head"] for ring in rings),
            completed=answer["completed"],
            capacity=queues[0]["capacity"],
            calls=pd.DataFrame(calls, columns=columns),
            draining=any(queue["draining"] for queue in queues),
            rings=pd.DataFrame(rings, columns=["vcpu", "tail", "head", "notify"]),
            status=tuple(answer["status"]),
        )

    def memory_map(self) -> MemoryMap:
        """Who has the frames behind its pages."""
        answer = self._process.ask("memory_map", vm=self.name)
        rows = [
            {"physical": frame["physical"], **page}
            for frame in answer["merged_frames"]
            for page in frame["pages"]
        ]
        return MemoryMap(
            memory_base=answer["memory_base"],
            memory_bytes=answer["memory_bytes"],
            pages={**answer["pages"], "unmapped": answer["unmapped"]},
            merged=pd.DataFrame(rows, columns=["physical", "vm", "guest_physical", "bytes"]),
        )

    def __repr__(self) -> str:
        return f"<hvsim.Vm {self.name}>"
