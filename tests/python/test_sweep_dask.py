"""Sweeps beyond one process: Dask's local cluster, a scheduler elsewhere, Slurm."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time

import hvsim
import pandas as pd
import pytest
from sweeping import command, finish, short, wait_until_all_are_gone


def test_local_dask_workers_give_the_same_table(written, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    assert finish(written, "--out", here, "--csv").returncode == 4  # a limit ends each run
    done = finish(written, "--out", there, "--csv", "--dask", "local", "--jobs", 2)
    assert done.returncode == 4, done.stderr
    for table in ("table.parquet", "table.csv"):
        assert (here / table).read_bytes() == (there / table).read_bytes()


@contextlib.contextmanager
def cluster(folder):
    """A Dask scheduler and two workers, as programs of their own; yields the scheduler and its address."""
    folder.mkdir()
    file, options = folder / "scheduler.json", ("--no-dashboard", "--scheduler-file")
    program = (sys.executable, "-m", "distributed.cli.dask_")
    with contextlib.ExitStack() as stack:

        def start(what, *arguments):
            words = [*program[:2], program[2] + what, *options, str(file), *arguments]
            process = stack.enter_context(subprocess.Popen(words, stderr=subprocess.DEVNULL))
            stack.callback(process.kill)
            return process

        scheduler = start("scheduler", "--port", "0", "--host", "127.0.0.1")
        for _ in range(2):
            start("worker", "--nthreads", "1", "--death-timeout", "5", "--no-nanny")
        while not file.exists():
            assert scheduler.poll() is None
            time.sleep(0.05)
        yield scheduler, json.loads(file.read_text())["address"]


def test_a_sweep_whose_dask_scheduler_dies_says_so_and_resumes_elsewhere(config, tmp_path, counted):
    work = {"name": "a", "workload": "compute", "arguments": {"crc": "100000000"}}
    base = config(vms=[work], limits={"max_cycles": 50_000_000})
    file, here, there = tmp_path / "sweep.json", tmp_path / "here", tmp_path / "there"
    file.write_text(json.dumps({"base": base, "grid": {"seed": [1, 2, 3, 4, 5, 6]}}))
    assert finish(file, "--out", here, "--csv").returncode == 4
    before = len(counted())
    with cluster(tmp_path / "first") as (scheduler, address):
        words = command(file, "--out", there, "--csv", "--dask", address)
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
            while len(counted()) < before + 4:  # two have ended
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.01)
            scheduler.kill()
            try:
                _, errors = process.communicate(timeout=60)
            finally:
                process.kill()
    assert process.returncode == 3, errors
    assert "(--resume) goes on" in errors and "Traceback" not in errors
    wait_until_all_are_gone(there)
    assert 2 <= len(list(there.glob("small-*"))) < 6
    with cluster(tmp_path / "second") as (_, address):
        done = finish("--resume", "--out", there, "--csv", "--dask", address)
    assert done.returncode == 4, done.stderr
    for table in ("table.parquet", "table.csv"):
        assert (here / table).read_bytes() == (there / table).read_bytes()
    assert len(counted()) - before <= 6 + 2


def test_a_dask_worker_that_sees_another_folder_is_told(config, tmp_path):
    from hvsim._executors import perform, simulator_hash
    from hvsim._worker import Limits, Task

    with pytest.raises(hvsim.Error, match="does not see"):
        perform(Task("a", "a-0", "{}"), str(tmp_path / "absent"), Limits(), simulator_hash())
    with pytest.raises(hvsim.Error, match="another build"):
        perform(Task("a", "a-0", "{}"), str(tmp_path), Limits(), "0123")
    with pytest.raises(hvsim.Error, match="other images"):
        perform(Task("a", "a-0", json.dumps(config())), str(tmp_path), Limits(), simulator_hash())


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1:1", "elsewhere"])
def test_an_address_without_scheduler_is_refused(config, address):
    with pytest.raises(hvsim.ConfigError, match=address):
        hvsim.sweep(short(config), {"seed": [1]}, dask=address)


def test_a_cluster_without_workers_is_not_waited_for_for_ever(config):
    from distributed.deploy.subprocess import SubprocessCluster

    with (
        SubprocessCluster(n_workers=0, dashboard_address=None) as cluster,
        pytest.raises(hvsim.Error, match=r"no worker for 0\.5 s.*--worker-timeout"),
    ):
        hvsim.sweep(short(config), {"seed": [1]}, dask=cluster.scheduler_address, worker_timeout=0.5)


def test_importing_dasks_job_queues_leaves_ctrl_c_alone():
    script = (
        "import signal\nfrom hvsim._executors import _import\n_import('dask_jobqueue', 'slurm')\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_slurm_jobs_are_submitted_as_dasks_configuration_says(config, tmp_path, monkeypatch):
    """A stand-in for sbatch runs a copy of the job's script on this machine, as Slurm would."""
    import dask

    sbatch, scancel = tmp_path / "sbatch", tmp_path / "scancel"
    sbatch.write_text(
        f"""#!/bin/sh
cp "$1" {tmp_path}/script.sh
sh {tmp_path}/script.sh >{tmp_path}/job.log 2>&1 &
echo "Submitted batch job $!"
"""
    )
    scancel.write_text("#!/bin/sh\nkill $*\n")
    for program in (sbatch, scancel):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    job = {"cores": 1, "memory": "1GiB", "queue": "short", "interface": "lo"}
    with dask.config.set({f"jobqueue.slurm.{key}": value for key, value in job.items()}):
        frame = hvsim.sweep(short(config), {"seed": [1, 2]}, dask="slurm", jobs=1, out=tmp_path / "out")
    assert "#SBATCH -p short" in (tmp_path / "script.sh").read_text()
    pd.testing.assert_frame_equal(frame, hvsim.sweep(short(config), {"seed": [1, 2]}))
