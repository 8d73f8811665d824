"""Why a session stands still, and the points that make it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hvsim._frozen import freeze


@dataclass(frozen=True)
class Breakpoint:
    """Stops whoever is about to execute the instruction at an address.

    Attributes:
        id: To tell it from others.
        address: Virtual, in the space of whom it stops.
        vm: Whom it stops: a VM's name, ``"machine"``: whoever runs while V is 0, or ``None``: everybody.
        symbol: What it was set at, or empty.
    """

    id: int
    address: int
    vm: str | None = None
    symbol: str = ""


@dataclass(frozen=True)
class Watchpoint:
    """Stops whoever is about to access some bytes of memory.

    Attributes:
        id: To tell it from others.
        address: Virtual, as the accessing instruction names it.
        bytes: How many are watched.
        access: ``"read"``, ``"write"`` or ``"any"``.
        vm: As of a `Breakpoint`.
    """

    id: int
    address: int
    bytes: int
    access: str
    vm: str | None = None


@dataclass(frozen=True)
class Bookmark:
    """A place that a session can go back to.

    Attributes:
        number: Within the session, from 0 on.
        stop: Why and where it stood.
        points: Breakpoints and watchpoints that were set.
    """

    number: int
    stop: Stop
    points: tuple[Breakpoint | Watchpoint, ...] = ()

    def __str__(self) -> str:
        return f"bookmark {self.number}: {self.stop}"


@dataclass(frozen=True)
class Stop:
    """Why and where a session stands.

    Attributes:
        reason: ``"step"``, ``"address"``, ``"breakpoint"``, ``"watchpoint"``, ``"mark"``, ``"exit"``,
            ``"trap"``, ``"cycle"``, ``"instructions"``, ``"interrupted"``, ``"no_progress"`` (nothing will
            ever happen, unless somebody types), ``"over"`` (the run has ended, and can be looked at),
            ``"start"``, or ``"back"`` (at a bookmark).
        hart: Number of the hart that stopped it.
        pc: The hart's next instruction.
        mode: Of the hart: ``"M"``, ``"HS"``, ``"U"``, ``"VS"`` or ``"VU"``.
        cycle: Cycles of the hart.
        symbol: Where it is, as far as the images' symbols tell.
        cause: Of an exit or a trap, as `Result.exits` and explanations name it.
        value: Of a mark.
        point: Of a breakpoint or watchpoint.
        address: Of a watched access.
        explanation: Of an exit or a trap: cause, delegation, walk, in words.
        outcome: When the run is over: why, as `Result.stop` names it.
        detail: When the run is over: more about it.
    """

    reason: str
    hart: int = 0
    pc: int = 0
    mode: str = ""
    cycle: int = 0
    symbol: str = ""
    cause: str = ""
    value: int | None = None
    point: Breakpoint | Watchpoint | None = None
    address: int | None = None
    explanation: str = field(default="", repr=False)
    outcome: str = ""
    detail: str = ""

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.reason == "over"

    def __str__(self) -> str:
        if self.over:
            return f"over: {self.outcome}" + (f": {self.detail}" if self.detail else "")
        what = " ".join([self.reason, *([self.cause] if self.cause else [])])
        at = f"{self.pc:#x}" + (f" <{self.symbol}>" if self.symbol else "")
        return f"{what}: hart {self.hart} at {at}, cycle {self.cycle}"

    def _repr_html_(self) -> str:
        told = f"<pre>{html.escape(self.explanation)}</pre>" if self.explanation else ""
        return f"<p>{html.escape(str(self))}</p>{told}"


def read_stop(report: Mapping[str, Any], points: Mapping[int, Breakpoint | Watchpoint]) -> Stop:
    """From what the simulator says."""
    hart = report["state"]["harts"][report["hart"]]
    details = freeze(report["details"])
    return Stop(
        reason=report["reason"],
        hart=report["hart"],
        pc=hart["pc"],
        mode=hart["mode"],
        cycle=hart["cycle"],
        symbol=hart["symbol"],
        cause=details.get("cause", ""),
        value=details.get("value"),
        point=points.get(details.get("id", -1)),
        address=details.get("address"),
        explanation=details.get("trap", {}).get("text", ""),
        outcome=details.get("stop", ""),
        detail=details.get("detail", ""),
    )
