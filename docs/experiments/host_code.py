"""How much of the hypervisor's image an exit executes, by phase and function.

`code_bytes` of the host's kinds of work (hypervisor/arch/host/cost_model.h) were counted from it.

    ./hvsim run CONFIG --only target-... --trace=mode=HS,count=100000,start=riscv_exit --observe-format json \
        --trace-output trace.json
    python3 docs/experiments/host_code.py trace.json
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

PHASES = (
    "none",
    "save",
    "exit",
    "enqueue",
    "schedule",
    "drain",
    "restore",
    "idle",
    "poll",
    "scan",
    "unshare",
)
LINE_BYTES = 64

# Bytes and function of each instruction executed, by phase.
Exit = dict[str, dict[int, tuple[int, str]]]


def exits(trace: Path) -> Iterator[Exit]:
    """Exits from the trap on; the phase is the value of the last mark (``sltiu zero,rs1,16``)."""
    registers: dict[str, int] = {}
    phase, current = "none", None
    with trace.open(encoding="utf-8") as lines:
        for line in lines:
            step = json.loads(line)
            if step["kind"] != "instruction":
                continue
            symbol = step.get("symbol", "?").partition("+")[0]
            if step.get("symbol") == "riscv_trap":
                if current is not None:
                    yield current
                current, phase = defaultdict(dict), "save"
            if mark := re.match(r"sltiu zero,(\w+),16$", step["text"]):
                phase = PHASES[registers.get(mark[1], 0)]
            if current is not None:
                size = 2 if len(step["encoding"]) == 6 else 4
                current[phase][int(step["pc"], 16)] = (size, symbol)
            registers |= {name: int(value, 16) for name, value in step.get("effects", {}).items()}


def main() -> None:
    """Kinds of exits, the most frequent first: bytes, lines and functions by phase."""
    kinds: dict[tuple[tuple[str, int], ...], list[Exit]] = defaultdict(list)
    for one in exits(Path(sys.argv[1])):
        kinds[tuple((phase, sum(n for n, _ in code.values())) for phase, code in one.items())].append(one)
    for alike in sorted(kinds.values(), key=len, reverse=True):
        print(f"{len(alike)} exits")
        for phase, code in alike[0].items():
            functions: Counter[str] = Counter()
            for size, symbol in code.values():
                functions[symbol] += size
            lines = len({pc // LINE_BYTES for pc in code})
            most = ", ".join(f"{name} {size}" for name, size in functions.most_common(12))
            print(f"  {phase:9} {functions.total():5} bytes in {lines:3} lines: {most}")


main()
