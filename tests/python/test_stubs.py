"""What type checkers are told of the compiled module is what it has."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

STUBS = Path(__file__).resolve().parents[2] / "python" / "stubs.py"


def test_the_stub_is_the_one_that_is_generated():
    spec = importlib.util.spec_from_file_location("stubs", STUBS)
    stubs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stubs)
    assert stubs.STUB.read_text() == stubs.generated(), "./hvsim python python/stubs.py makes it anew"


def test_the_stub_says_what_the_module_does():
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "hvsim._core"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
