"""A sweep's directory: whole run directories, records of failed runs, and what survives a kill at any moment.

A worker leaves a whole run directory in ``.staging`` (the simulator renames it there); the publisher writes
what is there through to the disk and renames it to its place. What a killed sweep has left in ``.staging``
is published by the next one, so that nothing that was finished runs again.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import queue
import shutil
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hvsim._errors import ConfigError, Error
from hvsim._shared_files import outputs
from hvsim._table import sync_directory, write
from hvsim._worker import Task

DEFINITION = "sweep.json"
_STAGING = ".staging"
_WARM_UPS = ".warm-ups"
_FAILED = "failed"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Store:
    """The directory, held by one sweep at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.staging = path / _STAGING / uuid.uuid4().hex
        self.warm_ups = path / _WARM_UPS

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps other sweeps out; publishes what a killed one has finished, forgets what it has begun."""
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ConfigError(
                    "", "out", str(self.path), "expected a directory that no other sweep is using now"
                ) from error
            self._adopt()
            self.staging.mkdir(parents=True)
            (self.staging / ".boot").write_text(_boot(), "utf-8")
            try:
                yield
            finally:  # however it ends; what cannot be published now waits for the next sweep
                with contextlib.suppress(OSError):
                    self._adopt()

    def _adopt(self) -> None:
        begun = [*self.warm_ups.glob("*.partial-*"), *(self.path / _FAILED).glob(".partial-*")]
        for each in [*begun, *self.path.glob(".partial-*")]:
            each.unlink(missing_ok=True)
        for session in sorted((self.path / _STAGING).glob("*")):
            # After a crash of the machine, what had not been written through may have holes.
            if _began_at(session) == _boot():
                self.publish(session, [each.name for each in session.iterdir() if each.name[0] != "."])
        shutil.rmtree(self.path / _STAGING, ignore_errors=True)

    def publish(self, staging: Path, directories: list[str]) -> None:
        """Run directories of a staging folder get to their place, written through to the disk."""
        if not directories:
            return
        _sync(staging)
        for name in directories:
            try:
                (staging / name).rename(self.path / name)
            except OSError:
                if not self.finished(name) or _more(staging / name, self.path / name):
                    shutil.rmtree(self.path / name, ignore_errors=True)
                    (staging / name).rename(self.path / name)
        sync_directory(self.path)

    def finished(self, directory: str) -> bool:
        """Whether there is a run directory of this name, whole."""
        try:
            manifest = json.loads((self.path / directory / "manifest.json").read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return manifest.get("identity") == directory.rpartition("-")[2] and self._ends(directory)

    def _ends(self, directory: str) -> bool:
        """Whether the statistics are there to their end."""
        with contextlib.suppress(OSError), (self.path / directory / "stats.json").open("rb") as stream:
            stream.seek(-2, os.SEEK_END)
            return stream.read().endswith((b"}", b"}\n"))
        return False

    def holds(self, task: Task) -> bool:
        """Whether a run need not be done: its directory is whole, and has what the config wants to observe.

        What is observed is no part of a run's identity, so an earlier sweep may not have asked for it.
        """
        if not self.finished(task.directory):
            return False
        config = json.loads(task.config)
        # A checkpoint's moment may never have come.
        wanted = [Path(file) for key, file in outputs(config) if key != "checkpoint.file"]
        if config["observe"]["timeline"]:
            wanted.append(self.path / task.directory / "trace.json")
        return all(each.exists() for each in wanted)

    def failure(self, directory: str) -> Mapping[str, Any] | None:
        """The record of a failed run."""
        try:
            found: Mapping[str, Any] = json.loads(self._record(directory).read_text("utf-8"))
            return found
        except (OSError, ValueError):
            return None

    def failures(self) -> list[Mapping[str, Any]]:
        """All records, by name."""
        records = sorted((self.path / _FAILED).glob("*.json"))
        return [found for each in records if (found := self.failure(each.stem)) is not None]

    def record_failure(self, task: Task, exit_code: int, reason: str) -> None:
        """Remember why a run failed."""
        record = {
            "label": task.label,
            "identity": task.identity,
            "exit_code": exit_code,
            "reason": reason,
            "config": json.loads(task.config),
        }
        self._record(task.directory).parent.mkdir(exist_ok=True)
        write(self._record(task.directory), (json.dumps(record, indent=2) + "\n").encode())

    def forget_failure(self, directory: str) -> None:
        """Of a run that is to be done again."""
        self._record(directory).unlink(missing_ok=True)

    def _record(self, directory: str) -> Path:
        return self.path / _FAILED / f"{directory}.json"


class Publisher:
    """Publishes finished runs in a thread of its own, as many at a time as have come meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._finished: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="hvsim-publisher", daemon=True)

    def __enter__(self) -> Publisher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.put(None)
        self._thread.join()
        if self._error is not None:
            raise Error(f"results cannot be written: {self._error}") from self._error

    def add(self, directory: str) -> None:
        """A run directory that is whole, in staging."""
        if self._error is not None:
            raise Error(f"results cannot be written: {self._error}") from self._error
        self._finished.put(directory)

    def _work(self) -> None:
        more = True
        while more:
            batch = [self._finished.get()]
            while not self._finished.empty():
                batch.append(self._finished.get())
            more = None not in batch
            try:
                self._store.publish(self._store.staging, [each for each in batch if each is not None])
            except BaseException as error:
                self._error = error
                return


def _more(fresh: Path, old: Path) -> bool:
    """Whether one run directory has files that another one lacks."""
    return bool({each.name for each in fresh.iterdir()} - {each.name for each in old.iterdir()})


def _boot() -> str:
    try:
        return _BOOT.read_text("ascii")
    except OSError:
        return "unknown"


def _began_at(session: Path) -> str:
    """The boot of the machine in which a sweep used this folder; empty if it never got so far."""
    try:
        return (session / ".boot").read_text("utf-8")
    except OSError:
        return ""


def _sync(folder: Path) -> None:
    """One flush of the file system for all files of a folder: a flush for each takes ten times as long."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(directory) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(directory)
