"""What a session shows: harts and VCPUs with their registers and memory, and how addresses are translated."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hvsim._errors import SessionError, unknown
from hvsim._session_process import SessionProcess

SPACES = ("current", "physical", "supervisor", "guest", "guest-physical")


@dataclass(frozen=True)
class PteRead:
    """A page-table entry that a walk reads.

    Attributes:
        stage: ``"first"``, ``"VS"`` or ``"G"``.
        level: Of the table, 0: the last.
        address: Physical, of the entry.
        guest_physical: Where the entry is for the guest whose it is, or ``None``.
        value: Of the entry.
        flags: ``"DAGUXWRV"``, with ``-`` for what is clear.
        meaning: What it is, in words.
    """

    stage: str
    level: int
    address: int
    guest_physical: int | None
    value: int
    flags: str
    meaning: str


@dataclass(frozen=True)
class Translation:
    """How an address is translated, and what accesses to it would meet.

    Attributes:
        address: As it was asked for.
        physical: Where it lies, or ``None`` if nowhere.
        guest_physical: What the guest takes for physical, or ``None`` if no guest is concerned.
        page_bytes: Of the page that it lies in, the smaller of both stages; ``None`` if nothing translates.
        first_stage: ``"Sv39"``, ``"Bare"``, ...
        g_stage: ``"Sv39x4"``, ``"Bare"``, or ``None`` if no guest is concerned.
        walk: Every page-table entry read, in order.
        why_not: Why there is no translation, in words; empty if there is one.
        accesses: Why a ``load``, a ``store`` and a ``fetch`` would trap; empty if not.
        text: All this as lines of text.
    """

    address: int
    physical: int | None
    guest_physical: int | None
    page_bytes: int | None
    first_stage: str
    g_stage: str | None
    walk: tuple[PteRead, ...]
    why_not: str
    accesses: Mapping[str, str]
    text: str = field(repr=False)

    @property
    def frame(self) -> pd.DataFrame:
        """The walk, one row per page-table entry; ``address`` in bytes."""
        return pd.DataFrame([vars(each) for each in self.walk], columns=list(PteRead.__dataclass_fields__))

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(each.stage)} {each.level}</td><td>{each.address:#x}</td>"
            f"<td>{each.value:#018x}</td><td><code>{each.flags}</code></td>"
            f"<td>{html.escape(each.meaning)}</td></tr>"
            for each in self.walk
        )
        head = "<tr><th>stage, level</th><th>PTE at</th><th>value</th><th>DAGUXWRV</th><th></th></tr>"
        ends = self.text.splitlines()[len(self.walk) :]
        return f"<table>{head}{rows}</table><p>{'<br>'.join(html.escape(line) for line in ends)}</p>"


class Registers(Mapping[str, int]):
    """Registers by name at one moment: general ones, CSRs, ``pc``; floating-point ones as their 64 bits."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._groups: Mapping[str, Mapping[str, int]] = {
            "general": {"pc": answer["pc"], **answer["general"]},
            "csr": dict(answer["csr"]),
            "float": dict(answer["float"]),
        }
        self._all = {name: value for group in self._groups.values() for name, value in group.items()}

    def __getitem__(self, name: str) -> int:
        if name not in self._all:
            raise KeyError(unknown(name, self._all))
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def general(self) -> Mapping[str, int]:
        """``pc`` and x0 to x31, by the names of the calling convention."""
        return dict(self._groups["general"])

    @property
    def csr(self) -> Mapping[str, int]:
        """Control and status registers."""
        return dict(self._groups["csr"])

    @property
    def float(self) -> Mapping[str, int]:
        """f0 to f31, by the names of the calling convention."""
        return dict(self._groups["float"])

    def __repr__(self) -> str:
        return "\n".join(f"{name:10} {value:#x}" for name, value in self._groups["general"].items())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{group}</th><td>"
            + ", ".join(f"{name}&nbsp;{value:#x}" for name, value in registers.items() if value)
            + "</td></tr>"
            for group, registers in self._groups.items()
        )
        return f"<table>{rows}</table><p>Registers that are 0 are left out.</p>"


class _Looker:
    """Registers and memory of whoever has them."""

    def __init__(self, process: SessionProcess, who: dict[str, Any]) -> None:
        self._process = process
        self._who = who

    def _state(self) -> dict[str, Any]:
        raise NotImplementedError

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        return int(self._state()["pc"])

    @property
    def mode(self) -> str:
        """``"M"``, ``"HS"``, ``"U"``, ``"VS"`` or ``"VU"``."""
        return str(self._state()["mode"])

    @property
    def symbol(self) -> str:
        """Where ``pc`` is, as far as the images' symbols tell; else empty."""
        return str(self._state()["symbol"])

    @property
    def source(self) -> str:
        """File and line, as far as debug information tells; else empty."""
        return str(self._state()["source"])

    @property
    def instruction(self) -> str:
        """The next instruction, disassembled; empty if its memory cannot be read."""
        return str(self._state()["instruction"])

    @property
    def registers(self) -> Registers:
        """All registers as they are now."""
        return Registers(self._process.ask("registers", **self._who))

    def __getitem__(self, name: str) -> int:
        """A register by name: ``hart["a0"]``, ``hart["hgatp"]``.

        Raises:
            KeyError: There is none of that name; the message says which is nearest.
        """
        return self.registers[name]

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.registers._repr_html_()}"

    def write(self, register: str, value: int) -> int:
        """Change a register; this makes it another run, whose results say ``debugged``.

        Args:
            register: Name; a CSR keeps to its legal values.
            value: 64 bits, signed or not.

        Returns:
            What it is now.

        Raises:
            SessionError: There is no such register, it cannot be written, or the value has more bits.
        """
        if not -(2**63) <= value < 2**64:
            raise SessionError(f"value: {value}: expected a number of 64 bits")
        bits = value & (2**64 - 1)
        return int(self._process.ask("write_register", **self._who, name=register, value=bits)["value"])

    def read_memory(self, address: int, count: int, space: str = "current") -> bytes:
        """Memory from an address on; less than asked for where it ends or is not mapped, down to nothing.

        Leaves no trace in the machine.

        Args:
            address: First byte.
            count: Bytes, at most 16 MiB.
            space: Whose addresses: ``"current"``: of the mode that it is in, ``"physical"``, ``"supervisor"``
                (satp), ``"guest"`` (vsatp and hgatp) or ``"guest-physical"`` (hgatp).

        Raises:
            SessionError: No such space.
        """
        answer = self._process.ask("read_memory", **self._who, address=address, bytes=count, space=space)
        return bytes.fromhex(answer["data"])

    def write_memory(self, address: int, data: bytes, space: str = "current") -> None:
        """Change memory, all of it or nothing; this makes it another run, whose results say ``debugged``.

        Raises:
            SessionError: There is no RAM.
        """
        self._process.ask("write_memory", **self._who, address=address, data=data.hex(), space=space)

    def translate(self, address: int, space: str = "current") -> int | None:
        """The physical address, or ``None`` if there is no translation."""
        return self.explain_translation(address, space).physical

    def explain_translation(self, address: int, space: str = "current") -> Translation:
        """How an address is translated: each page-table entry, what accesses would meet, and why.

        Args:
            address: To look up.
            space: As of `read_memory`.
        """
        answer = self._process.ask("translate", **self._who, address=address, space=space)
        walk = tuple(PteRead(**each) for each in answer.pop("walk"))
        return Translation(walk=walk, **answer)


class Hart(_Looker):
    """A hart of a session, as it is whenever one looks."""

    def __init__(self, process: SessionProcess, number: int) -> None:
        super().__init__(process, {"hart": number})
        self.number = number

    def _state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._process.ask("state")["harts"][self.number]
        return found

    @property
    def cycle(self) -> int:
        """Cycles since power-on. Harts may be a quantum apart (``machine.quantum_cycles``)."""
        return int(self._state()["cycle"])

    @property
    def retired(self) -> int:
        """Instructions retired."""
        return int(self._state()["retired"])

    @property
    def asleep(self) -> bool:
        """Whether it waits for an interrupt."""
        return bool(self._state()["asleep"])

    @property
    def vm(self) -> str | None:
        """Name of the VM that it runs, or that the hypervisor works for; ``None`` if none."""
        name = self._state()["vm"]
        return None if name is None else str(name)

    @property
    def vcpu(self) -> int | None:
        """Number of the VCPU within `vm`."""
        number = self._state()["vcpu"]
        return None if number is None else int(number)

    def __repr__(self) -> str:
        state = self._state()
        at = f"{state['pc']:#x}" + (f" <{state['symbol']}>" if state["symbol"] else "")
        return f"<hvsim.Hart {self.number}: {state['mode']}-mode at {at}, cycle {state['cycle']}>"


class Vcpu(_Looker):
    """A VCPU of a session as its guest sees it: CSR names mean what they mean to the guest."""

    def __init__(self, process: SessionProcess, vm: str, number: int) -> None:
        super().__init__(process, {"vm": vm, "vcpu": number})
        self.vm = vm
        self.number = number

    def _state(self) -> dict[str, Any]:
        states: list[dict[str, Any]] = self._process.ask("vcpus")
        return next(each for each in states if (each["vm"], each["vcpu"]) == (self.vm, self.number))

    @property
    def where(self) -> str:
        """Where it is, in words: on a hart, in the hypervisor, waiting for a hart or an interrupt."""
        return str(self._state()["where"])

    @property
    def hart(self) -> int | None:
        """The hart that runs it, or ``None``."""
        number = self._state()["hart"]
        return None if number is None else int(number)

    def __repr__(self) -> str:
        return f"<hvsim.Vcpu {self.where}>"
