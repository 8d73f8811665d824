"""Results: run directories read into immutable objects with DataFrames."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hvsim._comparison import Difference, compare_configs, compare_exits, compare_figures
from hvsim._errors import RunError, unknown
from hvsim._frozen import freeze
from hvsim._stack import CpiStack, stack
from hvsim._stats_frames import Described, StatsFrames
from hvsim.plots import Plots

# Of run directories, as sim/run_directory.cpp writes them.
_FORMAT = 1
_SECTIONS = ("stop", "stop_detail", "guest_exit_code", "cycles", "summary", "cpi", "exits", "help")


class Regions(NamedTuple):
    """Regions of interest; ``frame.attrs["units"]`` tells the units of each.

    Attributes:
        elapsed: One row per region: who marked it, and cycles from begin to end as count, sum, min, p50, p90,
            p99 and max, whoever ran meanwhile.
        modes: Cycles by component and events in or for its VCPU meanwhile, one row per region and mode.
    """

    elapsed: pd.DataFrame
    modes: pd.DataFrame


class Walks(NamedTuple):
    """Page walks of a run; ``frame.attrs["units"]`` tells the units of each.

    Attributes:
        kinds: One-stage, G-stage (``vsatp`` is Bare) and two-stage walks: faults, PTE reads, and cycles per
            walk as count, sum, min, p50, p90, p99 and max. Quantiles are at most 6.25 % too high.
        latency: The histogram behind it: walks per kind that took up to ``upto`` cycles, and more than the
            row before.
        ptes: PTE accesses by stage, level, what they served, read or write, and which cache had them.
        pages: Walks and cycles by the page sizes of both stages.
        spaces: Walks, faults, PTE reads and cycles by VMID and ASID.
    """

    kinds: pd.DataFrame
    latency: pd.DataFrame
    ptes: pd.DataFrame
    pages: pd.DataFrame
    spaces: pd.DataFrame


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """What one run left.

    Attributes:
        name: Of the run.
        directory: The run directory, if it was kept.
        config: The config with every default filled in.
        manifest: Versions, hashes, seed, wall time in seconds.
        console: What each VM printed, by VM name.
        dumps: What had been counted at each moment that ``statistics.dump_at_cycles`` or a mark of software
            named, oldest first: results like this one, without console and dumps. Their ``dump`` says when.
        dump: Of a dump: its number, cycle, hart and VM; else empty.
    """

    name: str
    directory: Path | None
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    console: Mapping[str, str]
    _stats: Mapping[str, Any] = field(repr=False)
    _exits: pd.DataFrame = field(repr=False)
    dumps: tuple[Result, ...] = field(default=(), repr=False)
    dump: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: str | os.PathLike[str], *, name: str | None = None, kept: bool = True) -> Result:
        """Read a run directory.

        Raises:
            RunError: Its files cannot be read.
        """
        directory = Path(directory)
        try:
            whole = cls(
                name=name or directory.name,
                directory=directory if kept else None,
                config=freeze(json.loads((directory / "config.json").read_text("utf-8"))),
                manifest=freeze(json.loads((directory / "manifest.json").read_text("utf-8"))),
                console=freeze(
                    {
                        log.stem: log.read_text("utf-8", errors="replace")
                        for log in sorted((directory / "console").glob("*.log"))
                    }
                ),
                _stats=freeze(json.loads((directory / "stats.json").read_text("utf-8"))),
                _exits=pd.read_csv(directory / "exits.csv", keep_default_na=False),
            )
            whole._check_format()
            dumps = tuple(whole._dumped(directory, dump) for dump in whole._frames.rows("dumps"))
            return replace(whole, dumps=dumps)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"{type(error).__name__} {error}" if isinstance(error, LookupError) else error
            raise RunError(name or directory.name, 0, f"its files cannot be read: {problem}") from error

    def _check_format(self) -> None:
        """Raises ValueError for files of another version, or of which parts are gone."""
        if self.manifest["format"] != _FORMAT:
            raise ValueError(f"manifest.json has format {self.manifest['format']}: expected {_FORMAT}")
        gone = [part for part in _SECTIONS if part not in self._stats]
        if gone:
            raise ValueError(f"stats.json lacks {', '.join(gone)}")

    def _dumped(self, directory: Path, dump: Mapping[str, Any]) -> Result:
        stats = json.loads((directory / dump["file"]).read_text("utf-8"))
        return replace(
            self,
            name=f"{self.name}@{dump['cycle']}",
            console=freeze({}),
            _stats=freeze({**stats, "help": self._stats["help"]}),
            _exits=pd.DataFrame(stats["exits"], columns=self._exits.columns),
            dump=freeze({key: value for key, value in dump.items() if key != "file"}),
        )

    def describe(self, statistic: str) -> Described:
        """Unit and help of a statistic, by its path: ``harts[0].l1d.misses``.

        Raises:
            KeyError: There is no such statistic; the message names the nearest.
        """
        if not self._frames.knows(statistic):
            raise KeyError(unknown(statistic, self._stats["help"]))
        return self._frames.describe(statistic)

    @property
    def _frames(self) -> StatsFrames:
        return StatsFrames(self._stats)

    @property
    def result_hash(self) -> str:
        """Hash over all that the simulation decided; the same on any host at any load."""
        return str(self.manifest["result_hash"])

    @property
    def stop(self) -> str:
        """Why the run ended; ``finished`` means that the guests powered off."""
        return str(self._stats["stop"])

    @property
    def stop_detail(self) -> str:
        """Why the run did not pass, in a line for people; empty if it did."""
        return str(self._stats["stop_detail"])

    @property
    def passed(self) -> bool:
        """Whether the run finished and its guests reported success."""
        return self.stop == "finished" and self._stats["guest_exit_code"] == 0

    @property
    def verdict(self) -> str:
        """In a word: ``passed``, ``failed`` (a guest says so), or `stop`: why it did not come to its end."""
        if self.stop == "finished":
            return "passed" if self.passed else "failed"
        return self.stop

    @property
    def summary(self) -> pd.DataFrame:
        """The run in a few figures: one row each, with ``value``, ``unit`` and ``help``."""
        rows = {
            key: value for key, value in self._stats["summary"].items() if not isinstance(value, (list, dict))
        }
        index = pd.Index(rows, name="statistic")
        described = [self.describe(f"summary.{key}") for key in rows]
        return pd.DataFrame(
            {
                "value": list(rows.values()),
                "unit": [each.unit for each in described],
                "help": [each.help for each in described],
            },
            index=index,
        )

    @property
    def exits(self) -> pd.DataFrame:
        """Exits by VM and cause: count, and cycles in all, at least, at p50, at p99, at most.

        Rows whose cause is ``"RESUMED"`` are no exits: a VCPU got a hart after others, or nobody, had it.
        Their cycles are from there until it was in its guest.
        """
        frame = self._exits.copy()
        frame.attrs["units"] = self._frames.units("exits[].", frame.columns)
        return frame

    @property
    def cpi(self) -> pd.DataFrame:
        """The CPI stack: one row per cell, cycles by component. All of them add up to the harts' cycles."""
        rows = [{**row, **row["components"]} for row in self._stats["cpi"]]
        frame = pd.DataFrame(rows).drop(columns="components", errors="ignore")
        units = self._frames.units("cpi[].", frame.columns)
        components = rows[0]["components"] if rows else {}
        frame.attrs["units"] = units | dict.fromkeys(components, "cycles")
        return frame

    @property
    def work(self) -> pd.DataFrame:
        """What the hypervisor did in a host run: units of each kind of work by exit cause and phase.

        The kinds are the keys of ``hypervisor.costs``. Empty if it ran on target.
        """
        return self._frames.frame("work")

    def cpi_stack(self, by: Sequence[str] = ("vm", "phase"), *, idle: bool = False) -> CpiStack:
        """Cycles by component, for each combination of some of hart, vm, vcpu, mode, cause and phase.

        Args:
            by: What the rows are; nothing: one row for all.
            idle: Whether cycles that nobody had a use for are in it.
        """
        return stack(self.cpi, by, idle=idle)

    @property
    def plot(self) -> Plots:
        """Figures of this result, by matplotlib: ``result.plot.cpi_stack()``, `hvsim.plots`."""
        return Plots(self)

    def diff(self, other: Result) -> Difference:
        """What tells this result from another: config, figures, exits and counters that differ."""
        return Difference(
            same=self.result_hash == other.result_hash,
            config=compare_configs(self.config, other.config),
            summary=compare_figures(self.summary, other.summary),
            exits=compare_exits(self.exits, other.exits),
            stats=compare_figures(self.stats, other.stats),
        )

    @property
    def sharing(self) -> pd.DataFrame:
        """Pages of VMs over time: a row whenever the hypervisor found that those of a VM had changed.

        ``shared_pages`` lie behind the frame of free pages, ``merged_pages`` behind one of equal pages.
        """
        return self._frames.frame("sharing_samples")

    @property
    def saved_memory(self) -> pd.DataFrame:
        """What sharing saves of all VMs' memory over time: ``cycles``, ``seconds`` and ``saved`` in MiB."""
        samples = self.sharing
        pages = samples["shared_pages"] + samples["merged_pages"]
        by_vm = samples.assign(pages=pages).pivot_table("pages", "cycles", "vm", aggfunc="last")
        saved = by_vm.ffill().fillna(0).sum(axis=1) * 4096 / 2**20
        cycles = pd.Series(saved.index, dtype="int64")
        seconds = cycles / (self.config["machine"]["clock_mhz"] * 1e6)
        frame = pd.DataFrame({"cycles": cycles, "seconds": seconds, "saved": saved.to_numpy(dtype=float)})
        frame.attrs["units"] = {"cycles": "cycles", "seconds": "s", "saved": "MiB"}
        return frame

    @property
    def shares(self) -> pd.DataFrame:
        """Cycles by component and events, by hart, VM, VCPU and mode. Rows of a hart are all that it did."""
        return self._frames.activity("shares", self._frames.rows("shares"))

    @property
    def epochs(self) -> pd.DataFrame:
        """The same for each epoch of ``statistics.epoch_cycles``.

        Column ``begin`` is its first cycle; an epoch ends with the quantum in which its last cycle lies.
        """
        epochs = self._stats["epochs"]
        frame = pd.DataFrame(epochs["rows"])
        frame.insert(1, "begin", frame["epoch"] * epochs["length"])
        frame.attrs["units"] = self._frames.activity_units("epochs.rows") | {"begin": "cycles"}
        return frame

    @property
    def regions(self) -> Regions:
        """What happened between the marks ``region_begin`` and ``region_end`` of software."""
        names = ("hart", "vm", "vcpu", "region")
        rows = [
            {name: region[name] for name in names} | mode
            for region in self._frames.rows("regions")
            for mode in region["modes"]
        ]
        modes = self._frames.activity("regions[].modes", rows, names)
        return Regions(self._frames.distributions("regions", "elapsed"), modes)

    @property
    def traps(self) -> pd.DataFrame:
        """Traps by hart, the modes that they left and entered, and cause: ``count``."""
        return self._frames.frame("traps")

    @property
    def interrupts(self) -> pd.DataFrame:
        """Cycles from an interrupt's being pending to the first instruction of its handler.

        Interrupts whose ``path`` is ``trapped`` were passed on by more privileged software.
        """
        return self._frames.distributions("interrupts", "latency")

    @property
    def interrupt_latencies(self) -> pd.DataFrame:
        """The histograms behind ``interrupts``."""
        return self._frames.histograms("interrupts", "latency")

    @property
    def vcpu_waits(self) -> pd.DataFrame:
        """Cycles from a VCPU's being runnable to the hypervisor's choosing it to run."""
        return self._frames.distributions("vcpu_waits", "wait")

    @property
    def delivery_times(self) -> pd.DataFrame:
        """Cycles until a deferrable hypercall has run, and from the scheduling of a guest until it runs."""
        return self._frames.distributions("delivery_times", "time")

    @property
    def delivery_latencies(self) -> pd.DataFrame:
        """The histograms behind ``delivery_times``."""
        return self._frames.histograms("delivery_times", "time")

    @property
    def walks(self) -> Walks:
        """Page walks by kind, latency, PTE, page size and address space, over all harts."""
        return Walks(
            kinds=self._frames.distributions("walks.kinds", "cycles"),
            latency=self._frames.histograms("walks.kinds", "cycles"),
            ptes=self._frames.frame("walks.ptes"),
            pages=self._frames.frame("walks.pages"),
            spaces=self._frames.frame("walks.spaces"),
        )

    @property
    def vms(self) -> pd.DataFrame:
        """VMs by name: how each ended in the hypervisor's words, work done, cycles of its VCPUs, latencies.

        ``end`` is empty while a VM has not ended; ``"killed: ..."`` says why the hypervisor ended it.
        """
        columns = [each for each in self._frames.columns("vms") if "." not in each]
        flat = [each for each in columns if each not in ("name", "delivery")]
        vms = self._frames.rows("vms")
        index = pd.Index([vm["name"] for vm in vms], name="vm")
        frame = pd.DataFrame([[vm[each] for each in flat] for vm in vms], index=index, columns=flat)
        frame.attrs["units"] = self._frames.units("vms[].", flat)
        return frame

    @property
    def delivery(self) -> pd.DataFrame:
        """Deferrable hypercalls by VM: traps, drains; in cycles their latency and whose time they took."""
        nested = "delivery."
        columns = [each[len(nested) :] for each in self._frames.columns("vms") if each.startswith(nested)]
        vms = self._frames.rows("vms")
        index = pd.Index([vm["name"] for vm in vms], name="vm")
        frame = pd.DataFrame([vm["delivery"] for vm in vms], index=index, columns=columns)
        frame.attrs["units"] = self._frames.units(f"vms[].{nested}", frame.columns)
        return frame

    @property
    def stats(self) -> pd.DataFrame:
        """Every other counter by its path, with ``value``, ``unit`` and ``help``."""
        return self._frames.others()

    def __repr__(self) -> str:
        why = "" if self.passed or not self.stop_detail else f" ({self.stop_detail})"
        told = f"{self.verdict}{why}, {self._stats['cycles']} cycles, {self.result_hash}"
        return f"<hvsim.Result {self.name}: {told}>"

    def _repr_html_(self) -> str:
        verdict = self.verdict if self.passed else f"{self.verdict}: {self.stop_detail}"
        head = (
            f"<b>{html.escape(self.name)}</b>: {html.escape(verdict)}, result {html.escape(self.result_hash)}"
        )
        figures = self.summary.to_html(float_format="{:,.4g}".format)
        causes = self.exits.to_html(index=False)
        return f"<p>{head}</p>{figures}<p>Exits</p>{causes}"
