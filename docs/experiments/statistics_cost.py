"""What statistics and attribution cost: host instructions in the functions that record, by callgrind.

statistics_cost.py BUILD, where BUILD is a release build's folder. Two runs of each program, one longer than
the other, are subtracted, so that starting up counts for nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

RECORDING = re.compile(
    r"Accountant::|InterruptTimes::|WalkStatistics::|Histogram::|DeliveryMeter::|Recorder::"
    r"|::count_events|::book_all_events|::use_row"
)
MACHINE = Path(__file__).parents[2] / "configs" / "machines" / "cva6-like.json"


def guest(workload: str, run: str, **arguments: int) -> dict[str, object]:
    """A config of one VM."""
    return {
        "machine": {"memory_bytes": "64MiB"},
        "hypervisor": {"run": run, "calls_per_notification": 8},
        "vms": [{"name": "guest", "workload": workload, "memory_bytes": "32MiB", "arguments": arguments}],
    }


# Program: config, and guest instructions after which the part begins that counts.
PROGRAMS: dict[str, tuple[dict[str, object], int]] = {
    **{
        f"bench_{name}": ({"boot": {"firmware": "none", "image": f"bench_{name}"}}, 500_000)
        for name in ("integer_mix", "memory_mix", "float_mix", "traps")
    },
    "memory_walk, two stages": (guest("memory_walk", "host", passes=1, chase=0), 500_000),
    "hypercall_storm, target": (guest("hypercall_storm", "target", iterations=5000), 22_000_000),
    "hypercall_storm, host": (guest("hypercall_storm", "host", iterations=5000), 500_000),
}
MEASURED = 2_000_000


def costs(build: Path, config: dict[str, object], instructions: int) -> Counter[str]:
    """Host instructions by function."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.json"
        file.write_text(json.dumps({"version": 1, "name": "cost", "extends": str(MACHINE), **config}))
        out = Path(folder) / "callgrind"
        command = ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={out}.%p"]
        command += [build / "sim" / "hvsim-sim", "run", file, "--quiet", "--out", Path(folder) / "runs"]
        command += ["--max-instructions", str(instructions)]
        subprocess.run([str(word) for word in command], check=False, capture_output=True)
        worker = max(Path(folder).glob("callgrind.*"), key=lambda path: path.stat().st_size)
        shown = subprocess.run(
            ["callgrind_annotate", "--threshold=100", "--show-percs=no", str(worker)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found: Counter[str] = Counter()
    for line in shown.splitlines():
        match = re.match(r"\s*([\d,]+)\s+(\S.*?)( \[.*\])?$", line)
        if match and "PROGRAM TOTALS" not in line:
            found[match[2]] += int(match[1].replace(",", ""))
    return found


def main() -> None:
    """A table."""
    build = Path(sys.argv[1])
    print("| program | host instructions per guest instruction | in statistics |\n|---|---|---|")
    for name, (config, begin) in PROGRAMS.items():
        spent = costs(build, config, begin + MEASURED)
        spent.subtract(costs(build, config, begin))
        whole = sum(spent.values())
        recording = sum(count for function, count in spent.items() if RECORDING.search(function))
        print(f"| {name} | {whole / MEASURED:.1f} | {100 * recording / whole:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
