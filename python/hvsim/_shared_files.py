"""Files that runs change or write beside their directories: each must be one run's alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hvsim._space import Json, RefusedError
from hvsim._worker import Task

_OWN_FILE = "{run} in a file's name stands for the run"

# What is in the text of a config that has no file written beside its run directory.
_NO_OUTPUT = ('"explain": ""', '"trace": ""', '"signature": ""', '"at": ""')


def refuse_shared_files(tasks: Sequence[Task]) -> None:
    """Look through the runs of a sweep, each of them once.

    Raises:
        RefusedError: A file that a run changes is the disk of another one, too, or a file that it writes.
    """
    _refuse_shared_disks(tasks)
    _refuse_shared_outputs(tasks)


def _refuse_shared_disks(tasks: Sequence[Task]) -> None:
    """Each would find what the others have left."""
    if not any('"read_write"' in task.config for task in tasks):
        return
    users: dict[str, set[str]] = {}
    changed: dict[str, str] = {}
    for task in tasks:
        for index, disk in enumerate(json.loads(task.config)["machine"]["devices"]["block"]):
            file = os.path.realpath(disk["file"])
            users.setdefault(file, set()).add(task.identity)
            if disk["access"] == "read_write":
                changed.setdefault(file, f"machine.devices.block[{index}].access")
    for file, path in changed.items():
        if len(users[file]) > 1:
            expected = (
                f'"overlay" or "read_only": {len(users[file])} runs would use {file}, which some change'
            )
            raise RefusedError(path, "read_write", expected)


def _refuse_shared_outputs(tasks: Sequence[Task]) -> None:
    """Each would spoil the others'. Those of one experiment have been looked at with it."""
    refuse_unheard(tasks)
    users: dict[str, Task] = {}
    for task in filter(_writes, tasks):
        for key, file in outputs(json.loads(task.config)):
            other = users.setdefault(os.path.realpath(file), task)
            if other.identity != task.identity and not _may_be_shared(file):
                raise RefusedError(key, file, f"a file of its own for each run: {_OWN_FILE}")


def refuse_unheard(tasks: Sequence[Task]) -> None:
    """What a worker process says on standard error is told to nobody.

    Raises:
        RefusedError: A run would explain traps or list instructions there.
    """
    for task in filter(_writes, tasks):
        observe = json.loads(task.config)["observe"]
        for key in ("explain", "trace"):
            if observe[key] and not observe[f"{key}_output"]:
                expected = f"a file, for nobody hears a run's standard error here: {_OWN_FILE}"
                raise RefusedError(f"observe.{key}_output", "", expected)


def _writes(task: Task) -> bool:
    return not all(each in task.config for each in _NO_OUTPUT)


def outputs(config: Json) -> Iterator[tuple[str, str]]:
    """Keys and names of the files that a run writes."""
    observe, checkpoint = config["observe"], config["checkpoint"]
    for key in ("explain", "trace"):
        if observe[key] and observe[f"{key}_output"]:
            yield f"observe.{key}_output", observe[f"{key}_output"]
    if observe["signature"]:
        yield "observe.signature", observe["signature"]
    if checkpoint["at"]:
        yield "checkpoint.file", checkpoint["file"]


def _may_be_shared(file: str) -> bool:
    """Such as /dev/null."""
    return Path(file).exists() and not Path(file).is_file()
