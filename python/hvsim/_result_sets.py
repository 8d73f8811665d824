"""Results of several runs: by name, or by identity in a directory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from hvsim import _table
from hvsim._errors import RunError, unknown
from hvsim._results import Result


class Results(Mapping[str, Result]):
    """Results by run name, in the order of the config."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._results = {result.name: result for result in results}

    def __getitem__(self, name: str) -> Result:
        if name not in self._results:
            raise KeyError(unknown(name, self._results))
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def table(self) -> pd.DataFrame:
        """One row per run: why it ended, the summary's figures, and the result hash."""
        rows = []
        units: dict[str, str] = {}
        for result in self.values():
            rows.append({"run": result.name, **_table.row(result._stats, result.manifest)})
            units |= _table.units(result._stats)
        return _table.frame(rows, units).set_index("run")

    def __repr__(self) -> str:
        return "\n".join(
            [f"<hvsim.Results of {len(self)} runs>", *(f"  {result!r}" for result in self.values())]
        )

    def _repr_html_(self) -> str:
        return self.table().to_html()


class Runs(Mapping[str, Result]):
    """The runs of a directory by identity, of a sweep or of ``run --out``, read when one asks for them.

    >>> frame = hvsim.sweep("costs.json", out="runs/costs")
    >>> hvsim.Runs("runs/costs")[frame["identity"][0]].exits
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        """Raises RunError if there is no run in it."""
        self._found = {
            manifest.parent.name.rpartition("-")[2]: manifest.parent
            for manifest in sorted(Path(directory).glob("*/manifest.json"))
        }
        if not self._found:
            raise RunError(str(directory), 0, "there is no run directory in it")

    def __getitem__(self, identity: str) -> Result:
        if identity not in self._found:
            raise KeyError(unknown(identity, self._found))
        return Result.read(self._found[identity])

    def __contains__(self, identity: object) -> bool:
        return identity in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<hvsim.Runs: {len(self)} runs>"
