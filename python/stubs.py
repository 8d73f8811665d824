"""Writes python/hvsim/_core.pyi from the compiled module: ``./hvsim python python/stubs.py``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).parent / "hvsim" / "_core.pyi"


def generated() -> str:
    """The stub of the module that is installed, as the linter formats it."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "hvsim" / "_core.pyi"
        _do("pybind11_stubgen", "hvsim._core", "-o", scratch)
        # It adds a list of names that the module itself has not.
        lines = made.read_text("utf-8").splitlines(keepends=True)
        made.write_text("".join(line for line in lines if not line.startswith("__all__")), "utf-8")
        project = ("--config", str(Path(__file__).parents[1] / "pyproject.toml"))
        _do("ruff", "check", "--quiet", "--fix", "--exit-zero", *project, str(made))
        _do("ruff", "format", "--quiet", *project, str(made))
        return made.read_text("utf-8")


def _do(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    STUB.write_text(generated(), "utf-8")
