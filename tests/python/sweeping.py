"""What tests of sweeps share: short and long runs, the command, and waiting for its workers' end."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path


def short(config, **changes):
    """A run that ends at once."""
    return config(limits={"max_cycles": 1000}, **changes)


def long(config):
    work = {"name": "a", "workload": "compute", "arguments": {"crc": "100000000"}}
    return config(vms=[work], limits={"max_cycles": 200_000_000_000})


def command(*arguments):
    return [sys.executable, "-m", "hvsim", "sweep", *map(str, arguments)]


def finish(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300)


def command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()


def wait_until_all_are_gone(out):
    """Workers of a sweep that was killed."""
    deadline = time.monotonic() + 10
    pattern = str(out).encode()
    while time.monotonic() < deadline:
        if not any(pattern in line and b"run-one" in line for line in command_lines()):
            return
        time.sleep(0.02)
    raise AssertionError("workers outlive their sweep")
