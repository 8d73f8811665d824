"""The plan of a sweep: its text read strictly, and every run that it stands for, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hvsim import _core
from hvsim._constraints import Constraint
from hvsim._errors import ConfigError
from hvsim._shared_files import refuse_shared_files
from hvsim._space import MISSING, Json, Point, RefusedError, _only_keys, points
from hvsim._worker import Limits, Task, image_directories

KEYS = ("version", "name", "description", "base", "grid", "zip", "random", "constraints", "set", "limits")

# Columns of the table that no axis may be called after.
FIXED = ("label", "identity", "failure", "stop", "exit_code", "result_hash")

_SIZE = re.compile(r"(\d+)\s*(|KiB|MiB|GiB)")
_FACTOR = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(frozen=True)
class Definition:
    """A sweep as its author wrote it.

    Attributes:
        name: Of the sweep.
        text: The JSON object, with the base as a dict or an absolute path.
        file: Where it stands, for errors; empty if it was made in Python.
        folder: Where its relative paths start.
    """

    name: str
    text: Mapping[str, Json]
    file: str = ""
    folder: Path = field(default_factory=Path.cwd)

    @classmethod
    def read(cls, path: Path) -> Definition:
        """Read a sweep's file; a plain config or experiment is a sweep without axes of its own."""
        try:
            text = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError(str(path), "", "", f"cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise ConfigError(str(path), "", "", f"expected JSON: {error}") from error
        folder = path.absolute().parent
        if isinstance(text, dict) and "base" not in text and not {"grid", "zip", "random"} & set(text):
            text = {"version": 1, "name": path.stem, "base": str(path.absolute())}
        return cls.of(text, str(path), folder)

    @classmethod
    def of(cls, text: Json, file: str = "", folder: Path | None = None) -> Definition:
        """Check a sweep's own keys; axes and base are checked when it is planned."""
        folder = folder or Path.cwd()
        try:
            if not isinstance(text, Mapping):
                raise RefusedError("", text, "an object { }")
            _only_keys(text, "", KEYS)
            if text.get("version", 1) != 1:
                raise RefusedError("version", text["version"], "1")
            base = text.get("base", MISSING)
            if isinstance(base, str):
                text = {**text, "base": str(folder / base)}
            elif not isinstance(base, Mapping):
                raise RefusedError("base", base, "a config: the path of a file, or an object { }")
            name = text.get("name", Path(file).stem or "sweep")
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
                raise RefusedError("name", name, "letters, digits, dots, dashes and underscores")
        except RefusedError as refusal:
            raise refusal.error(file) from refusal
        return cls(name, dict(text), file, folder)

    def limits(self) -> Limits:
        """What a run may use of the host."""
        try:
            text = self.text.get("limits") or {}
            if not isinstance(text, Mapping):
                raise RefusedError("limits", text, "an object { }")
            _only_keys(text, "limits", ("memory_bytes", "seconds"))
            memory, seconds = text.get("memory_bytes"), text.get("seconds")
            number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds > 0
            if seconds is not None and not number:
                raise RefusedError("limits.seconds", seconds, "seconds, above 0")
            return Limits(None if memory is None else size(memory, "limits.memory_bytes"), seconds)
        except RefusedError as refusal:
            raise refusal.error(self.file) from refusal


@dataclass(frozen=True)
class Row:
    """A row of the table to be: a point, and the run that answers it."""

    coordinates: Mapping[str, Json]
    task: Task


@dataclass(frozen=True)
class Plan:
    """All rows in the table's order.

    Attributes:
        rows: Points with their runs; several points may have the same one.
        skipped: Points that did not meet the constraints.
    """

    rows: Sequence[Row]
    skipped: int

    @property
    def tasks(self) -> list[Task]:
        """Every run once, by identity."""
        return list({row.task.identity: row.task for row in reversed(self.rows)}.values())[::-1]


def size(value: Json, path: str) -> int:
    """A number of bytes, or ``"2GiB"``."""
    found = _SIZE.fullmatch(str(value)) if isinstance(value, (int, str)) else None
    if found is None or int(found[1]) == 0:
        raise RefusedError(path, value, 'a number of bytes, such as "512MiB"')
    return int(found[1]) * _FACTOR[found[2]]


def plan(definition: Definition) -> Plan:
    """Every point with its runs.

    Raises:
        ConfigError: An axis, a constraint or a config that comes out cannot be used; nothing has run.
    """
    text = definition.text
    try:
        _refuse_fixed(text)
        common = text.get("set") or {}
        if not isinstance(common, Mapping):
            raise RefusedError("set", common, "an object { } of values by config path")
        wanted = text.get("constraints") or []
        if isinstance(wanted, str) or not isinstance(wanted, Sequence):
            raise RefusedError("constraints", wanted, "a list of expressions")
        constraints = [Constraint(each, f"constraints[{i}]") for i, each in enumerate(wanted)]
        rows: list[Row] = []
        skipped = 0
        expander = _Expander(definition, common)
        chosen = points(text.get("grid"), text.get("zip"), text.get("random"))
        for point in chosen:
            early = [constraint.early({**common, **point.settings}) for constraint in constraints]
            late = [each for each, known in zip(constraints, early, strict=True) if known is None]
            found = [] if False in early else list(expander.rows(point, late))
            rows += found
            skipped += not found
        if not rows:
            raise RefusedError("constraints", wanted, f"that some of the {len(chosen)} points meet them")
        chosen_runs = Plan(rows, skipped)
        refuse_shared_files(chosen_runs.tasks)
    except RefusedError as refusal:
        raise refusal.error(definition.file) from refusal
    return chosen_runs


class _Expander:
    """Lays points over the base, by the simulator's own code for configs."""

    def __init__(self, definition: Definition, common: Mapping[str, Json]) -> None:
        self._definition = definition
        self._common = common
        self._images = image_directories()
        self._base = definition.text["base"]
        self._text = None if isinstance(self._base, str) else json.dumps(dict(self._base))
        self._lifted: list[Mapping[str, Json]] | None = None

    def rows(self, point: Point, constraints: Sequence[Constraint]) -> list[Row]:
        """The runs of one point that meet the constraints: as many as the base has."""
        tasks = [Task(*run) for run in self._expand(point)]
        if self._lifted is None:
            self._lifted = _base_coordinates(self._base, [task.label for task in tasks])
            for axis in point.coordinates:
                if any(axis in each for each in self._lifted):
                    raise RefusedError("", axis, "another name: the base has an axis of this one")
        return [
            Row({**own, **point.coordinates}, task)
            for own, task in zip(self._lifted, tasks, strict=True)
            if not constraints or all(c.holds(json.loads(task.config)) for c in constraints)
        ]

    def _expand(self, point: Point) -> list[tuple[str, str, str]]:
        merged = {**self._common, **point.settings}
        folder = self._definition.folder
        settings = [f"{path}={json.dumps(anchored(path, value, folder))}" for path, value in merged.items()]
        try:
            if self._text is None:
                return _core.expand_file(self._base, settings, self._images, [])
            return _core.expand_text(self._text, str(self._definition.folder), settings, self._images, [])
        except ConfigError as error:
            where = ", ".join(f"{axis} = {value}" for axis, value in point.coordinates.items())
            raise ConfigError(
                self._definition.file if error.file.startswith("--set") else error.file,
                error.path,
                error.value,
                error.expected + (f" (at {where})" if where else ""),
            ) from error


def anchored(path: str, value: Json, folder: Path) -> Json:
    """The value of a key, with what names files starting in a folder: given as a setting it has none."""
    if isinstance(value, str):
        kind = _file_keys().get(re.sub(r"\[\d+\]", "[*]", path))
        names_file = (kind == "path" and value) or (kind == "name-or-path" and "/" in value)
        return str(folder / value) if names_file else value
    if isinstance(value, (list, tuple)):
        return [anchored(f"{path}[*]", each, folder) for each in value]
    if isinstance(value, Mapping):
        return {name: anchored(f"{path}.{name}", child, folder) for name, child in value.items()}
    return value


@cache
def _file_keys() -> Mapping[str, str]:
    """The config's keys that name files, and whether they always do, as the schema tells."""

    def of(part: Json, path: str) -> Iterator[tuple[str, str]]:
        for key, child in part.get("properties", {}).items():
            yield from of(child, f"{path}.{key}" if path else key)
        if "items" in part:
            yield from of(part["items"], f"{path}[*]")
        if part.get("format") in ("path", "name-or-path"):
            yield path, part["format"]

    return dict(of(json.loads(_core.schema()), ""))


def _refuse_fixed(text: Mapping[str, Json]) -> None:
    sampled = text.get("random")
    axes = {
        "grid": text.get("grid"),
        "zip": text.get("zip"),
        "random.axes": sampled.get("axes") if isinstance(sampled, Mapping) else None,
    }
    for path, names in axes.items():
        for name in names if isinstance(names, Mapping) else ():
            if name in FIXED:
                raise RefusedError(f"{path}.{name}", name, f"another name: the table has a column {name}")


def _base_coordinates(base: Json, labels: Sequence[str]) -> list[Mapping[str, Json]]:
    """Columns for the axes that the base itself has, if its runs can be told by them."""
    nothing: list[Mapping[str, Json]] = [{} for _ in labels]
    try:
        config = json.loads(Path(base).read_text("utf-8")) if isinstance(base, str) else base
        own = points(config.get("axes"), None, None)
    except (OSError, ValueError, AttributeError, RefusedError):
        return nothing
    told = [[_as_label(value) for value in point.coordinates.values()] for point in own]
    if ["-".join(each) for each in told] != list(labels) or any(set(p.coordinates) & set(FIXED) for p in own):
        return nothing
    return [point.coordinates for point in own]


def _as_label(value: Json) -> str:
    """As the simulator writes a value into a label."""
    return re.sub(r"[^0-9A-Za-z.-]", "_", value if isinstance(value, str) else json.dumps(value))
