"""The command ``hvsim calibrate``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hvsim._calibrate import calibrate
from hvsim._calibration_guests import guests
from hvsim._errors import ConfigError, Error
from hvsim._worker import FAULT, USAGE


def main(arguments: list[str]) -> int:
    """Runs the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="hvsim calibrate",
        description="Fit the prices of the host hypervisor's work to what it takes on a machine's harts, "
        "and say how far guests that were not fitted are off.",
        epilog="Exit codes: 0 done, 2 usage or config, 3 a run failed.",
    )
    parser.add_argument("machine", nargs="?", metavar="CONFIG.json", help="default: the default machine")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="config fragment to write; the machine's is extended"
    )
    parser.add_argument("--only", action="append", metavar="GUEST", help="some of: " + _names())
    parser.add_argument("--jobs", type=int, metavar="N", help="runs at a time; default: one per processor")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)
    try:
        found = calibrate(
            options.machine, only=options.only, jobs=options.jobs, progress=False if options.quiet else None
        )
    except (ConfigError, Error) as error:
        print(error, file=sys.stderr)
        return USAGE if isinstance(error, ConfigError) else FAULT
    print(found.text())
    if options.output:
        found.write(options.output, extends=options.machine)
        print(f"{Path(options.output)}: written")
    return 0


def _names() -> str:
    return ", ".join(guest.name for guest in guests())
