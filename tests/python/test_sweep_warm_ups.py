"""Points of a sweep that fast-forward alike share it, and come to what each would have come to alone."""

from __future__ import annotations

import fcntl
import json
import os
import random
import subprocess
import sys
import threading
import time

import hvsim
import pytest
from hvsim._worker import binary, environment

KILLS = int(os.environ.get("HVSIM_SWEEP_KILLS", "3"))


def _base(config, run="host", at="symbol=guest::workload_main", **changes):
    return config(
        name="storm",
        machine={"harts": 2, "memory_bytes": "64MiB", "mode": "fast"},
        boot={"fast_forward": at},
        hypervisor={"run": run, "delivery": "dlh", "calls_per_notification": 4},
        vms=[
            {
                "name": "a",
                "workload": "hypercall_storm",
                "memory_bytes": "4MiB",
                "arguments": {"iterations": 30},
            }
        ],
        **changes,
    )


TIMING = {
    "machine.costs.trap_entry": [10, 80],
    "model": [
        {"name": "fast", "machine": {"mode": "fast"}},
        {"name": "detailed", "machine": {"mode": "detailed", "caches": {"memory_latency": 200}}},
    ],
}


def _checkpoints(out):
    return sorted(each for each in (out / ".warm-ups").iterdir() if each.suffix == ".checkpoint")


@pytest.mark.parametrize("run", ["target", "host"])
def test_points_that_differ_in_time_only_share_one_warm_up(config, tmp_path, run):
    frame = hvsim.sweep(_base(config, run), TIMING, out=tmp_path / "out", jobs=2)
    assert list(frame["stop"]) == ["finished"] * 4
    assert frame["result_hash"].nunique() == 4
    assert len(_checkpoints(tmp_path / "out")) == 1
    for row in frame.itertuples():
        alone = hvsim.run(hvsim.Runs(tmp_path / "out")[row.identity].config)
        assert alone["storm"].result_hash == row.result_hash  # who fast-forwards for itself
        assert alone["storm"].manifest["identity"] == row.identity


def test_points_that_software_can_tell_apart_do_not_share(config, tmp_path):
    grid = {
        "vms[0].arguments.iterations": ["20", "30"],
        "hypervisor.costs.own_lines": [True, False],
        "boot.fast_forward": ["symbol=guest::workload_main", "instructions=100000"],
        "boot.warm_instructions": [0, 5000],
    }
    frame = hvsim.sweep(_base(config), grid, out=tmp_path / "out")
    assert frame["identity"].nunique() == 16
    assert len(_checkpoints(tmp_path / "out")) == 4  # of 2 guests to 2 moments


def test_a_warm_up_that_is_damaged_is_made_anew(config, tmp_path):
    out = tmp_path / "out"
    first = hvsim.sweep(_base(config), {"machine.costs.trap_entry": [10, 80]}, out=out)
    (there,) = _checkpoints(out)
    good = there.read_bytes()
    there.write_bytes(good[: len(good) // 2])
    both = hvsim.sweep(_base(config), {"machine.costs.trap_entry": [10, 80, 90]}, out=out)
    assert there.read_bytes() == good
    assert list(both["result_hash"][:2]) == list(first["result_hash"])


def test_waiting_for_a_warm_up_that_is_shared_counts_against_no_limit(config, tmp_path):
    out, limit = tmp_path / "out", 3.0
    hvsim.sweep(_base(config), {"machine.costs.trap_entry": [10]}, out=out)
    (there,) = _checkpoints(out)
    with there.with_name(f"{there.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody else is making it
        release = threading.Timer(limit + 1.0, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        frame = hvsim.sweep(_base(config), {"machine.costs.trap_entry": [10, 80]}, out=out, time_limit=limit)
        release.join()
    assert list(frame["stop"]) == ["finished"] * 2


def test_a_warm_up_that_takes_too_long_fails_every_point(config):
    base = _base(config, at="cycles=100000000000")
    base["vms"][0]["arguments"] = {"iterations": 1_000_000_000}
    base["limits"] = {"max_cycles": 200_000_000_000}  # a fast machine makes 500 million in a second
    frame = hvsim.sweep(base, {"machine.costs.trap_entry": [10, 80]}, time_limit=1.0, jobs=2)
    assert list(frame["failure"]) == ["ran longer than its time limit of 1 s"] * 2


def test_runs_of_an_experiment_share_their_warm_up_on_the_command_line_too(config, tmp_path):
    base = _base(config, axes={"machine.costs.trap_entry": [10, 80]})
    file, out = tmp_path / "costs.json", tmp_path / "out"
    file.write_text(json.dumps(base))
    command = [str(binary()), "run", str(file), "--out", str(out), "--quiet"]
    subprocess.run(command, check=True, env=environment(), stdout=subprocess.DEVNULL)
    found = {each.name: json.loads((each / "manifest.json").read_text()) for each in out.iterdir()}
    assert len(found) == 2  # and no warm-up is left
    for manifest in found.values():
        own = {key: value for key, value in base.items() if key != "axes"}
        label = manifest["label"]
        alone = hvsim.run(
            own | {"name": f"storm-{label}"}, overrides={"machine.costs.trap_entry": int(label)}
        )
        assert alone[f"storm-{label}"].result_hash == manifest["result_hash"]


def test_a_moment_that_does_not_come_fails_every_point_with_its_reason(config):
    base = _base(config, at="instructions=100000000000")
    frame = hvsim.sweep(base, {"machine.costs.trap_entry": [10, 80]})
    assert frame["failure"].str.contains("did not come before the run was over").all()


def test_a_killed_sweep_with_a_warm_up_comes_to_the_same_table(config, tmp_path):
    base = _base(config, at="instructions=3000000", limits={"max_instructions": 3_100_000})
    base["vms"][0]["arguments"] = {"iterations": 100_000}
    grid = {"machine.costs.trap_entry": [10, 20, 40, 80]}
    file = tmp_path / "costs.json"
    file.write_text(json.dumps({"version": 1, "name": "costs", "base": base, "grid": grid}))

    def command(out):
        options = ["--out", str(tmp_path / out), "--jobs", "2", "--resume", "--quiet"]
        return [sys.executable, "-m", "hvsim", "sweep", str(file), *options]

    begin = time.monotonic()
    subprocess.run(command("whole"), check=False, capture_output=True, timeout=300)
    span = time.monotonic() - begin
    whole = (tmp_path / "whole" / "table.parquet").read_bytes()
    moments = random.Random(KILLS)
    for number in range(KILLS):
        with subprocess.Popen(command(f"killed-{number}"), stderr=subprocess.DEVNULL) as process:
            time.sleep(span * moments.random())
            process.kill()
        for _ in range(100):  # its workers die with it, which takes a moment
            done = subprocess.run(command(f"killed-{number}"), capture_output=True, text=True, timeout=300)
            if "no other sweep" not in done.stderr:
                break
            time.sleep(0.1)
        assert (tmp_path / f"killed-{number}" / "table.parquet").read_bytes() == whole
        left = {
            each.name.rpartition(".")[2] for each in (tmp_path / f"killed-{number}" / ".warm-ups").iterdir()
        }
        assert left == {"checkpoint", "lock"}
