"""Sweeps: many runs over axes of a config, and one table; what was stopped goes on where it was."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from hvsim import _core, _progress, _table
from hvsim._errors import ConfigError, Error, RunError, unwritable
from hvsim._executors import Executor, Watcher, at_a_time, choose, simulator_hash
from hvsim._plan import Definition, Plan, plan, size
from hvsim._space import RefusedError, plain
from hvsim._store import DEFINITION, Publisher, Store
from hvsim._worker import FAULT, FINISHED, Ending, Limits, Task

TABLE = "table.parquet"
CSV = "table.csv"


@dataclass(frozen=True)
class SweepProgress:
    """Told to a progress callback at the beginning and after each run.

    Attributes:
        done: Runs that need not be done any more, failed ones and those of earlier sweeps among them.
        failed: Of these, the ones that failed.
        total: Runs in all.
        elapsed: Seconds since this sweep began.
        remaining: Seconds until it ends, as far as one can tell; None before the first run has ended.
        run: Label of the run that ended; empty at the beginning.
    """

    done: int
    failed: int
    total: int
    elapsed: float
    remaining: float | None
    run: str = ""


ProgressCallback = Callable[[SweepProgress], None]


def sweep(
    base: str | os.PathLike[str] | Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    zip: Mapping[str, Sequence[Any]] | None = None,
    random: Mapping[str, Any] | None = None,
    constraints: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    name: str | None = None,
    out: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    dask: Any = None,
    worker_timeout: float | None = None,
    resume: bool = True,
    retry_failed: bool = False,
    csv: bool = False,
    memory_limit: int | str | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressCallback | None = None,
) -> pd.DataFrame:
    """Run a base config at every point of a space, and make one table of what came out.

    Args:
        base: A config: a file, or a dict. An experiment of several runs takes all of them to every point.
            Or a sweep's file, which says everything below itself; the arguments are laid over it.
        grid: Values by config path: ``{"machine.costs.trap_entry": [20, 40, 80]}``. Every combination is a
            point. A value may also be a named variant that changes several keys:
            ``{"delivery": [{"name": "dlh-8", "hypervisor": {"delivery": "dlh", ...}}, ...]}``.
        zip: As `grid`, but the lists are gone through together.
        random: ``{"seed": 1, "samples": 20, "axes": {path: {"uniform": [from, to]}}}``; beside ``uniform``
            there are ``log_uniform``, ``integer``, ``log_integer`` (to is included) and ``choice``.
        constraints: Expressions that points must meet: ``"hypervisor.queue_capacity >= machine.harts * 8"``.
        overrides: Values by config path that all points share.
        folder: Where relative paths of a base that is a dict start; the current one if not given.
        name: Of the sweep.
        out: Directory for run directories, ``table.parquet`` and ``failed/``; nothing is kept if not given.
        jobs: Runs at a time; as many as there are processors if not given.
        dask: Not given: worker processes of this machine. ``"local"``: a Dask cluster of `jobs` workers here.
            ``"slurm"``: `jobs` Slurm jobs as Dask's configuration describes them. Else the address of a
            scheduler, or a ``distributed.Client``. Its workers must see `out`.
        worker_timeout: Seconds that a Dask cluster may be without any worker; if not given, five minutes, and
            a day with ``"slurm"``, whose jobs may queue.
        resume: Take the runs that `out` has from an earlier sweep; else an `out` with a sweep is refused.
        retry_failed: Run failed ones of an earlier sweep again.
        csv: Write ``table.csv`` too.
        memory_limit: Bytes (or ``"2GiB"``) of the host's memory that a run may use.
        time_limit: Seconds that a run may take. ``boot.fast_forward`` may take as long by itself, and the
            wait for one that runs share does not count.
        progress: ``True``: a bar, or lines where standard error is no terminal; a function: called with each
            `SweepProgress`. If not given, a bar where standard error is a terminal.

    Returns:
        One row per point, in the order of the axes: its coordinates, the run's label and identity, why it
        failed or ended, and the summary's figures, with units in ``attrs["units"]``. The same whatever ran
        where and in which order.

    Raises:
        ConfigError: Something cannot be used; nothing has run.
        Error: The results cannot be written, or the Dask cluster has no workers.
    """
    asked = {
        "grid": grid,
        "zip": zip,
        "random": random,
        "constraints": list(constraints) or None,
        "set": overrides,
        "name": name,
    }
    wanted = {key: plain(value) for key, value in asked.items() if value is not None}
    definition = _define(base, wanted, Path(folder or "").absolute())
    limits = _limits(definition.limits(), memory_limit, time_limit)
    executor = choose(dask, at_a_time(jobs), worker_timeout)
    with tempfile.TemporaryDirectory(prefix="hvsim-") as scratch:
        path = Path(scratch) if out is None else Path(out).absolute()
        if out is not None:
            prepare(path, resume=resume)
        return conduct(
            definition, path, executor, limits, retry_failed=retry_failed, csv=csv, tell=shown(progress)
        )


def _define(
    base: str | os.PathLike[str] | Mapping[str, Any], asked: Mapping[str, Any], folder: Path
) -> Definition:
    if isinstance(base, Mapping):
        return Definition.of({"base": plain(base), **asked}, folder=folder)
    read = Definition.read(Path(base))
    return replace(read, text={**read.text, **asked}, name=asked.get("name", read.name))


def _limits(own: Limits, memory: int | str | None, seconds: float | None) -> Limits:
    try:
        wanted = own.memory_bytes if memory is None else size(memory, "memory_limit")
    except RefusedError as refusal:
        raise refusal.error("") from refusal
    if seconds is not None and not seconds > 0:
        raise ConfigError("", "time_limit", str(seconds), "expected seconds, above 0")
    return Limits(wanted, own.seconds if seconds is None else seconds)


def prepare(path: Path, *, resume: bool) -> None:
    """A directory that a sweep may use.

    Raises:
        ConfigError: It holds something else, or results of another build of the simulator.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        held = [each.name for each in path.iterdir() if each.name[0] != "."]
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "it cannot be written")
    except OSError as error:
        raise ConfigError("", "out", str(path), f"expected a directory ({error.strerror})") from error
    if not held:
        return
    try:
        about = json.loads((path / DEFINITION).read_text("utf-8"))["simulator"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError("", "out", str(path), "expected an empty directory, or one of a sweep") from error
    if not resume:
        raise ConfigError("", "out", str(path), "expected an empty directory; resume goes on with this sweep")
    if about != _simulator():
        raise ConfigError(
            "", "out", str(path), "expected results of this build of the simulator; those are of another one"
        )


def _simulator() -> dict[str, str]:
    return {"version": _core.version(), "binary": simulator_hash()}


def conduct(
    definition: Definition,
    path: Path,
    executor: Executor,
    limits: Limits,
    *,
    retry_failed: bool,
    csv: bool,
    tell: ProgressCallback,
) -> pd.DataFrame:
    """Do what is left to do of a sweep in a directory that was prepared, and write its table."""
    chosen = plan(definition)
    store = Store(path)
    about = {
        "format": 1,
        "name": definition.name,
        "simulator": _simulator(),
        "folder": str(definition.folder),
        "sweep": definition.text,
        "limits": {"memory_bytes": limits.memory_bytes, "seconds": limits.seconds},
    }
    with _telling_what_cannot_be_written(), store.hold():
        _table.write(path / DEFINITION, (json.dumps(about, indent=2) + "\n").encode())
        if retry_failed:
            for task in chosen.tasks:
                store.forget_failure(task.directory)
        _run(chosen, store, executor, limits, tell)
        table = tabulate(chosen, store)
        _table.write(path / TABLE, _parquet(table))
        if csv or (path / CSV).exists():
            _table.write(path / CSV, table.to_csv(index=False).encode())
    return table


@contextmanager
def _telling_what_cannot_be_written() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        raise Error(f"results cannot be written: {error.strerror or error}{where}") from error


def _run(chosen: Plan, store: Store, executor: Executor, limits: Limits, tell: ProgressCallback) -> None:
    tasks = chosen.tasks
    failed = [task for task in tasks if store.failure(task.directory) is not None]
    known = {task.identity for task in failed}
    known |= {task.identity for task in tasks if store.holds(task)}
    left = [task for task in tasks if task.identity not in known]
    counter = _Counter(len(tasks), len(known), len(failed), tell)
    if not left:
        return
    events = executor.run(left, store.staging, limits, store.warm_ups, Watcher())
    with Publisher(store) as publisher, closing(events):
        for task, ending in events:
            if isinstance(ending, BaseException):
                raise ending
            good = ending.exit_code in FINISHED and (store.staging / task.directory).is_dir()
            if good:
                publisher.add(task.directory)
            else:
                if ending.unwritable:
                    raise unwritable(ending.detail)
                store.record_failure(task, *_failure(ending))
            counter.count(task, good)


def _failure(ending: Ending) -> tuple[int, str]:
    if ending.exit_code in FINISHED:
        return (
            FAULT,
            "left no result under its name: a run from a checkpoint that was debugged is another run",
        )
    return ending.exit_code, ending.detail


class _Counter:
    def __init__(self, total: int, known: int, failed: int, tell: ProgressCallback) -> None:
        self._begin = time.monotonic()
        self._tell, self._total, self._known = tell, total, known
        self._done, self._failed = known, failed
        tell(SweepProgress(known, failed, total, 0.0, None))

    def count(self, task: Task, good: bool) -> None:
        self._done += 1
        self._failed += not good
        elapsed = time.monotonic() - self._begin
        remaining = elapsed / (self._done - self._known) * (self._total - self._done)
        self._tell(SweepProgress(self._done, self._failed, self._total, elapsed, remaining, task.label))


def tabulate(chosen: Plan, store: Store) -> pd.DataFrame:
    """The table of what the directory holds, row by row in the plan's order.

    A figure that is called as an axis is becomes ``summary.NAME``.
    """
    directories = {task.identity: task.directory for task in chosen.tasks}
    axes = list(dict.fromkeys(axis for row in chosen.rows for axis in row.coordinates))
    found: dict[str, dict[str, Any]] = {}
    units: dict[str, str] = {}
    for identity, directory in directories.items():
        failure = store.failure(directory)
        if failure is not None:
            found[identity] = {"failure": failure["reason"], "exit_code": failure["exit_code"]}
            continue
        stats, manifest = _read(store.path / directory)
        renamed = {name: f"summary.{name}" for name in axes}
        figures_of_it = _table.row(stats, manifest)
        found[identity] = {"failure": None, **{renamed.get(k, k): v for k, v in figures_of_it.items()}}
        units |= {renamed.get(name, name): unit for name, unit in _table.units(stats).items()}
    fixed: list[str] = ["failure", "stop", "exit_code"]
    figures = [name for row in found.values() for name in row if name not in (*fixed, "result_hash")]
    columns = [*axes, "label", "identity", *fixed, *dict.fromkeys(figures), "result_hash"]
    rows = []
    for row in chosen.rows:
        identity = row.task.identity
        all_of_it = {**row.coordinates, "label": row.task.label, "identity": identity, **found[identity]}
        rows.append({column: all_of_it.get(column) for column in columns})
    return _table.frame(rows, units)


def _read(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        return (
            json.loads((directory / "stats.json").read_text("utf-8")),
            json.loads((directory / "manifest.json").read_text("utf-8")),
        )
    except (OSError, ValueError) as error:
        raise RunError(directory.name, 0, f"its files cannot be read: {error}") from error


def _parquet(table: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    table.to_parquet(stream, engine="pyarrow", index=False, compression="zstd")
    return stream.getvalue()


def shown(progress: bool | ProgressCallback | None) -> ProgressCallback:
    """What to do with progress: nothing, lines, a bar, or what the caller wants."""
    if callable(progress):
        return progress
    if not _progress.wants(progress):
        return lambda _: None
    return _Bar() if _progress.draws() else _Lines()


class _Bar:
    """A progress bar on a terminal or in a notebook."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, event: SweepProgress) -> None:
        from tqdm.auto import tqdm

        if self._bar is None:
            self._bar = tqdm(total=event.total, initial=event.done, unit="run", desc="hvsim sweep")
        if event.failed:
            self._bar.set_postfix(failed=event.failed, refresh=False)
        self._bar.update(event.done - self._bar.n)
        if event.done == event.total:
            self._bar.close()


class _Lines:
    """A plain line now and then."""

    SECONDS = 10.0

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, event: SweepProgress) -> None:
        if event.elapsed < self._next and event.done < event.total:
            return
        self._next = event.elapsed + self.SECONDS
        words = f"hvsim: {event.done} of {event.total} runs done"
        if event.failed:
            words += f", {event.failed} of them failed"
        if event.remaining is not None and event.done < event.total:
            words += f"; {event.elapsed:.0f} s gone, about {event.remaining:.0f} s left"
        print(words, file=sys.stderr, flush=True)


__all__ = ["Error", "SweepProgress", "conduct", "prepare", "shown", "sweep", "tabulate"]
