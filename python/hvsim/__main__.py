"""The command line: ``python -m hvsim``, and ``hvsim`` where the package is installed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

from hvsim._worker import binary, environment

# Commands of the package: the module whose main() takes the arguments, and what it does.
COMMANDS = {
    "sweep": ("hvsim._sweep_cli", "run many points of a space of configs and make one table"),
    "calibrate": ("hvsim._calibrate_cli", "fit prices of the host hypervisor to its RISC-V build"),
    "report": ("hvsim._report_cli", "make one HTML page of a run, of several, or of a sweep"),
}


def main() -> None:
    """Commands of the package, or those of the simulator."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in COMMANDS:
        sys.exit(importlib.import_module(COMMANDS[command][0]).main(sys.argv[2:]))
    program = str(binary())
    if command in ("-h", "--help"):
        # Its exit code, and its words with those of the package behind them.
        code = subprocess.run([program, *sys.argv[1:]], env=environment()).returncode
        print("\nCommands of the Python package:")
        for name, (_, what) in COMMANDS.items():
            print(f"  {name:<28}{what}")
        sys.exit(code)
    os.execve(program, [program, *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
