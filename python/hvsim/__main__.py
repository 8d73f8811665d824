"""The command line: ``python -m hvsim``, and ``hvsim`` where the package is installed."""

from __future__ import annotations

import os
import sys

from hvsim._worker import binary, environment


def main() -> None:
    """Commands of the package, or those of the simulator."""
    command, arguments = sys.argv[1:2], sys.argv[2:]
    if command == ["sweep"]:
        from hvsim._sweep_cli import main as sweep

        sys.exit(sweep(arguments))
    if command == ["report"]:
        from hvsim._report_cli import main as report

        sys.exit(report(arguments))
    program = str(binary())
    os.execve(program, [program, *sys.argv[1:]], environment())


if __name__ == "__main__":
    main()
