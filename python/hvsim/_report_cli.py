"""The command ``hvsim report``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hvsim._errors import ConfigError, Error
from hvsim._report import report
from hvsim._worker import FAULT, USAGE


def main(arguments: list[str]) -> int:
    """Runs the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="hvsim report",
        description="One HTML page to look at and to print, which needs no network.",
    )
    parser.add_argument("directory", help="of a run, of several runs, or of a sweep")
    parser.add_argument("-o", "--output", default="report.html", metavar="FILE", help="default: report.html")
    options = parser.parse_args(arguments)
    try:
        text = report(options.directory, options.output)
    except (ConfigError, Error) as error:
        print(error, file=sys.stderr)
        return USAGE if isinstance(error, ConfigError) else FAULT
    print(f"{Path(options.output)}: {len(text.encode()):,} bytes")
    return 0
