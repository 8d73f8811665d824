"""Axes, samples and constraints of sweeps, and how their mistakes are told."""

from __future__ import annotations

import json

import hvsim
import pytest
from hvsim._plan import Definition, plan
from hvsim._space import points


def coordinates(*parts):
    return [tuple(point.coordinates.values()) for point in points(*parts)]


def test_a_grid_is_every_combination_and_the_last_axis_changes_fastest():
    assert coordinates({"a": [1, 2], "b": ["x", "y"]}, None, None) == [
        (1, "x"),
        (1, "y"),
        (2, "x"),
        (2, "y"),
    ]


def test_a_zip_goes_through_its_lists_together_at_every_point_of_the_grid():
    assert coordinates({"a": [1, 2]}, {"b": [3, 4], "c": [5, 6]}, None) == [
        (1, 3, 5),
        (1, 4, 6),
        (2, 3, 5),
        (2, 4, 6),
    ]


def test_random_samples_stay_in_bounds_and_are_the_same_every_time():
    rules = {
        "u": {"uniform": [1, 2]},
        "l": {"log_uniform": [1, 1000]},
        "i": {"integer": [1, 3]},
        "p": {"log_integer": [1, 1024]},
        "c": {"choice": ["x", "y"]},
    }
    text = {"seed": 7, "samples": 400, "axes": rules}
    drawn = coordinates(None, None, text)
    assert drawn == coordinates(None, None, text)
    assert drawn != coordinates(None, None, {**text, "seed": 8})
    u, log, i, p, c = zip(*drawn, strict=True)
    assert all(1 <= value <= 2 for value in u)
    assert sum(value < 31.6 for value in log) == pytest.approx(200, abs=40)
    assert (set(i), set(c)) == ({1, 2, 3}, {"x", "y"})
    assert all(isinstance(value, int) and 1 <= value <= 1024 for value in p)
    assert sum(value <= 32 for value in p) == pytest.approx(200, abs=40)


def test_one_more_random_axis_leaves_the_others_values_as_they_are():
    one = coordinates(None, None, {"samples": 9, "axes": {"a": {"integer": [1, 99]}}})
    two = coordinates(
        None, None, {"samples": 9, "axes": {"b": {"integer": [1, 99]}, "a": {"integer": [1, 99]}}}
    )
    assert [a for _, a in two] == [a for (a,) in one]


def test_ranges_and_numpys_numbers_are_numbers(config):
    numpy = pytest.importorskip("numpy")
    frame = hvsim.sweep(
        config(limits={"max_cycles": 1000}), {"seed": range(2), "machine.harts": numpy.array([1])}
    )
    assert list(frame["seed"]) == [0, 1] and list(frame["machine.harts"]) == [1, 1]


def test_only_what_names_a_file_starts_at_the_sweeps_folder(config):
    said = plan(Definition.of({"base": config(), "set": {"machine.console.input": "./run me\n"}}))
    assert json.loads(said.rows[0].task.config)["machine"]["console"]["input"] == "./run me\n"


def test_a_variant_changes_several_keys_under_one_name():
    variant = {"name": "dlh-8", "hypervisor": {"delivery": "dlh", "calls_per_notification": 8}}
    (point,) = points({"delivery": [variant]}, None, None)
    assert point.coordinates == {"delivery": "dlh-8"}
    assert point.settings == {"hypervisor.delivery": "dlh", "hypervisor.calls_per_notification": 8}


_Z = {"name": "z", "machine": {"harts": 1}}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"gird": {}}, "gird"),
        ({"grid": {"seed": 3}}, "grid.seed"),
        ({"grid": {"seed": []}}, "grid.seed"),
        ({"grid": {"x": [{"hypervisor": {}}]}}, "grid.x[0].name"),
        ({"grid": {"identity": [1]}}, "grid.identity"),
        ({"zip": {"seed": [1, 2], "machine.harts": [1]}}, "zip.machine.harts"),
        ({"grid": {"seed": [1]}, "zip": {"seed": [1]}}, ""),
        ({"grid": {"vms[*].memory_bytes": ["2MiB"], "vms[0].memory_bytes": ["4MiB"]}}, ""),
        ({"base": {"axes": {"x": [{"name": "y", "seed": 2}]}}, "grid": {"x": [_Z]}}, ""),
        ({"random": {"samples": 10**9, "axes": {"seed": {"integer": [1, 2]}}}}, "random.samples"),
        ({"constraints": ["not " * 5000 + "seed"]}, "constraints[0]"),
        ({"constraints": ["'a' * 99999999999 == 'b'"]}, "constraints[0]"),
        ({"random": {"axes": {"seed": {"integer": [1, 2]}}}}, "random.samples"),
        ({"random": {"samples": 1, "axes": {"seed": {"integer": [2, 1]}}}}, "random.axes.seed.integer"),
        ({"random": {"samples": 1, "axes": {"seed": {"int": [1, 2]}}}}, "random.axes.seed"),
        (
            {"random": {"samples": 1, "axes": {"x": {"log_uniform": [0, 1]}}}},
            "random.axes.x.log_uniform",
        ),
        ({"constraints": ["seed <"]}, "constraints[0]"),
        ({"constraints": ["__import__('os').system('x')"]}, "constraints[0]"),
        ({"constraints": ["seeds == 1"]}, "constraints[0]"),
        ({"constraints": ["seed == 12345"]}, "constraints"),
        ({"limits": {"seconds": 0}}, "limits.seconds"),
        ({"limits": {"memory_bytes": "lots"}}, "limits.memory_bytes"),
        ({"version": 2}, "version"),
        ({"base": 3}, "base"),
        ({"grid": {"machine.hart": [1]}}, "machine.hart"),
        ({"grid": {"machine.harts": [1, 0]}}, "machine.harts"),
        ({"set": {"seed": "x"}}, "seed"),
    ],
)
def test_each_mistake_names_its_path(config, tmp_path, change, path):
    file = tmp_path / "mistake.json"
    if isinstance(change.get("base"), dict):
        change = {**change, "base": config(**change["base"])}
    file.write_text(json.dumps({"base": config(), **change}))
    with pytest.raises(hvsim.ConfigError) as caught:
        definition = Definition.read(file)
        definition.limits()
        plan(definition)
    assert caught.value.path == path
    assert caught.value.file == str(file)
    assert caught.value.expected


def test_an_error_at_one_point_says_which(config):
    with pytest.raises(hvsim.ConfigError, match=r"at machine\.harts = 0"):
        hvsim.sweep(config(), {"machine.harts": [1, 0]})


def rows(config, **text):
    return [row.coordinates for row in plan(Definition.of({"base": config(), **text})).rows]


def test_constraints_look_at_keys_that_no_axis_sets(config):
    chosen = rows(
        config,
        grid={"machine.costs.trap_entry": [10, 20, 40]},
        constraints=["machine.costs.trap_entry * 2 > machine.harts * 30", "vms[0].name == 'a'"],
    )
    assert [row["machine.costs.trap_entry"] for row in chosen] == [20, 40]


def test_constraints_keep_points_away_that_no_config_could_be(config):
    chosen = rows(config, grid={"machine.harts": [0, 1, 2]}, constraints=["machine.harts in [1, 2]"])
    assert [row["machine.harts"] for row in chosen] == [1, 2]


def test_constraints_compare_sizes_as_numbers(config):
    chosen = rows(
        config,
        grid={"machine.memory_bytes": ["64MiB", "128MiB"]},
        constraints=["machine.memory_bytes == 67108864"],
    )
    assert [row["machine.memory_bytes"] for row in chosen] == ["64MiB"]


def test_an_experiments_own_axes_are_columns_too(quickstart):
    definition = Definition.of({"base": str(quickstart), "grid": {"seed": [1, 2]}})
    found = plan(definition).rows
    assert len(found) == 12
    assert found[0].coordinates == {"seed": 1, "run": "target", "delivery": "immediate"}
    assert found[-1].coordinates == {"seed": 2, "run": "host", "delivery": "dlh-8"}
    assert found[-1].task.label == "host-dlh-8"


def test_points_that_come_to_the_same_config_are_one_run(config):
    found = plan(Definition.of({"base": config(), "grid": {"name": ["a", "b"], "seed": [1, 2]}}))
    assert (len(found.rows), len(found.tasks)) == (4, 2)
