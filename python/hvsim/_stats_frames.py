"""From the tree of statistics that a run leaves to DataFrames with units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

# What has a property of its own.
_TABLES = (
    *("cpi[", "exits[", "summary.", "help.", "walks.", "shares[", "epochs.", "regions[", "interrupts["),
    *("vcpu_waits[", "delivery_times[", "dumps[", "traps["),
)

# In tables of exits, and none: a VCPU goes on after another one, or nobody, had its hart.
RESUMED = "RESUMED"


class Described(NamedTuple):
    """What a statistic is: its unit (empty if it has none) and one line of help."""

    unit: str
    help: str


@dataclass(frozen=True)
class StatsFrames:
    """DataFrames of ``stats.json``; ``attrs["units"]`` of each tells the units of its columns."""

    stats: Mapping[str, Any]

    def describe(self, statistic: str) -> Described:
        """Unit and help of a statistic, by its path: ``harts[0].l1d.misses``."""
        entry = self.stats["help"].get(_generic(statistic), {})
        return Described(entry.get("unit", ""), entry.get("help", ""))

    def knows(self, statistic: str) -> bool:
        """Whether there is such a statistic, or a group of them."""
        path = _generic(statistic)
        return any(each == path or each.startswith((f"{path}.", f"{path}[")) for each in self.stats["help"])

    def others(self) -> pd.DataFrame:
        """Every counter that is in no table, by its path, with ``value``, ``unit`` and ``help``."""
        rows = []
        for path, value in _flatten(self.stats, ""):
            if not path.startswith(_TABLES):
                rows.append((path, value, *self.describe(path)))
        return pd.DataFrame(rows, columns=["statistic", "value", "unit", "help"]).set_index("statistic")

    def activity(self, path: str, rows: list[dict[str, Any]], names: Iterable[str] = ()) -> pd.DataFrame:
        """Rows with cycles by component and events, each of them a column."""
        flat = [
            {key: value for key, value in row.items() if not isinstance(value, dict)}
            | row["components"]
            | row["events"]
            for row in rows
        ]
        units = self.activity_units(path)
        groups = ("components", "events")
        own = [each for each in self.columns(path) if "." not in each and each not in groups]
        counted = [each for each in units if each not in own]
        frame = pd.DataFrame(flat, columns=[*names, *own, *counted])
        frame.attrs["units"] = units
        return frame

    def activity_units(self, path: str) -> dict[str, str]:
        units = {}
        for group in ("components", "events"):
            prefix = f"{path}[].{group}."
            for each, entry in self.stats["help"].items():
                if each.startswith(prefix):
                    units[each[len(prefix) :]] = entry["unit"]
        return units

    def rows(self, path: str) -> list[dict[str, Any]]:
        found: Any = self.stats
        for key in path.split("."):
            found = found[key]
        return list(found)

    def columns(self, path: str) -> list[str]:
        prefix = f"{path}[]."
        below = [each[len(prefix) :] for each in self.stats["help"] if each.startswith(prefix)]
        return [each for each in below if "[" not in each]

    def frame(self, path: str) -> pd.DataFrame:
        """A list of rows without structure; an empty one has its columns too."""
        frame = pd.DataFrame(self.rows(path), columns=self.columns(path))
        frame.attrs["units"] = self.units(f"{path}[].", frame.columns)
        return frame

    def distributions(self, path: str, key: str) -> pd.DataFrame:
        """Rows whose field ``key`` is a distribution, its figures in their place."""
        nested = f"{key}."
        columns = [each for each in self.columns(path) if each != key]
        rows = [row | {nested + name: value for name, value in row[key].items()} for row in self.rows(path)]
        frame = pd.DataFrame(rows, columns=columns)
        units = self.units(f"{path}[].", frame.columns)
        frame.columns = pd.Index([each.removeprefix(nested) for each in columns])
        frame.attrs["units"] = {each.removeprefix(nested): unit for each, unit in units.items()}
        return frame

    def histograms(self, path: str, key: str) -> pd.DataFrame:
        """The buckets of the distributions in ``key``, beside the texts and numbers that name their row."""
        rows = []
        for row in self.rows(path):
            names = {each: value for each, value in row.items() if isinstance(value, str)}
            rows += [{**names, **bucket} for bucket in row[key]["buckets"]]
        frame = pd.DataFrame(rows)
        frame.attrs["units"] = {"upto": "cycles", "count": "count"}
        return frame

    def units(self, prefix: str, columns: Iterable[str]) -> dict[str, str]:
        return {each: unit for each in columns if (unit := self.describe(prefix + each).unit)}


def _flatten(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _flatten(child, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _flatten(child, f"{path}[{index}]")
    else:
        yield path, value


def _generic(path: str) -> str:
    """The path with the numbers of list elements taken out."""
    parts = path.split("[")
    return "[".join([parts[0], *(part[part.index("]") :] for part in parts[1:])])
