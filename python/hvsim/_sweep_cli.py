"""The command ``hvsim sweep``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from hvsim._errors import ConfigError, Error
from hvsim._executors import choose
from hvsim._plan import Definition, anchored, plan
from hvsim._store import DEFINITION
from hvsim._sweep import CSV, TABLE, _limits, conduct, prepare, shown
from hvsim._worker import FAULT, USAGE

INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Runs the command; the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return _sweep(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return USAGE
    except Error as error:
        print(error, file=sys.stderr)
        return FAULT
    except KeyboardInterrupt:
        print("interrupted: what was finished is kept, --resume goes on", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hvsim sweep",
        description="Run a base config at every point of a space; one table of what came out.",
        epilog="Exit codes: 0 all passed; else that of the first run that did not, 3 for one that failed; "
        "2 usage or config, 130 interrupted.",
    )
    parser.add_argument(
        "sweep",
        nargs="?",
        metavar="SWEEP.json",
        help="the sweep, a config or an experiment; with --resume it may be left away",
    )
    parser.add_argument("--out", metavar="DIR", help="default: runs/NAME, NAME being the sweep's")
    parser.add_argument("--jobs", type=int, metavar="N", help="runs at a time; default: one per processor")
    parser.add_argument(
        "--dask", metavar="ADDRESS|local|slurm", help="run on a Dask cluster whose workers see DIR"
    )
    parser.add_argument(
        "--worker-timeout",
        type=float,
        metavar="SECONDS",
        help="that a Dask cluster may be without any worker; default: 300, with slurm a day",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the sweep that DIR holds")
    parser.add_argument("--retry-failed", action="store_true", help="run failed runs of DIR again")
    parser.add_argument("--csv", action="store_true", help=f"write {CSV} beside {TABLE}")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="for all points")
    parser.add_argument("--memory-limit", metavar="SIZE", help="host memory of a run, such as 2GiB")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="host time of a run")
    parser.add_argument("--plan", action="store_true", help="print the points as CSV and run nothing")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser


def _sweep(options: argparse.Namespace) -> int:
    definition = _definition(options)
    if options.plan:
        rows = [
            {**row.coordinates, "label": row.task.label, "identity": row.task.identity}
            for row in plan(definition).rows
        ]
        pd.DataFrame(rows).to_csv(sys.stdout, index=False)
        return 0
    limits = _limits(definition.limits(), options.memory_limit, options.time_limit)
    if options.jobs is not None and options.jobs < 1:
        raise ConfigError("--jobs", "", str(options.jobs), "expected at least 1")
    out = Path(options.out or Path("runs") / definition.name).absolute()
    prepare(out, resume=options.resume)
    table = conduct(
        definition,
        out,
        choose(options.dask, options.jobs or os.cpu_count() or 1, options.worker_timeout),
        limits,
        retry_failed=options.retry_failed,
        csv=options.csv,
        tell=shown(not options.quiet),
    )
    print(_summary(table, out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out))
    return _exit_code(table)


def _definition(options: argparse.Namespace) -> Definition:
    if options.sweep is not None:
        definition = Definition.read(Path(options.sweep))
    elif options.resume and options.out:
        file = Path(options.out) / DEFINITION
        try:
            kept = json.loads(file.read_text("utf-8"))
            text, folder = dict(kept["sweep"]), Path(kept["folder"])
            given = {key: value for key, value in kept.get("limits", {}).items() if value is not None}
            text |= {"limits": given} if given else {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError("--resume", str(file), "", f"expected a sweep's directory ({error})") from error
        definition = Definition.of(text, str(file), folder)
    else:
        raise ConfigError("sweep", "", "", "missing: expected SWEEP.json, or --resume with --out DIR")
    common = {**(definition.text.get("set") or {}), **dict(map(_setting, options.set))}
    text = {**definition.text, **({"set": common} if common else {})}
    return Definition(definition.name, text, definition.file, definition.folder)


def _setting(text: str) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not path or not equals:
        raise ConfigError("--set", text, "", "expected path=value")
    try:
        meant = json.loads(value)
    except ValueError:
        meant = value
    return path, anchored(path, meant, Path.cwd())


def _summary(table: pd.DataFrame, out: Path) -> str:
    failed = table[table["failure"].notna()]
    runs = table["identity"].nunique()
    lines = [f"{len(table)} points, {runs} runs, {failed['identity'].nunique()} failed: {out / TABLE}"]
    for reason, of_it in failed.groupby("failure", sort=False):
        lines.append(f"  {of_it['identity'].nunique()} failed: {reason}")
    stops = table["stop"].dropna()
    lines += [f"  {n} ended with {stop}" for stop, n in stops.value_counts().items() if stop != "finished"]
    return "\n".join(lines)


def _exit_code(table: pd.DataFrame) -> int:
    for _, row in table.iterrows():
        if not pd.isna(row["failure"]):
            return FAULT
        if row["exit_code"] != 0:
            return int(row["exit_code"])
    return 0
