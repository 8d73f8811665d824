"""How far a machine has come, on a terminal, in a notebook, or as plain lines."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

# A bar that is gone at once only flickers.
_PATIENCE_SECONDS = 1.0
_LINE_SECONDS = 10.0


def wants(progress: bool | None) -> bool:
    """Whether anything is to be shown: as the caller says, else where standard error is a terminal."""
    return sys.stderr.isatty() if progress is None else progress


def draws() -> bool:
    """Whether what is shown may be a bar: on a terminal and in a notebook, but not in a log."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def amount(instructions: int, cycles: int, seconds: float) -> str:
    """How far, and how fast: millions of instructions per second of wall time."""
    speed = f", {instructions / 1e6 / seconds:.0f} MIPS" if seconds > 0 else ""
    return f"{instructions / 1e6:.1f} M instructions, {cycles / 1e6:.1f} M cycles{speed}"


class Advance:
    """Shows a machine that runs for long, from the second second on; use it in a ``with``."""

    def __init__(self, label: str, shown: bool, *, instructions: int | None = None) -> None:
        """With the instructions until the end, if they are known."""
        self._label, self._shown, self._total = label, shown, instructions
        self._begin = self._told = time.monotonic()
        self._first: tuple[int, int] | None = None
        self._bar: Any = None

    def __enter__(self) -> Advance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, cycles: int, instructions: int) -> None:
        """It has come so far since power-on."""
        now = time.monotonic()
        if self._first is None:
            self._first = (cycles, instructions)
        done = instructions - self._first[1]
        if not self._shown or now - self._begin < _PATIENCE_SECONDS:
            return
        if draws():
            self._draw(done, cycles)
        elif now - self._told >= _LINE_SECONDS:
            self._told = now
            words = amount(done, cycles - self._first[0], now - self._begin)
            print(f"hvsim: {self._label}: {words}", file=sys.stderr, flush=True)

    def _draw(self, done: int, cycles: int) -> None:
        from tqdm.auto import tqdm

        if self._bar is None:
            self._bar = tqdm(
                total=self._total, unit=" instructions", unit_scale=True, desc=self._label, leave=False
            )
        self._bar.set_postfix_str(f"cycle {cycles:,}", refresh=False)
        self._bar.update(done - self._bar.n)
