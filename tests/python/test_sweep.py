"""Sweeps: one table of all runs; runs that fail harm nobody else."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path

import hvsim
import pandas as pd
import pytest
from hvsim._worker import _family
from sweeping import finish, long, short


def test_the_table_has_coordinates_figures_and_units(config):
    frame = hvsim.sweep(config(), {"machine.caches.memory_latency": [20, 200]}, jobs=2)
    assert list(frame["machine.caches.memory_latency"]) == [20, 200]
    assert list(frame["stop"]) == ["finished"] * 2
    assert frame["cycles"].is_monotonic_increasing
    assert frame["failure"].isna().all()
    assert frame.attrs["units"]["cycles"] == "cycles"
    assert frame.attrs["units"]["delivery.latency_p50"] == "cycles"
    alone = hvsim.run(config(), overrides={"machine.caches.memory_latency": 200})["small"]
    assert frame["result_hash"].iloc[1] == alone.result_hash
    assert frame["cycles"].iloc[1] == alone.stats.loc["cycles", "value"]


def test_the_files_hold_the_table_that_was_returned(config, tmp_path):
    out = tmp_path / "out"
    frame = hvsim.sweep(short(config), {"seed": [1, 2]}, out=out, csv=True)
    stored = pd.read_parquet(out / "table.parquet")
    pd.testing.assert_frame_equal(stored, frame)
    assert stored.attrs == frame.attrs
    assert list(pd.read_csv(out / "table.csv")["seed"]) == [1, 2]
    names = {path.name for path in out.iterdir() if path.name[0] != "."}
    runs = {f"small-{identity}" for identity in frame["identity"]}
    assert names == runs | {"sweep.json", "table.parquet", "table.csv"}
    read = hvsim.Runs(out)
    assert set(read) == set(frame["identity"])
    assert read[frame["identity"][1]].config["seed"] == 2
    with pytest.raises(hvsim.RunError, match="no run directory"):
        hvsim.Runs(tmp_path)


def test_nothing_that_was_finished_runs_again(config, tmp_path, counted):
    out = tmp_path / "out"
    hvsim.sweep(short(config), {"seed": [1, 2]}, out=out)
    frame = hvsim.sweep(short(config), {"seed": [1, 2, 3]}, out=out)
    assert list(frame["seed"]) == [1, 2, 3]
    assert len(counted()) == len(set(counted())) == 3


def test_points_of_one_config_share_its_run(config, counted):
    frame = hvsim.sweep(short(config), {"name": ["x", "y"], "seed": [1, 2]})
    assert len(frame) == 4
    assert len(counted()) == 2
    assert list(frame["result_hash"][:2]) == list(frame["result_hash"][2:])


def test_runs_that_fail_are_recorded_with_their_reason_and_the_rest_go_on(config, tmp_path, counted):
    out = tmp_path / "out"
    frame = hvsim.sweep(short(config), {"seed": [12, 13, 14, 15]}, out=out)
    assert list(frame["stop"].fillna("-")) == ["cycle_limit", "-", "-", "cycle_limit"]
    assert frame["failure"].iloc[1] == "thirteen is not for me"
    assert frame["failure"].iloc[2] == "died of signal 11 (SIGSEGV)"
    records = sorted(json.loads(path.read_text())["reason"] for path in (out / "failed").iterdir())
    assert records == ["died of signal 11 (SIGSEGV)", "thirteen is not for me"]
    begun = len(counted())
    again = hvsim.sweep(short(config), {"seed": [12, 13, 14, 15]}, out=out)
    pd.testing.assert_frame_equal(again, frame)
    assert len(counted()) == begun
    hvsim.sweep(short(config), {"seed": [12, 13, 14, 15]}, out=out, retry_failed=True)
    assert len(counted()) == begun + 2


def test_a_run_beyond_its_time_limit_fails(config):
    frame = hvsim.sweep(long(config), {"seed": [1]}, time_limit=0.5)
    assert frame["failure"].iloc[0] == "ran longer than its time limit of 0.5 s"


def test_a_run_beyond_its_memory_limit_fails(config):
    frame = hvsim.sweep(long(config), {"seed": [1]}, memory_limit="1MiB", time_limit=60)
    assert frame["failure"].iloc[0] == "used more memory than its limit of 1048576 bytes"


def test_progress_counts_up_to_all_runs(config):
    events = []
    hvsim.sweep(short(config), {"seed": [1, 2, 3]}, progress=events.append)
    assert [event.done for event in events] == [0, 1, 2, 3]
    assert events[0].remaining is None
    assert events[-1].remaining == 0
    assert events[-1].total == 3


def test_what_a_run_starts_uses_its_memory_too():
    with subprocess.Popen(["sleep", "60"]) as child:
        assert child.pid in _family(os.getpid())
        child.kill()


def test_a_figure_called_as_an_axis_is_stays_beside_it(config):
    variants = [{"name": "few", "seed": 1}, {"name": "many", "seed": 2}]
    frame = hvsim.sweep(short(config), {"cycles": variants})
    assert list(frame["cycles"]) == ["few", "many"]
    assert (frame["summary.cycles"] >= 1000).all()
    assert frame.attrs["units"]["summary.cycles"] == "cycles"


def test_an_output_of_something_else_is_refused(config, tmp_path, written):
    (tmp_path / "something").write_text("")
    with pytest.raises(hvsim.ConfigError, match="one of a sweep"):
        hvsim.sweep(short(config), {"seed": [1]}, out=tmp_path)
    assert finish(written, "--out", tmp_path / "out").returncode == 4
    again = finish(written, "--out", tmp_path / "out")
    assert again.returncode == 2
    assert "resume" in again.stderr


def test_results_of_another_build_are_not_mixed_in(config, tmp_path, monkeypatch):
    hvsim.sweep(short(config), {"seed": [1]}, out=tmp_path / "out")
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\nexit 3\n")
    other.chmod(0o755)
    monkeypatch.setenv("HVSIM_SIMULATOR", str(other))
    with pytest.raises(hvsim.ConfigError, match="this build"):
        hvsim.sweep(short(config), {"seed": [1, 2]}, out=tmp_path / "out")


def test_two_sweeps_do_not_share_a_directory_at_once(config, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(hvsim.ConfigError, match="no other sweep"):
            hvsim.sweep(short(config), {"seed": [1]}, out=out)


def test_the_plan_is_shown_without_running(written, tmp_path):
    done = finish(written, "--plan", "--out", tmp_path / "out", "--set", "seed=5")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 9
    assert not (tmp_path / "out").exists()


def test_an_experiment_is_a_sweep_of_its_own_axes(config, tmp_path):
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(short(config, axes={"seed": [1, 2], "machine.harts": [1, 2]})))
    frame = hvsim.sweep(file)
    assert list(zip(frame["seed"], frame["machine.harts"], strict=True)) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_the_sweeps_of_the_repository_can_be_run():
    root = Path(__file__).resolve().parents[2]
    for file in sorted((root / "configs" / "sweeps").glob("*.json")):
        done = finish(file, "--plan")
        assert done.returncode == 0, done.stderr


def test_paths_start_at_the_sweeps_folder_wherever_it_is_resumed(config, tmp_path, monkeypatch):
    folder, out = tmp_path / "sweep", tmp_path / "out"
    folder.mkdir()
    for name in ("a", "b"):
        shutil.copy(Path(hvsim.__file__).parent / "images" / "hello.elf", folder / f"{name}.elf")
    base = short(config, vms=[{"name": "a", "workload": "./a.elf"}])
    axes = {"vms[*].workload": ["./a.elf", "./b.elf"]}
    (folder / "images.json").write_text(json.dumps({"base": base, "grid": axes}))
    monkeypatch.chdir(folder)
    assert finish("images.json", "--out", out).returncode == 4
    table = (out / "table.parquet").read_bytes()
    monkeypatch.chdir(tmp_path)
    for command_line in (["--resume", "--out", out], ["sweep/images.json", "--out", tmp_path / "again"]):
        assert finish(*command_line).returncode == 4
        assert (Path(command_line[-1]) / "table.parquet").read_bytes() == table
    assert list(pd.read_parquet(out / "table.parquet")["vms[*].workload"]) == ["./a.elf", "./b.elf"]
