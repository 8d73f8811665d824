"""Tables of results: one row per run, the same for an experiment and for a sweep."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd


def figures(stats: Mapping[str, Any]) -> dict[str, Any]:
    """The summary's figures by name, those of its sections with a dot: ``delivery.latency_p50``."""
    return dict(_scalars(stats["summary"], ""))


def row(stats: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the tables tell of a run: why it ended, its figures, the result hash; nothing of the host."""
    return {
        "stop": stats["stop"],
        "exit_code": manifest["exit_code"],
        **figures(stats),
        "result_hash": manifest["result_hash"],
    }


def units(stats: Mapping[str, Any]) -> dict[str, str]:
    """Units of a row's figures; those without one are left out."""
    described = {name: stats["help"].get(f"summary.{name}", {}).get("unit", "") for name in figures(stats)}
    return {name: unit for name, unit in described.items() if unit}


def frame(rows: Iterable[Mapping[str, Any]], of: Mapping[str, str]) -> pd.DataFrame:
    """Rows of any columns as a DataFrame whose types do not depend on which values are missing."""
    table = pd.DataFrame(list(rows))
    for name in table.columns:
        table[name] = _typed(table[name])
    table.attrs["units"] = {name: unit for name, unit in of.items() if name in table.columns}
    return table


def write(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, whatever happens."""
    fresh = path.with_name(f".partial-{path.name}")
    with fresh.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.rename(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """What was renamed there stays renamed."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _scalars(section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            yield prefix + key, value


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    kinds = {type(value) for value in column if not _is_missing(value)}
    if kinds == {bool}:
        return column.astype("boolean")
    if kinds == {int}:
        return column.astype("Int64")
    if kinds and kinds <= {int, float}:
        return column.astype("Float64")
    return column.map(lambda value: None if _is_missing(value) else str(value)).astype("string")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)
