"""Sessions: a machine that one steps, looks into and changes while it runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from hvsim import _progress
from hvsim._api import Config, expand
from hvsim._checkpoint import Checkpoint
from hvsim._errors import ConfigError, RunError, SessionError
from hvsim._machine import Machine, as_machine, require_work
from hvsim._session_looking import Looking
from hvsim._session_process import SessionProcess
from hvsim._session_stop import Bookmark, Breakpoint, Stop, Watchpoint, read_stop
from hvsim._worker import Task


class Session(Looking):
    """A machine that stands still until it is told to go on, and can be looked into whenever it stands.

    It lives in a process of its own, so that several can be open at once and none can harm Python. Looking
    and stopping change nothing: a session that only does that ends with the result of `hvsim.run`, bit for
    bit, however often it stopped. Writing registers or memory and typing make it another run, and its results
    say ``debugged``.

    >>> with hvsim.Session(machine, workload="hypercall_storm") as s:
    ...     s.run_until(exit="any")
    ...     s.hart(0).explain_translation(s.hart(0).pc)
    ...     s.checkpoint("there.ckpt")
    >>> s = hvsim.Session(restore="there.ckpt")
    """

    def __init__(
        self,
        config: Config | None = None,
        workload: str | None = None,
        *,
        image: str | os.PathLike[str] | None = None,
        vms: int = 1,
        hypervisor: str | Mapping[str, Any] = "host",
        delivery: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] | None = None,
        run: str | None = None,
        restore: str | os.PathLike[str] | None = None,
        cold: bool = False,
        timeline: bool = False,
        echo: bool = False,
        progress: bool | None = None,
    ) -> None:
        """Start the machine; it stands before its first instruction, or where a checkpoint was taken.

        Args:
            config: Path of a JSON config, a dict, or a `Machine`. With `restore` it may be left away: then it
                is the checkpoint's own.
            workload: Of a `Machine` without guests, as `hvsim.run` has it, with the five after it.
            image: Instead of a workload: an ELF that boots without firmware.
            vms: With `workload`: how many VMs.
            hypervisor: With `workload`: ``"target"`` or ``"host"``, or the keys of ``hypervisor``.
            delivery: With `workload`: of deferrable hypercalls.
            arguments: With `workload`: its arguments.
            overrides: Values by dotted path, laid over the config.
            folder: Where relative paths of a dict start; the current one if not given.
            run: Which one, if the config stands for several runs.
            restore: A checkpoint to go on from.
            cold: With `restore`: caches, TLBs, predictors and statistics begin empty, and what only takes
                time may differ from what the checkpoint was made with. ``boot.warm_instructions`` fills them
                before statistics count.
            timeline: Whether to note what harts and VCPUs do, for `save_timeline`.
            echo: Whether what the guests print appears on standard output too.
            progress: ``True``: what goes on for longer than a second shows how far it has come, as a bar, or
                as lines where standard error is no terminal. If not given, where it is one.

        Raises:
            ConfigError: The config or the checkpoint cannot be used.
            RunError: The simulator failed.
        """
        settings = dict(overrides or {})
        if restore is not None:
            checkpoint = Checkpoint.read(restore)
            config = checkpoint.config if config is None else config
            settings["boot.restore"] = str(checkpoint.file)
            settings["boot.restored_models"] = "cold" if cold else "exact"
        if config is None:
            raise ConfigError("", "config", "", "missing: expected a config, or a checkpoint to restore")
        if timeline:
            settings["observe.timeline"] = True
        if workload is not None:
            config = as_machine(config).with_guests(
                workload, vms=vms, hypervisor=hypervisor, delivery=delivery, arguments=arguments
            )
        if image is not None:
            boot = {"image": str(Path(image).absolute()), "firmware": "none"}
            config = Machine({**as_machine(config), "boot": boot})
        if not any(key.startswith(("vms", "boot")) for key in settings):
            require_work(config, 'hvsim.Session(machine, workload="hello")')
        only = [] if run is None else [run]
        task = _choose([Task(*each) for each in expand(config, settings, folder, only)], run)
        self._echo = echo
        self._shown = _progress.wants(progress)
        self._timeline = timeline
        self._bookmarks: list[Bookmark] = []
        self._points: dict[int, Breakpoint | Watchpoint] = {}
        self._numbers = 0
        self._stop = Stop("start")
        self._label = task.label
        self._vms = {vm["name"]: int(vm["vcpus"]) for vm in json.loads(task.config).get("vms", [])}
        self._process = SessionProcess(task, self._printed)
        self._stop = self._here("start")

    def close(self) -> None:
        """End the machine. What has not been read of it is lost."""
        self._process.close()

    @property
    def closed(self) -> bool:
        """Whether it has been closed, or its process has died."""
        return self._process.closed

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_process"):
            self._process.close()

    # Going on

    @property
    def stop(self) -> Stop:
        """Why and where it stands."""
        return self._stop

    def step(self, count: int = 1, *, hart: int = 0) -> Stop:
        """Let a hart execute instructions; the others run beside it as they always do.

        An exception or interrupt counts as one, and a hypervisor on the host as nothing.

        Args:
            count: How many.
            hart: Whose.
        """
        return self._go({"hart": hart, "steps": count})

    def run(self, *, cycles: int | None = None, instructions: int | None = None) -> Stop:
        """Go on to the end, or for so long; breakpoints and watchpoints stop it earlier.

        Args:
            cycles: Of the hart that is ahead.
            instructions: Of all harts together.

        Raises:
            SessionError: A count is negative.
        """
        for name, count in (("cycles", cycles), ("instructions", instructions)):
            if count is not None and count < 0:
                raise SessionError(f"{name}: {count}: expected at least 0")
        harts = self._process.ask("state")["harts"]
        until: dict[str, Any] = {}
        if cycles is not None:
            until["cycle"] = max(each["cycle"] for each in harts) + cycles
        if instructions is not None:
            until["instructions"] = sum(each["retired"] for each in harts) + instructions
        return self._go(until)

    def run_until(
        self,
        *,
        symbol: str | None = None,
        address: int | None = None,
        exit: str | None = None,
        trap: str | None = None,
        mark: str | None = None,
        value: int | None = None,
        cycle: int | None = None,
        instructions: int | None = None,
        vm: str | None = None,
        hart: int | None = None,
    ) -> Stop:
        """Go on until the first of these, a breakpoint, a watchpoint, or the end.

        Each stop is before an instruction. Those that an exit, a trap or a mark asks for come before the next
        instruction of that hart, or when it turns to a hypervisor on the host.

        Args:
            symbol: A hart is about to execute the instruction at it; C++ names without parameters.
            address: The same by virtual address.
            exit: A guest is left: a cause as `Result.exits` names them (``"SUPERVISOR_SYSCALL"``, or with the
                call, ``"SUPERVISOR_SYSCALL/notify"``), or ``"any"``. Others are refused with a list.
            trap: Any trap: ``"load_guest_page_fault"``, ..., or ``"any"``.
            mark: A mark of software: ``"region_begin"``, ``"work_done"``, ...
            value: With `mark`: only of this value.
            cycle: A hart begins an instruction at this cycle or later.
            instructions: So many have been retired by all harts together, or by `hart`.
            vm: Only this VM's exits, traps, marks and addresses; ``"machine"``: what happens while V is 0.
            hart: Only what this one does.

        Raises:
            SessionError: No image has the symbol, there is no cause or mark of that name, or nothing is named
                that it could meet: `run` goes on to the end.
        """
        if value is not None and mark is None:
            raise SessionError(f"value: {value}: expected a mark that has it")
        if all(each is None for each in (symbol, address, exit, trap, mark, cycle, instructions)):
            raise SessionError(
                "run_until: expected a symbol, address, exit, trap, mark, cycle or instructions to stop at; "
                "run() goes on to the end"
            )
        if hart is not None:
            self.hart(hart)
        until = {"exit": exit, "trap": trap, "mark": mark, "value": value, "cycle": cycle}
        until |= {"instructions": instructions, "vm": vm, "hart": hart}
        addresses = [] if address is None else [{"address": address, "vm": vm}]
        if symbol is not None:
            addresses += [each for each in self.symbol(symbol) if vm in (None, each["vm"])]
            if not addresses:
                raise SessionError(f'symbol: "{symbol}": the images of {vm} have none of this name')
        return self._go({**until, "addresses": addresses})

    def _go(self, until: Mapping[str, Any]) -> Stop:
        if self._stop.over and not self.closed:
            return self._stop
        try:
            with _progress.Advance(self._label, self._shown, instructions=self._distance(until)) as advance:
                self._process.on_advance = advance
                report = self._process.ask("go", until=until)
        except (SessionError, RunError):
            raise
        except BaseException:  # an interrupt, or a callback's own
            if not self.closed:
                self._stop = self._stopped_by_force(self._process.late_answer)
            raise
        self._stop = read_stop(report["stopped"], self._points)
        return self._stop

    def _stopped_by_force(self, report: Mapping[str, Any] | None) -> Stop:
        """Where it stands; it may have ended by itself before the interrupt came."""
        if report is not None and (ended := read_stop(report["stopped"], self._points)).over:
            return ended
        return self._here("interrupted")

    def _distance(self, until: Mapping[str, Any]) -> int | None:
        """Instructions until a stop that is due at a number of them."""
        if until.get("instructions") is None:
            return None
        harts = self._process.ask("state")["harts"]
        mine = harts if until.get("hart") is None else [harts[until["hart"]]]
        return max(0, int(until["instructions"]) - sum(int(each["retired"]) for each in mine))

    def _here(self, reason: str) -> Stop:
        state = self._process.ask("state")
        return read_stop({"reason": reason, "hart": 0, "details": {}, "state": state}, {})

    # Going back

    def checkpoint(self, file: str | os.PathLike[str]) -> Checkpoint:
        """Save the machine; ``Session(restore=file)`` and ``boot.restore`` go on from there, in any process.

        It is saved where the turns of all harts have ended next, which is up to ``machine.quantum_cycles``
        after where it stands; the session itself stays where it is. A run that goes on from there ends as
        one that was never saved, bit for bit.

        Args:
            file: Appears whole, or not at all.

        Raises:
            SessionError: The run is over or will be by then, a guest may write to a file
                (``machine.devices.block[].access``), or the file cannot be written.
        """
        self._process.ask("checkpoint", file=str(Path(file).absolute()))
        return Checkpoint.read(file)

    def bookmark(self) -> Bookmark:
        """Keep this place, to `go_back` to: a copy of the process, which takes no time and little memory.

        Raises:
            SessionError: The run is over, or a guest may write to a file.
        """
        number = int(self._process.ask("bookmark")["bookmark"])
        made = Bookmark(number, self._stop, tuple(self._points.values()))
        self._bookmarks.append(made)
        return made

    def go_back(self, to: Bookmark | None = None) -> Stop:
        """To a bookmark, or the last one: all is as it was then, down to the last bit. Later ones are gone.

        Raises:
            SessionError: There is no such bookmark.
        """
        to = to if to is not None else (self._bookmarks[-1] if self._bookmarks else None)
        if to is None or to not in self._bookmarks:
            raise SessionError(f"bookmark: {to and to.number}: expected one that is still there")
        del self._bookmarks[to.number + 1 :]
        self._points = {each.id: each for each in to.points}
        state = self._process.ask("go_back", bookmark=to.number)["state"]
        self._stop = read_stop({"reason": "back", "hart": to.stop.hart, "details": {}, "state": state}, {})
        return self._stop

    @property
    def bookmarks(self) -> tuple[Bookmark, ...]:
        """Where it can go back to, oldest first."""
        return tuple(self._bookmarks)

    # Points

    @property
    def breakpoints(self) -> tuple[Breakpoint, ...]:
        """Those that are set."""
        return tuple(each for each in self._points.values() if isinstance(each, Breakpoint))

    @property
    def watchpoints(self) -> tuple[Watchpoint, ...]:
        """Those that are set."""
        return tuple(each for each in self._points.values() if isinstance(each, Watchpoint))

    def break_at(self, where: str | int, *, vm: str | None = None) -> tuple[Breakpoint, ...]:
        """Set breakpoints: at an address, or wherever a symbol of this name is.

        Args:
            where: Symbol or virtual address.
            vm: Whom they stop: a VM's name, or ``"machine"``: who runs while V is 0; else everybody, or whose
                image has the symbol.

        Raises:
            SessionError: No image has the symbol.
        """
        if isinstance(where, int):
            places: list[dict[str, Any]] = [{"address": where, "vm": vm}]
        else:
            places = [each for each in self.symbol(where) if vm in (None, each["vm"])]
        symbol = "" if isinstance(where, int) else where
        made = tuple(Breakpoint(self._number(), each["address"], each["vm"], symbol) for each in places)
        self._set({**self._points, **{each.id: each for each in made}})
        return made

    def watch(
        self, address: int, count: int = 8, *, access: str = "write", vm: str | None = None
    ) -> Watchpoint:
        """Stop before accesses to memory. The machine runs several times as slowly meanwhile.

        Args:
            address: Virtual, as instructions name it.
            count: Bytes.
            access: ``"read"``, ``"write"`` or ``"any"``.
            vm: Whose accesses, as of `break_at`.
        """
        if access not in ("read", "write", "any") or count < 1:
            raise SessionError(f"watch: {access}, {count} bytes: expected read, write or any, and at least 1")
        point = Watchpoint(self._number(), address, count, access, vm)
        self._set({**self._points, point.id: point})
        return point

    def delete(self, *points: Breakpoint | Watchpoint) -> None:
        """Remove breakpoints and watchpoints; all of them if none is named."""
        gone = {each.id for each in points}
        self._set({n: each for n, each in self._points.items() if points and n not in gone})

    def _set(self, points: dict[int, Breakpoint | Watchpoint]) -> None:
        breaks = [each for each in points.values() if isinstance(each, Breakpoint)]
        watches = [each for each in points.values() if isinstance(each, Watchpoint)]
        self._process.ask(
            "points",
            breakpoints=[{"id": each.id, "address": each.address, "vm": each.vm} for each in breaks],
            watchpoints=[
                {
                    "id": each.id,
                    "address": each.address,
                    "bytes": each.bytes,
                    "reads": each.access != "write",
                    "writes": each.access != "read",
                    "vm": each.vm,
                }
                for each in watches
            ],
        )
        self._points = points

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _printed(self, text: str) -> None:
        if self._echo:
            sys.stdout.write(text)

    def __repr__(self) -> str:
        return f"<hvsim.Session {self._label}: {'closed' if self.closed else self._stop}>"

    def _repr_html_(self) -> str:
        if self.closed:
            return f"<p>{self!r}</p>"
        return self._stop._repr_html_()


def _choose(tasks: list[Task], run: str | None) -> Task:
    labels = [task.label for task in tasks]
    if run is None and len(tasks) == 1:
        return tasks[0]
    if run not in labels:
        raise ConfigError("", "run", str(run), f"expected one of {', '.join(labels)}")
    return tasks[labels.index(run)]
