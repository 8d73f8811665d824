"""How far the `fast` mode is from the `detailed` one: cycles of the same kernels in both."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MACHINES = ("cva6-h", "rocket-h", "p550-like", "ideal")
MIXES = ("integer_mix", "memory_mix", "float_mix", "traps")
BAR = 3.0  # per cent, of each
# The mixes repeat themselves; so many cycles show each of their parts.
MIX_CYCLES = 40_000_000


@dataclass(frozen=True)
class Pair:
    """A kernel on a machine in both modes, or several: the mean of their differences, and the worst."""

    machine: str
    kernel: str
    rows: int
    difference: float  # per cent by which `fast` takes longer or shorter; of one row with its sign
    worst: float
    where: str = ""


def retired(simulator: Path, programs: Path, machine: str, mix: str, mode: str) -> int:
    """How many instructions of a mix retire in MIX_CYCLES."""
    with tempfile.TemporaryDirectory(prefix="hvsim-agreement-") as folder:
        command = [simulator, "run", ROOT / f"configs/machines/{machine}.json"]
        command += ["--elf", programs / f"bench_{mix}.elf", "--quiet", "--out", folder]
        for setting in (f"machine.mode={mode}", f"limits.max_cycles={MIX_CYCLES}"):
            command += ["--set", setting]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        found = list(Path(folder).glob("*/stats.json"))
        if len(found) != 1:
            raise SystemExit(f"{mix} on {machine} ({mode}): {done.stdout}{done.stderr}")
        return int(json.loads(found[0].read_text())["harts"][0]["retired"])


def of_mixes(simulator: Path, programs: Path, jobs: int) -> list[Pair]:
    """The benchmark programs on every profile."""
    runs = list(product(MACHINES, MIXES, ("fast", "detailed")))
    with ThreadPoolExecutor(jobs) as pool:
        work = dict(zip(runs, pool.map(lambda run: retired(simulator, programs, *run), runs), strict=True))
    pairs = []
    for machine, mix in product(MACHINES, MIXES):
        fast, detailed = work[machine, mix, "fast"], work[machine, mix, "detailed"]
        difference = (
            100.0 * (detailed - fast) / fast
        )  # in so many cycles less work, so more cycles for the work
        pairs.append(Pair(machine, mix, 1, difference, difference))
    return pairs


def of_kernels(fast_rows: Iterable[Any], detailed_rows: Iterable[Any]) -> list[Pair]:
    """The micro-benchmarks that were measured on the RTL, by memory and group."""
    groups: dict[tuple[str, str], dict[str, float]] = {}
    for fast, detailed in zip(fast_rows, detailed_rows, strict=True):
        before, after = detailed.model.cycles_median, fast.model.cycles_median
        groups.setdefault((fast.setting.name, fast.group), {})[fast.name] = 100.0 * (after - before) / before
    pairs = []
    for (setting, group), errors in groups.items():
        where = max(errors, key=lambda name: abs(errors[name]))
        mean = math.fsum(abs(error) for error in errors.values()) / len(errors)
        pairs.append(Pair(f"cva6-h, {setting}", group, len(errors), mean, errors[where], where))
    return pairs


def table(pairs: Iterable[Pair]) -> str:
    """In Markdown."""
    lines = ["| machine | kernel | rows | difference | worst | where |", "|---|---|---:|---:|---:|---|"]
    for pair in pairs:
        sign = "+" if pair.rows == 1 else ""
        lines.append(
            f"| {pair.machine} | {pair.kernel} | {pair.rows} | {pair.difference:{sign}.2f} % "
            f"| {pair.worst:+.1f} % | {pair.where} |"
        )
    return "\n".join(lines) + "\n"


def find_broken_bars(pairs: Iterable[Pair]) -> list[str]:
    """Kernels that the modes do not agree on."""
    return [
        f"{pair.kernel} on {pair.machine}: fast is {pair.difference:+.2f} % from detailed, allowed: {BAR} %"
        for pair in pairs
        if abs(pair.difference) > BAR
    ]
