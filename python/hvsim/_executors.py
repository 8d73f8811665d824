"""Where runs happen: in worker processes of this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hvsim import _core
from hvsim._errors import ConfigError, Error
from hvsim._worker import FAULT, Ending, Limits, StoppedError, Task, binary, image_directories, simulate

# How long a Dask cluster may be without any worker: one that should be there, and one whose jobs may queue.
WORKER_SECONDS = 300.0
QUEUE_SECONDS = 24 * 3600.0

# How often the workers are counted while nothing ends.
_LOOK_SECONDS = 1.0


class Done(NamedTuple):
    """A task, and how it ended or what went wrong around it."""

    task: Task
    ending: Ending | BaseException


class Watcher:
    """Told in which state tasks are, from any thread."""

    def started(self, task: Task) -> None:
        """It runs from now on, or will as soon as there is room."""

    def advanced(self, task: Task, cycles: int, instructions: int) -> None:
        """It has come so far; told a few times a second of runs on this machine."""


class Executor(Protocol):
    """Runs tasks, some at a time, in any order."""

    jobs: int

    def run(
        self, tasks: Sequence[Task], out: Path, limits: Limits, warm_ups: Path, watcher: Watcher
    ) -> Generator[Done]:
        """Yields each as it ends; run directories appear in `out`. Closing the iterator stops all.

        `warm_ups` is where runs share what ``boot.fast_forward`` comes to.
        """
        ...


class Local:
    """Worker processes of this machine, each looked after by a thread."""

    def __init__(self, jobs: int) -> None:
        self.jobs = max(1, jobs)

    def run(
        self, tasks: Sequence[Task], out: Path, limits: Limits, warm_ups: Path, watcher: Watcher
    ) -> Generator[Done]:
        """As Executor says."""
        waiting, ended = iter(tasks), queue.SimpleQueue[Done]()
        lock, stop = threading.Lock(), threading.Event()

        def next_task() -> Task | None:
            with lock:
                task = None if stop.is_set() else next(waiting, None)
                if task is not None:
                    watcher.started(task)
                return task

        def work() -> None:
            while (task := next_task()) is not None:
                try:
                    ending = simulate(
                        task,
                        out,
                        limits=limits,
                        stopped=stop.is_set,
                        warm_ups=warm_ups,
                        advanced=partial(watcher.advanced, task),
                    )
                    ended.put(Done(task, ending))
                except BaseException as error:  # told to whoever waits for the task
                    ended.put(Done(task, error))

        threads = [
            threading.Thread(target=work, name=f"hvsim-{number}", daemon=True)
            for number in range(min(self.jobs, len(tasks)))
        ]
        try:
            for thread in threads:
                thread.start()
            for _ in tasks:
                yield ended.get()
        finally:
            stop.set()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()


class Dask:
    """Workers of a Dask cluster that see the same folders as this process."""

    def __init__(self, where: Any, jobs: int, worker_timeout: float | None = None) -> None:
        """With the seconds that a cluster may be without any worker; Slurm's jobs may queue for long."""
        self._where = where
        self.jobs = max(1, jobs)
        self._patience = worker_timeout or (QUEUE_SECONDS if where == "slurm" else WORKER_SECONDS)

    def run(
        self, tasks: Sequence[Task], out: Path, limits: Limits, warm_ups: Path, watcher: Watcher
    ) -> Generator[Done]:
        """As Executor says."""
        distributed = _import("distributed", "dask")
        with self._client(distributed) as client:
            futures = {
                client.submit(
                    perform,
                    task,
                    str(out),
                    limits,
                    simulator_hash(),
                    str(warm_ups),
                    key=f"{out.name}-{index}",
                    pure=False,
                ): task
                for index, task in enumerate(tasks)
            }
            for task in tasks:
                watcher.started(task)
            try:
                for future in self._completed(client, futures):
                    yield Done(futures[future], _ending(future))
            finally:
                if client.status == "running":
                    client.cancel(list(futures))

    def _completed(self, client: Any, futures: Iterable[Any]) -> Iterator[Any]:
        """Futures as they are done; an error once there has been no worker for too long."""
        done = queue.SimpleQueue[Any]()
        waited_for = 0
        for future in futures:
            future.add_done_callback(done.put)
            waited_for += 1
        seen = time.monotonic()
        while waited_for:
            try:
                yield done.get(timeout=_LOOK_SECONDS)
                waited_for -= 1
                seen = time.monotonic()
            except queue.Empty:
                if client.nthreads():
                    seen = time.monotonic()
                elif time.monotonic() - seen > self._patience:
                    raise Error(
                        f"the Dask cluster has had no worker for {self._patience:g} s; "
                        "worker_timeout (--worker-timeout) says how long to wait"
                    ) from None

    @contextlib.contextmanager
    def _client(self, distributed: Any) -> Iterator[Any]:
        if not isinstance(self._where, str):
            yield self._where
            return
        with contextlib.ExitStack() as stack:
            stack.enter_context(_quiet("distributed.client"))
            if self._where in ("local", "slurm"):
                scheduler = stack.enter_context(self._cluster(distributed))
            else:
                scheduler = self._reached(distributed)
            try:
                client = distributed.Client(scheduler, timeout="30s", set_as_default=False)
            except (OSError, TimeoutError) as error:
                raise Error(f"the Dask scheduler at {scheduler} does not answer: {error}") from error
            yield stack.enter_context(client)

    def _reached(self, distributed: Any) -> str:
        """The address, if somebody listens there: a Client takes a minute to say that nobody does."""
        address: str = self._where
        addressing = distributed.comm.addressing
        try:
            scheme, location = addressing.parse_address(address)
            distributed.comm.registry.get_backend(scheme)
            if scheme in ("tcp", "tls"):
                host, port = addressing.parse_host_port(location)
                socket.create_connection((host, port), timeout=10).close()
        except (OSError, ValueError) as error:
            raise ConfigError(
                "", "dask", address, f"expected the address of a Dask scheduler, local or slurm ({error})"
            ) from error
        return address

    @contextlib.contextmanager
    def _cluster(self, distributed: Any) -> Iterator[Any]:
        if self._where == "slurm":
            # Queue, account, memory and time of the jobs come from Dask's own configuration (jobqueue.slurm).
            made = _import("dask_jobqueue", "slurm").SLURMCluster()
            made.scale(jobs=self.jobs)
        else:
            # Separate programs, not forks: the caller may be a notebook or standard input.
            made = distributed.deploy.subprocess.SubprocessCluster(
                n_workers=self.jobs,
                threads_per_worker=1,
                dashboard_address=None,
                scheduler_kwargs={"idle_timeout": "60s"},  # nobody else ends it if this process is killed
            )
        with made as cluster:
            yield cluster


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """What it would log of a lost scheduler is said in a line."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def at_a_time(jobs: int | None) -> int:
    """Runs at a time: as many as there are processors if not given.

    Raises:
        ConfigError: Fewer than one.
    """
    if jobs is not None and not (isinstance(jobs, int) and jobs >= 1):
        raise ConfigError("", "jobs", str(jobs), "expected at least 1 run at a time")
    return jobs or os.cpu_count() or 1


def choose(dask: Any, jobs: int, worker_timeout: float | None = None) -> Executor:
    """The executor that an option names: None, ``local``, ``slurm``, an address, or a Dask client."""
    return Local(jobs) if dask is None else Dask(dask, jobs, worker_timeout)


def perform(task: Task, out: str, limits: Limits, simulator: str, warm_ups: str | None = None) -> Ending:
    """A task on a worker of a cluster. Ends early when the folder for its result goes away."""
    place = Path(out)
    here = socket.gethostname()
    if not place.is_dir():
        raise Error(f"the worker on {here} does not see {out}; all machines must share it")
    if simulator_hash() != simulator:
        raise Error(f"the worker on {here} has another build of the simulator: {binary()}")
    ((_, directory, _),) = _core.expand_text(task.config, str(place), [], image_directories(), [])
    if directory.rpartition("-")[2] != task.identity:
        raise Error(f"the worker on {here} has other images than this machine")
    return simulate(
        task, place, limits=limits, stopped=_Gone(place), warm_ups=Path(warm_ups) if warm_ups else None
    )


class _Gone:
    """Whether a folder is gone; looks at most twice a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._looked = time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self._looked < 0.5:
            return False
        self._looked = time.monotonic()
        return not self._folder.is_dir()


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def simulator_hash() -> str:
    """Of the simulator's binary: its version alone does not tell two builds apart."""
    path = binary()
    try:
        status = path.stat()
        return _hash(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise Error(f"the simulator cannot be read: {error}") from error


def _ending(future: Any) -> Ending | BaseException:
    """Of a future that is done.

    Raises:
        Error: It has been dropped.
    """
    gone = Error(
        "the Dask scheduler has ended, or somebody has cancelled runs: what was finished is kept, and "
        "another sweep with the same directory (--resume) goes on"
    )
    if future.cancelled():
        raise gone
    try:
        error = future.exception()
        return future.result() if error is None else _told(error)
    except (OSError, TimeoutError, CancelledError) as error:  # of the connection: those of runs are results
        raise gone from error


def _told(error: BaseException) -> BaseException | Ending:
    """A worker that died again and again is a failure of its run, not of the sweep."""
    if type(error).__name__ == "KilledWorker":
        return Ending(FAULT, "the Dask worker that ran it died, several times")
    return error


def _import(module: str, extra: str) -> Any:
    import importlib

    main = threading.current_thread() is threading.main_thread()
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            "", "dask", module, f'expected the module {module}: pip install "hvsim[{extra}]" ({error})'
        ) from error
    finally:  # dask_jobqueue makes Ctrl-C the end of whoever imports it
        if main and interrupt is not None:
            signal.signal(signal.SIGINT, interrupt)


__all__ = [
    "Dask",
    "Done",
    "Executor",
    "Local",
    "StoppedError",
    "Watcher",
    "at_a_time",
    "choose",
    "perform",
    "simulator_hash",
]
