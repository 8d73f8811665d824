"""Small configs that run in a moment."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
