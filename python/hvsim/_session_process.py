"""The process that a session's machine lives in: commands go in, answers come out, a line of JSON each."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any

from hvsim._errors import ConfigError, RunError, SessionError, refusal, unwritable
from hvsim._worker import Task, binary, end_process, ending_of, environment, memory_file


class SessionProcess:
    """A simulator that waits for commands. It ends when it is closed, or when this process does."""

    def __init__(self, task: Task, on_console: Callable[[str], None]) -> None:
        """Start it.

        Raises:
            ConfigError: An image cannot be used.
            RunError: The simulator failed.
        """
        self._label = task.label
        self._on_console = on_console
        self.on_advance: Callable[[int, int], None] = lambda cycles, instructions: None
        self.late_answer: Any = None  # to the command that was interrupted last
        self._lock = threading.Lock()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._scratch = tempfile.TemporaryDirectory(prefix="hvsim-")
        self._socket, other = socket.socketpair()
        self._lines = self._socket.makefile("rb")
        with memory_file(task.worker_input()) as config, other:
            end = str(other.fileno())
            self._process = subprocess.Popen(
                [
                    str(binary()),
                    *("run-one", "--config-fd", str(config), "--message-fd", end, "--session-fd", end),
                    *("--out", self._scratch.name),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=environment(),
                pass_fds=(config, other.fileno()),
                # A session of its own: the terminal's Ctrl-C reaches Python alone, which asks for a stop.
                start_new_session=True,
            )
            try:
                self.ask("state")
            except BaseException:
                self.close()
                raise

    @property
    def closed(self) -> bool:
        """Whether there is no process any more."""
        return self._socket.fileno() < 0

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send a command and wait for its answer; other threads of Python go on meanwhile.

        An interrupt (``KeyboardInterrupt``) asks the machine to stop where it can, waits until it has, and
        is raised then: the session can go on. So does what a callback raises. A second one meanwhile
        closes it.

        Raises:
            SessionError: The command cannot be done; nothing has changed.
            RunError: The simulator failed.
        """
        if self.closed:
            raise SessionError("the session is closed")
        with self._lock:
            self._send({"do": command, **arguments})
            try:
                return self._answer()
            except (SessionError, RunError, ConfigError):  # that was the answer
                raise
            except BaseException:  # an interrupt, or a callback's own: the answer is still to come
                self.late_answer = self._interrupt()
                raise

    def close(self) -> None:
        """End the process and forget the machine. Closing twice does no harm."""
        end_process(self._process)
        self._lines.close()
        self._socket.close()
        self._errors.close()
        self._scratch.cleanup()

    def _interrupt(self) -> Any:
        """Wait for the stop; whoever cannot wait, and interrupts again, ends the session."""
        try:
            self._send({"do": "interrupt"})
            with contextlib.suppress(SessionError):
                return self._answer()
        except BaseException:
            self.close()
            raise

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it has died, which the answer will tell
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def _answer(self) -> Any:
        for line in self._received():
            message: dict[str, Any] = json.loads(line)
            if "answer" in message:
                return message["answer"]
            if "failed" in message:
                raise SessionError(message["failed"])
            if "refused" in message:
                raise refusal(message["refused"])
            if "unwritable" in message:
                raise unwritable(message["unwritable"])
            if "advanced" in message:
                self.on_advance(*message["advanced"])
            if "console" in message:
                self._on_console(message["console"])
            if "finished" in message:
                raise self._died(message["finished"]["detail"])
        raise self._died("")

    def _received(self) -> Iterator[bytes]:
        with contextlib.suppress(ConnectionError):  # a process that was killed
            while line := self._lines.readline():
                yield line

    def _died(self, detail: str) -> RunError:
        code = self._process.wait()
        self._errors.seek(0)
        ending = ending_of(code, b"", self._errors.read())
        self.close()
        return RunError(self._label, ending.exit_code, detail or ending.detail)
