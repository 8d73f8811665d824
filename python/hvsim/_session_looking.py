"""What can be seen of a session's machine whenever it stands, and what may be typed into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hvsim._errors import SessionError, unknown
from hvsim._results import Result
from hvsim._session_process import SessionProcess
from hvsim._session_views import Hart, Vcpu
from hvsim._session_vm import Vm


class Looking:
    """The part of `hvsim.Session` that lets time stand still."""

    _process: SessionProcess
    _label: str
    _timeline: bool
    _vms: Mapping[str, int]  # VCPUs by VM

    @property
    def harts(self) -> tuple[Hart, ...]:
        """All harts."""
        return tuple(Hart(self._process, n) for n in range(len(self._process.ask("state")["harts"])))

    def hart(self, number: int = 0) -> Hart:
        """A hart, by number.

        Raises:
            SessionError: The machine has none of this number.
        """
        harts = self.harts
        if not 0 <= number < len(harts):
            raise SessionError(f"hart: {number}: expected less than {len(harts)}, and at least 0")
        return harts[number]

    @property
    def vcpus(self) -> tuple[Vcpu, ...]:
        """All VCPUs of our hypervisor.

        Raises:
            SessionError: There are none, or not yet.
        """
        return tuple(Vcpu(self._process, each["vm"], each["vcpu"]) for each in self._process.ask("vcpus"))

    def vcpu(self, vm: str, number: int = 0) -> Vcpu:
        """A VCPU, by its VM's name and its number within that.

        Raises:
            SessionError: There is no such VM, or it has fewer VCPUs.
        """
        count = self._vcpus_of(vm)
        if not 0 <= number < count:
            raise SessionError(
                f"vcpu: {number}: expected less than {count}, and at least 0: {vm} has no more"
            )
        return Vcpu(self._process, vm, number)

    def vm(self, name: str) -> Vm:
        """A VM of our hypervisor, by name: its stage-two table, its queue, its memory map.

        Raises:
            SessionError: There is none of this name.
        """
        self._vcpus_of(name)
        return Vm(self._process, name)

    def _vcpus_of(self, vm: str) -> int:
        if vm not in self._vms:
            raise SessionError(f"vm: {unknown(vm, self._vms) if self._vms else 'the config has none'}")
        return self._vms[vm]

    def symbol(self, name: str) -> list[dict[str, Any]]:
        """Where a symbol is: ``address``, and ``vm`` as of `Breakpoint`, for each image that has it.

        Raises:
            SessionError: None has; the message says which name is nearest.
        """
        found: list[dict[str, Any]] = self._process.ask("symbol", name=name)
        return found

    @property
    def console(self) -> Mapping[str, str]:
        """What has been printed so far, by VM name; ``"machine"`` is the rest, ``"all"`` all as it came."""
        answer = self._process.ask("console")
        return {**answer["vms"], "all": answer["all"], "virtio": answer["virtio"]}

    def type(self, text: str, *, console: str = "uart") -> None:
        r"""Type into a console: what the guest reads next. Enter is ``"\r"`` or ``"\n"``, as it expects.

        Args:
            text: To type, at once.
            console: ``"uart"`` or ``"virtio"``.

        Raises:
            SessionError: There is no such console.
        """
        self._process.ask("type", text=text, console=console)

    def result(self) -> Result:
        """What the run would leave if it ended here: the same as `hvsim.run` gives once it is over.

        The result's ``stop`` is ``"debugger"`` until then. Taking it changes nothing.
        """
        with tempfile.TemporaryDirectory(prefix="hvsim-") as scratch:
            self._process.ask("result", directory=scratch)
            (directory,) = Path(scratch).iterdir()
            return Result.read(directory, name=self._label, kept=False)

    def save_timeline(self, file: str | os.PathLike[str]) -> Path:
        """What harts and VCPUs have done so far, for Perfetto (Chrome's trace-event format).

        Args:
            file: ``.json``; it is replaced if it exists.

        Raises:
            SessionError: The session was not begun with ``timeline=True``.
        """
        if not self._timeline:
            raise SessionError("timeline: expected a session that was begun with timeline=True")
        with tempfile.TemporaryDirectory(prefix="hvsim-") as scratch:
            self._process.ask("result", directory=scratch)
            (directory,) = Path(scratch).iterdir()
            return Path(shutil.move(directory / "trace.json", Path(file).absolute()))
