"""What the package offers: run a config, check a config, the schema of configs."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvsim import _core, _progress
from hvsim._errors import ConfigError, RunError, refusal, unwritable
from hvsim._executors import Local, Watcher, at_a_time
from hvsim._machine import as_machine, require_work
from hvsim._result_sets import Results
from hvsim._results import Result
from hvsim._shared_files import refuse_unheard
from hvsim._space import RefusedError
from hvsim._worker import FINISHED, USAGE, Ending, Limits, Task, image_directories


@dataclass(frozen=True)
class Progress:
    """Told to a progress callback when a run starts, about once a second while it runs, and when it ends.

    Attributes:
        run: Name of the run.
        state: ``"started"``, ``"running"`` or ``"finished"``.
        done: Runs finished so far.
        total: Runs in all.
        cycles: While it is running: cycles behind it, of the hart that is ahead.
        instructions: While it is running: retired by all harts.
        seconds: While it is running: wall time since it started.
    """

    run: str
    state: str
    done: int
    total: int
    cycles: int = 0
    instructions: int = 0
    seconds: float = 0.0


Config = str | os.PathLike[str] | Mapping[str, Any]
"""A config: the path of a JSON file, the same as a dict (its relative paths start here), or a `Machine`."""


def run(
    config: Config,
    workload: str | None = None,
    *,
    vms: int = 1,
    hypervisor: str | Mapping[str, Any] = "host",
    delivery: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    out: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Progress], None] | None = None,
) -> Results:
    """Run an experiment, each of its runs in a worker process, and read the results.

    Args:
        config: Path of a JSON config, a dict, or a `Machine`.
        workload: Of a `Machine` without guests: what its VMs run, a name or an image.
        vms: With `workload`: how many VMs.
        hypervisor: With `workload`: ``"target"`` or ``"host"``, or the keys of ``hypervisor``.
        delivery: With `workload`: of deferrable hypercalls.
        arguments: With `workload`: its arguments.
        overrides: Values by dotted path, laid over the config: ``{"hypervisor.delivery": "dlh"}``.
        folder: Where relative paths of a dict start, ``extends`` among them; the current one if not given.
        jobs: Runs at a time; as many as there are processors if not given.
        out: Directory that keeps the run directories, made if need be; nothing is kept if not given.
        progress: ``True``: a bar on a terminal and in a notebook, lines elsewhere; a function: called with
            each `Progress`, from several threads. If not given, a bar where standard error is a terminal.

    Returns:
        The results by run name, in the config's order.

    Raises:
        ConfigError: The config cannot be used; nothing has run.
        RunError: The simulator failed.
        Error: There is no place for the results.
    """
    if workload is not None:
        config = as_machine(config).with_guests(
            workload, vms=vms, hypervisor=hypervisor, delivery=delivery, arguments=arguments
        )
    else:
        require_work(config, 'hvsim.run(machine, "hello")')
    tasks = [Task(*run) for run in expand(config, overrides or {}, folder)]
    try:
        refuse_unheard(tasks)
    except RefusedError as refused:
        raise refused.error("") from refused
    with tempfile.TemporaryDirectory(prefix="hvsim-") as scratch:
        root = Path(scratch) if out is None else _output(out)
        executor = Local(at_a_time(jobs))
        with _shown(progress) as tell:
            _run(tasks, root, executor, Path(scratch) / "warm-ups", tell)
        kept = out is not None
        return Results(Result.read(_left(root, task), name=task.label, kept=kept) for task in tasks)


def _left(root: Path, task: Task) -> Path:
    """What a run has left. One that a debugger or a session had changed says so in its name."""
    debugged = root / f"{task.directory}-debugged"
    return debugged if debugged.is_dir() else root / task.directory


def _run(
    tasks: list[Task], root: Path, executor: Local, warm_ups: Path, tell: Callable[[Progress], None]
) -> None:
    watcher = _Watcher(len(tasks), tell)
    events = executor.run(tasks, root, Limits(), warm_ups, watcher)
    with closing(events):
        for task, ending in events:
            _check(task, ending)
            watcher.finished(task)


class _Watcher(Watcher):
    """Makes events for a callback of what an executor tells."""

    SECONDS = 1.0

    def __init__(self, total: int, tell: Callable[[Progress], None]) -> None:
        self._tell, self._total, self._done = tell, total, 0
        self._begun: dict[Task, float] = {}
        self._told: dict[Task, float] = {}

    def started(self, task: Task) -> None:
        self._begun[task] = self._told[task] = time.monotonic()
        self._tell(Progress(task.label, "started", self._done, self._total))

    def advanced(self, task: Task, cycles: int, instructions: int) -> None:
        now = time.monotonic()
        if now - self._told[task] < self.SECONDS:
            return
        self._told[task] = now
        seconds = now - self._begun[task]
        self._tell(Progress(task.label, "running", self._done, self._total, cycles, instructions, seconds))

    def finished(self, task: Task) -> None:
        self._done += 1
        self._tell(Progress(task.label, "finished", self._done, self._total))


def _check(task: Task, ending: Ending | BaseException) -> None:
    if isinstance(ending, BaseException):
        raise ending
    if ending.unwritable:
        raise unwritable(ending.detail)
    if ending.exit_code == USAGE:
        raise refusal(ending.detail)
    if ending.exit_code not in FINISHED:
        raise RunError(task.label, ending.exit_code, ending.detail)


def validate(
    config: Config,
    *,
    overrides: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> list[str]:
    """Check a config without running it.

    Args:
        config: As of `run`.
        overrides: As of `run`.
        folder: As of `run`.

    Returns:
        The names of the runs that it stands for.

    Raises:
        ConfigError: The config cannot be used.
    """
    return [name for name, _, _ in expand(config, overrides or {}, folder)]


def schema() -> dict[str, Any]:
    """The JSON Schema of configs: every key with its type, unit, bounds and help."""
    parsed: dict[str, Any] = json.loads(_core.schema())
    return parsed


def expand(
    config: Config,
    overrides: Mapping[str, Any],
    folder: str | os.PathLike[str] | None = None,
    only: Sequence[str] = (),
) -> list[tuple[str, str, str]]:
    """The runs of a config, or those named: name, name of the directory, the complete config as JSON text."""
    settings = [f"{path}={json.dumps(value)}" for path, value in overrides.items()]
    images = image_directories()
    try:
        if isinstance(config, Mapping):
            text, here = json.dumps(dict(config)), str(Path(folder or "").absolute())
            return _core.expand_text(text, here, settings, images, only)
        return _core.expand_file(os.fspath(config), settings, images, only)
    except ConfigError as error:
        if error.file == "--set":
            raise ConfigError("overrides", error.path, error.value, error.expected) from error
        if error.file == "--only":
            raise ConfigError("", "run", error.value, error.expected) from error
        raise


def _output(out: str | os.PathLike[str]) -> Path:
    path = Path(out).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            "", "out", str(path), f"expected a directory that can be written ({error.strerror})"
        ) from error
    if not os.access(path, os.W_OK):
        raise ConfigError("", "out", str(path), "expected a directory that can be written")
    return path


@contextmanager
def _shown(progress: bool | Callable[[Progress], None] | None) -> Iterator[Callable[[Progress], None]]:
    if callable(progress):
        yield progress
    elif not _progress.wants(progress):
        yield lambda event: None
    elif _progress.draws():
        with closing(_Bar()) as bar:
            yield bar
    else:
        yield _Lines()


class _Bar:
    """A progress bar of runs, with how far those have come that run now."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._lock = threading.Lock()

    def __call__(self, event: Progress) -> None:
        from tqdm.auto import tqdm

        with self._lock:
            if self._bar is None:
                self._bar = tqdm(total=event.total, unit="run", desc="hvsim run", delay=0.5)
            if event.state == "running":
                words = _progress.amount(event.instructions, event.cycles, event.seconds)
                self._bar.set_postfix_str(f"{event.run}: {words}")
            elif event.state == "finished":
                self._bar.update(event.done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _Lines:
    """A line per run that ends, and now and then how far others are."""

    SECONDS = 10.0

    def __init__(self) -> None:
        self._next = time.monotonic() + self.SECONDS

    def __call__(self, event: Progress) -> None:
        if event.state == "finished":
            words = f"{event.done} of {event.total} runs finished ({event.run})"
        elif event.state == "running" and time.monotonic() >= self._next:
            self._next = time.monotonic() + self.SECONDS
            words = f"{event.run}: {_progress.amount(event.instructions, event.cycles, event.seconds)}"
        else:
            return
        print(f"hvsim: {words}", file=sys.stderr, flush=True)
