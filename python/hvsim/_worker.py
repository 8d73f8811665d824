"""Worker processes: the simulator's binary, one run each, because SystemC elaborates once per process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from hvsim._errors import ConfigError, RunError

PACKAGE = Path(__file__).parent

# Exit codes of the simulator: 0 pass, 1 guest failure, 4 limit, 5 no progress, 6 unexpected trap leave a run
# directory that says so; 2 is a usage or config error, 3 a fault of the simulator itself.
FINISHED = frozenset({0, 1, 4, 5, 6})
USAGE = 2


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


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Job:
    """One run to do.

    Attributes:
        name: Of the run.
        config: File that holds the complete config.
        out: Where run directories go.
        directory: The run directory that will be there.
    """

    name: str
    config: Path
    out: Path
    directory: Path


def binary() -> Path:
    """The simulator: the one that the environment names, else the one inside the package."""
    named = os.environ.get("HVSIM_SIMULATOR")
    return Path(named) if named else PACKAGE / "bin" / "hvsim-sim"


def image_directories() -> list[str]:
    """Where images without a path are looked for: those that the environment names, then the package's."""
    named = os.environ.get("HVSIM_IMAGES", "").split(":")
    return [*(each for each in named if each), str(PACKAGE / "images")]


def environment() -> dict[str, str]:
    """The worker's environment: it looks for images where this process does."""
    return os.environ | {"HVSIM_IMAGES": ":".join(image_directories())}


def main() -> None:
    """The ``hvsim`` command that the package installs: the simulator's own command line."""
    program = str(binary())
    os.execve(program, [program, *sys.argv[1:]], environment())


class Pool:
    """Runs jobs in worker processes, a few at a time; stops them all when the caller is interrupted."""

    def __init__(self, jobs: int, progress: ProgressCallback | None) -> None:
        self._jobs = max(1, jobs)
        self._progress = progress
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[str]] = set()
        self._stopping = False
        self._done = 0

    def run(self, jobs: Sequence[Job]) -> dict[str, int]:
        """Exit codes by run name. Raises for the first job that could not be finished."""
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="hvsim") as threads:
            futures: dict[str, Future[int]] = {
                job.name: threads.submit(self._run_one, job, len(jobs)) for job in jobs
            }
            try:
                wait(futures.values(), return_when=FIRST_EXCEPTION)
                failed = [future for future in futures.values() if future.done() and future.exception()]
                if failed:
                    failed[0].result()
                return {name: future.result() for name, future in futures.items()}
            except BaseException:
                for future in futures.values():
                    future.cancel()
                self._stop()
                raise

    def _run_one(self, job: Job, total: int) -> int:
        command = [str(binary()), "run", str(job.config), "--out", str(job.out), "--quiet"]
        with self._lock:
            if self._stopping:
                raise RunError(job.name, -1, "stopped")
            # A session of its own: the terminal's Ctrl-C reaches Python alone, which then stops the workers.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment(),
                start_new_session=True,
            )
            self._processes.add(process)
        self._tell(job.name, "started", total)
        try:
            _, errors = process.communicate()
        finally:
            with self._lock:
                self._processes.discard(process)
        if process.returncode not in FINISHED:
            detail = " ".join(errors.strip().splitlines()[-3:]) or "it said nothing"
            if process.returncode == USAGE:
                raise ConfigError(str(job.config), "", "", detail)
            raise RunError(job.name, process.returncode, detail)
        self._tell(job.name, "finished", total)
        return process.returncode

    def _tell(self, run: str, state: str, total: int) -> None:
        with self._lock:
            self._done += state == "finished"
            if self._progress is not None:
                self._progress(Progress(run=run, state=state, done=self._done, total=total))

    def _stop(self) -> None:
        with self._lock:
            self._stopping = True
            processes = list(self._processes)
        for process in processes:
            _signal(process, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """To the worker and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
