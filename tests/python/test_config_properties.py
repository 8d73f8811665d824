"""Any config: what the schema allows runs or is refused with a reason; what it does not allow names its path.

The schema is that of `hvsim config schema`; Hypothesis draws keys and values from it.
`HVSIM_CONFIGS=2000` asks for more than the usual examples.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from typing import Any

import hvsim
import hypothesis.strategies as st
import jsonschema
import pytest
from hypothesis import HealthCheck, assume, example, given, note, settings

CHECKED = int(os.environ.get("HVSIM_CONFIGS", "150"))
RUN = max(12, CHECKED // 10)

# Keys that name files, or are this test's own means to end a run.
LEFT_OUT = re.compile(
    r"^(boot|observe|limits|extends|runs|axes|name|description|version)\b|image|_file|\.disk|initrd"
)

SCHEMA = hvsim.schema()

STOPS = ("finished", "cycle_limit", "no_progress")


def base() -> dict[str, Any]:
    return {
        "version": 1,
        "name": "any",
        "machine": {"harts": 1, "memory_bytes": "64MiB"},
        "hypervisor": {"run": "host"},
        "vms": [{"name": "a", "workload": "hello", "memory_bytes": "2MiB"}],
        "limits": {"max_cycles": 50_000_000, "watchdog_cycles": 5_000_000},
    }


def leaves(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keys without keys below them, with their schemas. Of lists of objects, those of the first element."""
    if "properties" in schema:
        for key, child in schema["properties"].items():
            yield from leaves(child, f"{path}.{key}" if path else key)
    elif schema.get("type") == "array" and "properties" in schema.get("items", {}):
        if path == "vms":
            yield from leaves(schema["items"], "vms[0]")
    else:
        yield path, schema


LEAVES = dict(sorted((path, schema) for path, schema in leaves(SCHEMA, "") if not LEFT_OUT.search(path)))
SECTIONS = sorted({path.rpartition(".")[0] for path in LEAVES if not path.endswith(".arguments")} - {""})


def put(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one value set."""
    changed = copy.deepcopy(config)
    at: Any = changed
    *above, last = re.findall(r"[^.\[\]]+", path)
    for part in above:
        at = at[int(part)] if part.isdigit() else at.setdefault(part, {})
    at[last] = value
    return changed


def refusal(config: dict[str, Any]) -> hvsim.ConfigError | None:
    try:
        assert hvsim.validate(config) == ["any"]
    except hvsim.ConfigError as error:
        return error
    return None


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a schema of the few kinds that occur allows, sensible values more often than by chance."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values(each) for each in schema["anyOf"]])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            low, high = schema["minimum"], schema.get("maximum", 2**63)
            powers = [2**bits for bits in range(64) if low <= 2**bits <= high]
            near = st.integers(low, min(high, low + 100))
            return st.one_of(near, st.sampled_from(powers or [low]), st.integers(low, high))
        case "string":
            return (
                st.from_regex(schema["pattern"].replace("$", r"\Z"))
                if "pattern" in schema
                else st.text(max_size=8)
            )
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case "object":
            wanted = schema.get("properties", {})
            if not wanted:
                return st.dictionaries(st.from_regex(r"\A[a-z]{1,8}\Z"), st.integers(0, 100), max_size=2)
            needed = {key: values(wanted[key]) for key in schema.get("required", ())}
            return st.fixed_dictionaries(
                needed, optional={key: values(child) for key, child in wanted.items() if key not in needed}
            )
    raise AssertionError(f"a kind of schema that this test does not know: {schema}")


@st.composite
def allowed(draw: st.DrawFn) -> dict[str, Any]:
    """The base with a few keys set to what their schemas allow."""
    config = base()
    for path in draw(st.lists(st.sampled_from(list(LEAVES)), min_size=1, max_size=5, unique=True)):
        config = put(config, path, draw(values(LEAVES[path])))
    return config


@st.composite
def forbidden(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """The base with one key set to what its schema does not allow."""
    path = draw(st.sampled_from(list(LEAVES)))
    schema = LEAVES[path]
    anything = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([-1, 0, 2**31, 2**63, 2**64, 2**70, 0.5, -1e300]),
        st.text(max_size=8),
        st.lists(st.integers(), max_size=2),
        st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
    )
    valid = jsonschema.Draft202012Validator(schema).is_valid
    return path, put(base(), path, draw(anything.filter(lambda value: not valid(value))))


COMMON = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=CHECKED, **COMMON)
@given(allowed())
def test_what_the_schema_allows_is_taken_or_refused_with_a_reason(config):
    error = refusal(config)
    if error is not None:
        assert error.path, str(error)
        assert error.expected, str(error)


@settings(max_examples=RUN, **COMMON)
@given(allowed())
def test_what_is_taken_runs(config):
    assume(refusal(config) is None)
    result = hvsim.run(config)["any"]
    assert result.stop in STOPS, (result.stop, config)
    note(result.stop)


@settings(max_examples=CHECKED, **COMMON)
@given(forbidden())
def test_what_the_schema_forbids_is_refused_where_it_stands(changed):
    path, config = changed
    error = refusal(config)
    assert error is not None, path
    assert error.path.startswith(path), (error.path, path)
    assert error.expected


@settings(max_examples=CHECKED, **COMMON)
@given(st.sampled_from(SECTIONS), st.from_regex(r"\A[a-z_]{1,12}\Z"), st.none() | st.integers())
@example("machine", "hart", 2)
def test_an_unknown_key_is_refused_where_it_stands(section, key, value):
    path = f"{section}.{key}"
    if (
        path in LEAVES
        or any(each.startswith((path + ".", path + "[")) for each in LEAVES)
        or LEFT_OUT.search(path)
    ):
        return
    error = refusal(put(base(), path, value))
    assert error is not None, path
    assert error.path == path
    assert "unknown key" in error.expected


def test_the_keys_come_from_the_whole_schema():
    assert len(LEAVES) > 150
    assert {"machine.mmu.dtlb.entries", "hypervisor.delivery", "vms[0].vcpus", "seed"} <= set(LEAVES)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "name": "x", "machine": {"hart": 1}}, SCHEMA)
