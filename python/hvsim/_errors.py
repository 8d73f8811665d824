"""What can go wrong, told so that one knows where to look."""

from __future__ import annotations

import re


class Error(Exception):
    """Base class of all errors of this package."""


class ConfigError(Error, ValueError):
    """A config cannot be used; nothing has run.

    Attributes:
        file: The file or option that says so, empty for a dict.
        path: Where in the config, for example ``machine.harts[0].mmu``.
        value: What stands there, as JSON text; empty if there is nothing.
        expected: What should stand there.
    """

    def __init__(self, file: str, path: str, value: str, expected: str) -> None:
        super().__init__(": ".join(part for part in (file, path, value, expected) if part))
        self.file = file
        self.path = path
        self.value = value
        self.expected = expected

    def __reduce__(self) -> tuple[type[ConfigError], tuple[str, str, str, str]]:
        """Lets the error cross process boundaries."""
        return type(self), (self.file, self.path, self.value, self.expected)


# "machine.devices.block[0].file: what is wrong"
_LINE = re.compile(r"(?P<path>[a-z_]+(?:\[\d+\])?(?:\.[a-z_0-9]+(?:\[\d+\])?)+): (?P<expected>.*)", re.DOTALL)


def refusal(line: str) -> ConfigError:
    """The error that a line of the simulator stands for, with the path that it names, if it does."""
    found = _LINE.fullmatch(line)
    return ConfigError("", found["path"], "", found["expected"]) if found else ConfigError("", "", "", line)


class RunError(Error, RuntimeError):
    """A run could not be finished: the simulator failed, or its files cannot be read.

    Attributes:
        run: Name of the run.
        exit_code: Of the worker process; negative is a signal.
        detail: The end of what the worker said.
    """

    def __init__(self, run: str, exit_code: int, detail: str) -> None:
        super().__init__(f"run {run}: the worker stopped with exit code {exit_code}: {detail}")
        self.run = run
        self.exit_code = exit_code
        self.detail = detail

    def __reduce__(self) -> tuple[type[RunError], tuple[str, int, str]]:
        """Lets the error cross process boundaries."""
        return type(self), (self.run, self.exit_code, self.detail)


class SessionError(Error, RuntimeError):
    """A command of a session cannot be done, say, because no image has the symbol; nothing has changed."""
