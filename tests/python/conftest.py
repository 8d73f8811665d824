"""Small configs that run in a moment."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hvsim._worker import binary
from sweeping import short

ROOT = Path(__file__).resolve().parents[2]

# A shell that starts tests in the background lets them, and what they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _config(**changes: Any) -> dict[str, Any]:
    config: dict[str, Any] = {
        "version": 1,
        "name": "small",
        "machine": {"harts": 1},
        "hypervisor": {"run": "host"},
        "vms": [{"name": "a", "workload": "hello"}],
        "limits": {"max_cycles": 500_000_000},
    }
    return config | changes


@pytest.fixture
def config() -> Callable[..., dict[str, Any]]:
    """Makes a config of one small VM; keyword arguments replace top-level keys."""
    return _config


@pytest.fixture
def quickstart() -> Path:
    return ROOT / "configs" / "quickstart.json"


@pytest.fixture
def written(config, tmp_path):
    """A sweep of eight short runs, as a file."""
    path = tmp_path / "costs.json"
    grid = {"machine.costs.trap_entry": [10, 20, 40, 80], "hypervisor.delivery": ["immediate", "dlh"]}
    path.write_text(json.dumps({"version": 1, "name": "costs", "base": short(config), "grid": grid}))
    return path


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """The simulator, noting the identity of each run that it begins; some it may refuse to do."""
    log, script = tmp_path / "begun", tmp_path / "simulator"
    log.touch()
    script.write_text(
        rf"""#!/bin/sh
input=/proc/self/fd/$3
grep -o '"identity": "[0-9a-f]*"' $input >> {log}
if grep -q '"seed": 13\b' $input; then echo "thirteen is not for me" >&2; exit 3; fi
if grep -q '"seed": 14\b' $input; then kill -SEGV $$; fi
exec {binary()} "$@"
"""
    )
    script.chmod(0o755)
    monkeypatch.setenv("HVSIM_SIMULATOR", str(script))
    return lambda: log.read_text().splitlines()
