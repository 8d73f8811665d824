"""Machines as values: a preset, changed step by step, with guests on it."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hvsim import _core
from hvsim._errors import ConfigError
from hvsim._frozen import freeze
from hvsim._worker import PACKAGE, image_directories

_MACHINES = PACKAGE / "configs" / "machines"

# Any guest will do to have the machine's keys checked.
_CHECK = {
    "version": 1,
    "name": "check",
    "hypervisor": {"run": "host"},
    "vms": [{"name": "a", "workload": "hello", "memory_bytes": "2MiB"}],
}


class Machine(Mapping[str, Any]):
    """A machine, and perhaps guests on it. Immutable: `with_` and `with_guests` make other ones.

    It is a mapping with the keys of a config (``machine``, ``hypervisor``, ``vms``, ...), given wherever a
    config can be. What the keys mean: `hvsim.schema()`, or ``hvsim config schema``.

    >>> machine = hvsim.Machine.preset("cva6-like", harts=2).with_(mmu={"l2": {"entries": 512}})
    >>> hvsim.run(machine, "hypercall_storm", vms=2, delivery="dlh", hypervisor="host")
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """From a config's keys; ``machine`` is checked at once."""
        self._config: Mapping[str, Any] = freeze(_plain({"version": 1, "name": "machine"} | dict(config)))
        _check(self._config)

    @staticmethod
    def presets() -> list[str]:
        """Names of the ready machines."""
        return sorted(path.stem for path in _MACHINES.glob("*.json"))

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Machine:
        """A ready machine, by name; `changes` are those of `with_`.

        Raises:
            ConfigError: There is none of this name, or a change cannot be made.
        """
        if name not in cls.presets():
            raise ConfigError("", "preset", json.dumps(name), f"expected one of {', '.join(cls.presets())}")
        return cls(json.loads((_MACHINES / f"{name}.json").read_text("utf-8"))).with_(**changes)

    def with_(self, **changes: Any) -> Machine:
        """A machine with some keys of ``machine`` changed: ``with_(harts=4, costs={"trap_entry": 40})``.

        Objects are merged key by key, everything else is replaced.

        Raises:
            ConfigError: No such key, or no value for it; ``path`` says which.
        """
        return Machine(_merge(self._config, {"machine": changes}))

    def with_guests(
        self,
        workload: str,
        *,
        vms: int = 1,
        hypervisor: str | Mapping[str, Any] = "host",
        delivery: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        **vm: Any,
    ) -> Machine:
        """The machine with a hypervisor and equal guests.

        Args:
            workload: Name of a guest (``hypercall_storm``), or the path of an image.
            vms: How many VMs run it; they are called after it, with a number.
            hypervisor: ``"target"`` or ``"host"``: where the hypervisor runs; or the keys of ``hypervisor``.
            delivery: Of deferrable hypercalls: ``immediate``, ``dlh``, ...
            arguments: Of the workload.
            vm: Further keys of each VM: ``memory_bytes="8MiB"``, ``vcpus=2``.
        """
        name = Path(workload).name.removesuffix(".elf")
        image = workload if Path(workload).is_file() else name
        chosen = {"run": hypervisor} if isinstance(hypervisor, str) else dict(hypervisor)
        if delivery is not None:
            chosen["delivery"] = delivery
        one = {"workload": image, **({"arguments": dict(arguments)} if arguments else {}), **vm}
        guests = [{"name": f"{name}-{number}", **one} for number in range(vms)]
        return Machine({**self._config, "name": name, "hypervisor": chosen, "vms": guests})

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __hash__(self) -> int:
        return hash(json.dumps(self._config, sort_keys=True))

    def __repr__(self) -> str:
        vms = self._config.get("vms", ())
        guests = f", {len(vms)} x {vms[0]['workload']}" if vms else ""
        return f"<hvsim.Machine {self['name']}: {self.resolved()['harts']} harts{guests}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(json.dumps(value))}</td></tr>"
            for key, value in self.resolved().items()
        )
        return f"<p><b>{html.escape(repr(self)[1:-1])}</b></p><table>{rows}</table>"

    def resolved(self) -> dict[str, Any]:
        """Section ``machine`` with every default filled in."""
        found: dict[str, Any] = _resolve(self._config)["machine"]
        return found


def as_machine(config: Mapping[str, Any] | str | os.PathLike[str]) -> Machine:
    """A config as a machine that can be given guests.

    Raises:
        ConfigError: It is a file.
    """
    if isinstance(config, Machine):
        return config
    if isinstance(config, Mapping):
        return Machine(config)
    raise ConfigError(
        os.fspath(config), "workload", "", "expected a Machine or a dict: a file says itself what its VMs run"
    )


def _resolve(config: Mapping[str, Any]) -> dict[str, Any]:
    text = json.dumps({**_CHECK, "machine": config.get("machine", {})})
    ((_, _, resolved),) = _core.expand_text(text, str(Path.cwd()), [], image_directories(), [])
    parsed: dict[str, Any] = json.loads(resolved)
    return parsed


def _check(config: Mapping[str, Any]) -> None:
    """Refuses wrong keys of the machine; what guests need is checked when they run."""
    try:
        _resolve(config)
    except ConfigError as error:
        if error.path.startswith("machine"):
            raise ConfigError("", error.path, error.value, error.expected) from error


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _plain(value: Any) -> Any:
    """Mappings and sequences of any kind as dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(child) for child in value]
    return value


def require_work(config: object, example: str) -> None:
    """A machine has something to run: VMs, or an image that it boots.

    Raises:
        ConfigError: It has not; the message shows how.
    """
    if isinstance(config, Machine) and not (config.get("vms") or "image" in config.get("boot", {})):
        raise ConfigError("", "workload", "", f"missing: expected what to run: {example}")
