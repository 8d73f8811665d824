"""What can go wrong, told so that one knows where to look."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable


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


def unwritable(line: str) -> Error:
    """The error when there is no place for what a run writes, in the simulator's words."""
    return Error(f"results cannot be written: {line}")


def unknown(name: object, known: Iterable[object]) -> str:
    """What to say of a name that is none of those, of which the nearest is named if they are many."""
    names = [str(each) for each in known]
    near = difflib.get_close_matches(str(name), names, n=1)
    guess = f'; did you mean "{near[0]}"?' if near else ""
    there = f"expected one of {', '.join(names)}" if len(names) <= 40 else "there is none of this name"
    return f"{json.dumps(name, default=str)}: {there}{guess}"


class RunError(Error, RuntimeError):
    """A run could not be finished: the simulator failed, or its files cannot be read.

    Attributes:
        run: Name of the run.
        exit_code: Of the worker process; negative is a signal, 0 that there was none.
        detail: The end of what the worker said.
    """

    def __init__(self, run: str, exit_code: int, detail: str) -> None:
        stopped = f"the worker stopped with exit code {exit_code}: " if exit_code else ""
        super().__init__(f"run {run}: {stopped}{detail}")
        self.run = run
        self.exit_code = exit_code
        self.detail = detail

    def __reduce__(self) -> tuple[type[RunError], tuple[str, int, str]]:
        """Lets the error cross process boundaries."""
        return type(self), (self.run, self.exit_code, self.detail)


class SessionError(Error, RuntimeError):
    """A command of a session cannot be done, say, because no image has the symbol; nothing has changed."""
