"""Sweeps that are killed, interrupted or run out of disk: nothing is lost, nothing runs twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import hvsim
import pandas as pd
import pytest
from sweeping import command, finish, long, short, wait_until_all_are_gone

# Moments at which a sweep is killed; `HVSIM_SWEEP_KILLS=50` asks for more.
KILLS = int(os.environ.get("HVSIM_SWEEP_KILLS", "3"))


def test_killed_at_any_moment_and_resumed_the_table_is_the_same(written, tmp_path, counted):
    """Half of the moments lie after so many runs have begun, half anywhere in the sweep's time."""
    begin = time.monotonic()
    assert finish(written, "--out", tmp_path / "whole", "--jobs", 2, "--csv").returncode == 4
    span = time.monotonic() - begin
    assert len(counted()) == 8
    moments = random.Random(KILLS)
    for number in range(KILLS):
        out, before = tmp_path / f"killed-{number}", len(counted())
        options = (written, "--out", out, "--jobs", 2, "--csv", "--resume")
        with subprocess.Popen(command(*options), stderr=subprocess.DEVNULL) as process:
            if number % 2:
                time.sleep(span * moments.random())
            else:
                last = before + moments.randint(1, 8)
                while len(counted()) < last and process.poll() is None:
                    time.sleep(0.002)
                time.sleep(0.1 * moments.random())
            process.kill()
        wait_until_all_are_gone(out)
        done = finish(*options)
        assert done.returncode == 4, done.stderr
        for table in ("table.parquet", "table.csv"):
            assert (out / table).read_bytes() == (tmp_path / "whole" / table).read_bytes(), number
        begun = counted()[before:]
        assert len(begun) <= 8 + 2  # those that ran at that moment are begun again, nothing else
        left = [path.name for path in out.iterdir() if path.name.startswith(".")]
        assert left == [".lock"]


def test_what_a_killed_sweep_had_finished_is_taken_over(written, tmp_path, counted):
    """The moment between a run's end and its publication, which is too short to be hit by chance."""
    out = tmp_path / "out"
    assert finish(written, "--out", out).returncode == 4
    table = (out / "table.parquet").read_bytes()
    session = out / ".staging" / "killed"
    session.mkdir(parents=True)
    (session / ".boot").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    finished = sorted(out.glob("small-*"))
    finished[0].rename(session / finished[0].name)
    (session / ".partial-small-x-1").mkdir()
    assert finish("--resume", "--out", out).returncode == 4
    assert len(counted()) == 8
    (out / ".staging" / "crashed").mkdir(parents=True)
    finished[1].rename(out / ".staging" / "crashed" / finished[1].name)
    assert finish("--resume", "--out", out).returncode == 4
    assert len(counted()) == 9  # nobody knows whether the machine went down since
    assert (out / "table.parquet").read_bytes() == table
    assert not (out / ".staging").exists()


def test_an_interrupted_sweep_says_so_and_resumes(config, tmp_path):
    file, out = tmp_path / "long.json", tmp_path / "out"
    file.write_text(json.dumps({"base": long(config), "grid": {"seed": [1, 2]}}))
    with subprocess.Popen(command(file, "--out", out), stderr=subprocess.PIPE, text=True) as process:
        while not list(out.glob(".staging/*/.boot")):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "--resume goes on" in errors
    wait_until_all_are_gone(out)
    assert not (out / ".staging").exists()
    assert finish("--resume", "--out", out, "--time-limit", 0.2).returncode == 3


def test_what_was_finished_when_it_was_interrupted_is_kept(config, tmp_path, counted):
    def dawdle(event):
        if event.done:  # the others go on meanwhile, and nobody hears of what they finish
            time.sleep(2)
            raise KeyboardInterrupt

    out, grid = tmp_path / "out", {"seed": list(range(1, 7))}
    with pytest.raises(KeyboardInterrupt):
        hvsim.sweep(short(config), grid, out=out, jobs=3, progress=dawdle)
    kept = list(out.glob("small-*"))
    assert len(kept) >= 3
    begun = len(counted())
    hvsim.sweep(short(config), grid, out=out)
    assert len(counted()) == begun + 6 - len(kept)


def test_a_full_disk_is_no_fault_of_the_run(config, tmp_path):
    out, grid = tmp_path / "out", {"seed": [1, 2]}
    full = {"observe.trace": "count=10", "observe.trace_output": "/dev/full"}
    words = r"^results cannot be written: observe\.trace_output: \"/dev/full\": No space left on device"
    with pytest.raises(hvsim.Error, match=words):
        hvsim.sweep(config(), grid, overrides=full, out=out)
    assert not list(out.glob("failed/*"))
    with pytest.raises(hvsim.Error, match=words) as refused:
        hvsim.run(config(), overrides=full)
    assert not isinstance(refused.value, hvsim.ConfigError)
    assert hvsim.sweep(config(), grid, out=out)["failure"].isna().all()


def test_a_full_disk_fails_no_run_whose_directory_has_no_place(config, tmp_path, monkeypatch):
    """A file system of one page, which a run directory does not fit into."""
    small, out = tmp_path / "small", tmp_path / "out"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", small]).returncode != 0:
        pytest.skip("needs root, to mount a small file system")
    try:
        monkeypatch.setattr("hvsim._store._STAGING", str(small / "staging"))
        with pytest.raises(hvsim.Error, match=r"^results cannot be written: .*No space left on device"):
            hvsim.sweep(short(config), {"seed": [1]}, out=out)
    finally:
        subprocess.run(["umount", small], check=True)
    assert not list(out.glob("failed/*"))
    monkeypatch.undo()
    assert hvsim.sweep(short(config), {"seed": [1]}, out=out)["failure"].isna().all()


def test_limits_and_csv_outlive_a_kill(config, tmp_path):
    file, out = tmp_path / "long.json", tmp_path / "out"
    file.write_text(json.dumps({"base": long(config), "grid": {"seed": [1]}}))
    assert finish(file, "--out", out, "--time-limit", 0.3, "--csv").returncode == 3
    (out / "table.csv").write_text("old\n")
    shutil.rmtree(out / "failed")
    began = time.monotonic()
    assert finish("--resume", "--out", out).returncode == 3
    assert time.monotonic() - began < 60
    assert "time limit of 0.3 s" in (out / "table.csv").read_text()


def test_a_run_whose_statistics_were_cut_off_runs_again(config, tmp_path, counted):
    out = tmp_path / "out"
    before = hvsim.sweep(short(config), {"seed": [1]}, out=out)
    stats = next(out.glob("small-*")) / "stats.json"
    stats.write_bytes(stats.read_bytes()[:1000])
    pd.testing.assert_frame_equal(hvsim.sweep(short(config), {"seed": [1]}, out=out), before)
    assert len(counted()) == 2
