"""What the package offers: run a config, check a config, the schema of configs."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvsim import _core
from hvsim._errors import ConfigError, RunError, refusal
from hvsim._executors import Local
from hvsim._machine import as_machine
from hvsim._result_sets import Results
from hvsim._results import Result
from hvsim._worker import FINISHED, USAGE, Ending, Limits, Task, image_directories


@dataclass(frozen=True)
class Progress:
    """Told to a progress callback when a run starts and when it ends.

    Attributes:
        run: Name of the run.
        state: ``"started"`` or ``"finished"``.
        done: Runs finished so far.
        total: Runs in all.
    """

    run: str
    state: str
    done: int
    total: int


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
        jobs: Runs at a time; as many as there are processors if not given.
        out: Directory that keeps the run directories, made if need be; nothing is kept if not given.
        progress: ``True``: a line per run on standard error; a function: called with each `Progress`.
            If not given, lines are printed where standard error is a terminal.

    Returns:
        The results by run name, in the config's order.

    Raises:
        ConfigError: The config cannot be used; nothing has run.
        RunError: The simulator failed.
    """
    if workload is not None:
        config = as_machine(config).with_guests(
            workload, vms=vms, hypervisor=hypervisor, delivery=delivery, arguments=arguments
        )
    tasks = [Task(*run) for run in expand(config, overrides or {})]
    with tempfile.TemporaryDirectory(prefix="hvsim-") as scratch:
        root = Path(scratch) if out is None else _output(out)
        _run(tasks, root, Local(jobs or os.cpu_count() or 1), _callback(progress) or (lambda _: None))
        kept = out is not None
        return Results(Result.read(root / task.directory, name=task.label, kept=kept) for task in tasks)


def _run(tasks: list[Task], root: Path, executor: Local, tell: Callable[[Progress], None]) -> None:
    done, total = 0, len(tasks)
    events = executor.run(
        tasks, root, Limits(), lambda task: tell(Progress(task.label, "started", done, total))
    )
    with closing(events):
        for task, ending in events:
            _check(task, ending)
            done += 1
            tell(Progress(task.label, "finished", done, total))


def _check(task: Task, ending: Ending | BaseException) -> None:
    if isinstance(ending, BaseException):
        raise ending
    if ending.exit_code == USAGE:
        raise refusal(ending.detail)
    if ending.exit_code not in FINISHED:
        raise RunError(task.label, ending.exit_code, ending.detail)


def validate(config: Config, *, overrides: Mapping[str, Any] | None = None) -> list[str]:
    """Check a config without running it.

    Returns:
        The names of the runs that it stands for.

    Raises:
        ConfigError: The config cannot be used.
    """
    return [name for name, _, _ in expand(config, overrides or {})]


def schema() -> dict[str, Any]:
    """The JSON Schema of configs: every key with its type, unit, bounds and help."""
    parsed: dict[str, Any] = json.loads(_core.schema())
    return parsed


def expand(config: Config, overrides: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The runs of a config: name, name of the directory, the complete config as JSON text."""
    settings = [f"{path}={json.dumps(value)}" for path, value in overrides.items()]
    images = image_directories()
    if isinstance(config, Mapping):
        return _core.expand_text(json.dumps(dict(config)), str(Path.cwd()), settings, images)
    return _core.expand_file(os.fspath(config), settings, images)


def _output(out: str | os.PathLike[str]) -> Path:
    path = Path(out).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            "", "out", str(path), f"a directory that can be written ({error.strerror})"
        ) from error
    if not os.access(path, os.W_OK):
        raise ConfigError("", "out", str(path), "a directory that can be written")
    return path


def _callback(progress: bool | Callable[[Progress], None] | None) -> Callable[[Progress], None] | None:
    if callable(progress):
        return progress
    shown = sys.stderr.isatty() if progress is None else progress
    return _print_progress if shown else None


def _print_progress(event: Progress) -> None:
    if event.state == "finished":
        print(f"hvsim: {event.done} of {event.total} runs finished ({event.run})", file=sys.stderr)
