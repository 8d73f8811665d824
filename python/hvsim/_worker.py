"""Worker processes: the simulator's binary, one run each, because SystemC elaborates once per process."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hvsim import _core
from hvsim._errors import Error

PACKAGE = Path(__file__).parent

# Exit codes of the simulator: 0 pass, 1 guest failure, 4 limit, 5 no progress, 6 unexpected trap leave a run
# directory that says so; 2 is a usage or config error, 3 a fault of the simulator itself.
FINISHED = frozenset({0, 1, 4, 5, 6})
USAGE = 2
FAULT = 3

# How often a worker is looked at while it says nothing.
_LOOK_SECONDS = 0.05


class StoppedError(Error):
    """The run was ended because nobody wants its result any more."""


class Task(NamedTuple):
    """One run to do.

    Attributes:
        label: What tells it from the other runs of its experiment.
        directory: Name of the run directory: the config's name and the run's identity.
        config: The complete config as JSON text.
    """

    label: str
    directory: str
    config: str

    @property
    def identity(self) -> str:
        """Hash of the config, the images and the simulator's version."""
        return self.directory.rpartition("-")[2]

    def worker_input(self) -> bytes:
        """As the simulator's ``run-one`` reads it, with the hashes of files that need no second look."""
        label, identity, known = json.dumps(self.label), json.dumps(self.identity), _core.known_hashes()
        return (
            f'{{"label": {label}, "identity": {identity}, "known_hashes": {known}, "config": {self.config}}}'
        ).encode()


class _Clock:
    """How long a run is at what it does: fast-forwarding, or running; waiting takes no time."""

    def __init__(self) -> None:
        self._began, self._waits = time.monotonic(), False

    def begin(self, stage: str) -> None:
        """As the simulator names it."""
        self._began, self._waits = time.monotonic(), stage == "waiting"

    def seconds(self) -> float:
        return 0.0 if self._waits else time.monotonic() - self._began


@dataclass(frozen=True)
class Limits:
    """What a run may use of the host; one that wants more is ended and fails.

    Attributes:
        memory_bytes: Resident memory of the run and of the fast-forward that it starts, looked at about
            twenty times a second.
        seconds: Wall time. A fast-forward may take as long by itself, and waiting for the one that another
            run makes for both does not count.
    """

    memory_bytes: int | None = None
    seconds: float | None = None

    def broken(self, process: int, clock: _Clock) -> str:
        """Why the process must be ended, or nothing."""
        if self.seconds is not None and clock.seconds() > self.seconds:
            return f"ran longer than its time limit of {self.seconds:g} s"
        if self.memory_bytes is not None and sum(map(_peak_memory, _family(process))) > self.memory_bytes:
            return f"used more memory than its limit of {self.memory_bytes} bytes"
        return ""


class Ending(NamedTuple):
    """How a worker process ended.

    Attributes:
        exit_code: Of the simulator; negative is a signal.
        detail: Why it did not pass, in the simulator's words.
        unwritable: There was no place for what the run writes: no fault of the run, which can be done where
            there is some.
    """

    exit_code: int
    detail: str
    unwritable: bool = False


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


def simulate(
    task: Task,
    out: Path,
    *,
    limits: Limits | None = None,
    stopped: Callable[[], bool] = lambda: False,
    warm_ups: Path | None = None,
    advanced: Callable[[int, int], None] = lambda cycles, instructions: None,
) -> Ending:
    """Run a task in a process of its own; its run directory appears in `out` if it finishes.

    The process ends with the thread that calls this, however that ends. `stopped` is asked often. `warm_ups`
    is where runs share what ``boot.fast_forward`` comes to. `advanced` is told a few times a second how many
    cycles and instructions are behind.

    Raises:
        StoppedError: `stopped` said so; nothing is left of the run.
    """
    with memory_file(task.worker_input()) as config, _pipe() as (messages, sender):
        process = subprocess.Popen(
            [
                *_dying_with_parent(),
                str(binary()),
                *("run-one", "--config-fd", str(config), "--message-fd", str(sender), "--out", str(out)),
                *([] if warm_ups is None else ["--warm-ups", str(warm_ups)]),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
            pass_fds=(config, sender),
            # A session of its own: the terminal's Ctrl-C reaches Python alone, which then stops the workers.
            start_new_session=True,
        )
        os.close(sender)
        try:
            return _listen(process, messages, limits or Limits(), stopped, advanced)
        finally:
            end_process(process)


def _listen(
    process: subprocess.Popen[bytes],
    messages: int,
    limits: Limits,
    stopped: Callable[[], bool],
    advanced: Callable[[int, int], None],
) -> Ending:
    assert process.stderr is not None
    clock = _Clock()
    texts = {messages: b"", process.stderr.fileno(): b""}
    with selectors.DefaultSelector() as open_ends:
        for end in texts:
            open_ends.register(end, selectors.EVENT_READ)
        while open_ends.get_map():
            for key, _ in open_ends.select(_LOOK_SECONDS):
                chunk = os.read(key.fd, 65536)
                texts[key.fd] += chunk
                if key.fd == messages:
                    _tell(texts[messages], clock, advanced)
                    texts[messages] = _last_words(texts[messages])
                if not chunk:
                    open_ends.unregister(key.fd)
            if stopped():
                raise StoppedError("stopped")
            if reason := limits.broken(process.pid, clock):
                return Ending(-signal.SIGKILL, reason)
    return ending_of(process.wait(), texts[messages], texts[process.stderr.fileno()])


def _tell(messages: bytes, clock: _Clock, advanced: Callable[[int, int], None]) -> None:
    """What the run begins to do, and from the last line that says it, how far it has come."""
    come: list[int] = []
    for line in messages.split(b"\n")[:-1]:
        if line.startswith(b'{"stage"'):
            clock.begin(json.loads(line)["stage"])
        elif line.startswith(b'{"advanced"'):
            come = json.loads(line)["advanced"]
    if come:
        advanced(*come)


def _last_words(messages: bytes) -> bytes:
    """The lines that say how the run ended, and what may become one; progress and console go by."""
    *lines, rest = messages.split(b"\n")
    kept = [line for line in lines if line.startswith((b'{"finished"', b'{"refused"', b'{"unwritable"'))]
    return b"\n".join([*kept, rest])


def ending_of(code: int, messages: bytes, errors: bytes) -> Ending:
    """From a worker's exit code, its messages and what it wrote to standard error."""
    for line in messages.splitlines():
        with contextlib.suppress(ValueError):
            message: dict[str, Any] = json.loads(line)
            if "refused" in message:
                return Ending(USAGE, str(message["refused"]))
            if "unwritable" in message:
                return Ending(USAGE, str(message["unwritable"]), unwritable=True)
            if "finished" in message:
                return Ending(int(message["finished"]["exit_code"]), str(message["finished"]["detail"]))
    words = " ".join(errors.decode("utf-8", errors="replace").strip().splitlines()[-3:])
    if code < 0:
        died = f"died of signal {-code} ({signal.Signals(-code).name})"
        return Ending(code, f"{died}: {words}" if words else died)
    return Ending(code, words or "it said nothing")


def _family(process: int) -> list[int]:
    """The process and those that it has started: a fast-forward is one of its own."""
    found = [process]
    for each in found:
        with contextlib.suppress(OSError, ValueError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (thread / "children").read_text("ascii").split())
    return found


def _peak_memory(process: int) -> int:
    """Bytes that were resident at most; 0 if the process is gone."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{process}/status").read_text("ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@cache
def _dying_with_parent() -> tuple[str, ...]:
    """A prefix that makes a process die with the thread that started it, so that a kill leaves no orphans."""
    program = shutil.which("setpriv")
    return (program, "--pdeathsig", "KILL", "--") if program else ()


@contextlib.contextmanager
def memory_file(content: bytes) -> Iterator[int]:
    """A file in memory, at its beginning."""
    file = os.memfd_create("hvsim-run")
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(content)
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Both ends; the sender is closed by whoever has given it away."""
    receiver, sender = os.pipe()
    try:
        yield receiver, sender
    finally:
        os.close(receiver)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Ends the worker and all that it started, if it has not ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stderr is not None:
        process.stderr.close()
