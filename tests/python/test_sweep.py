"""Sweeps: one table however they ran, whatever stopped them; runs that fail harm nobody else."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import hvsim
import pandas as pd
import pytest
from hvsim._worker import _family, binary

# Moments at which a sweep is killed; `HVSIM_SWEEP_KILLS=50` asks for more.
KILLS = int(os.environ.get("HVSIM_SWEEP_KILLS", "3"))


def short(config, **changes):
    """A run that ends at once."""
    return config(limits={"max_cycles": 1000}, **changes)


@pytest.fixture
def written(config, tmp_path):
    """A sweep of eight short runs, as a file."""
    path = tmp_path / "costs.json"
    grid = {"machine.costs.trap_entry": [10, 20, 40, 80], "hypervisor.delivery": ["immediate", "dlh"]}
    path.write_text(json.dumps({"version": 1, "name": "costs", "base": short(config), "grid": grid}))
    return path


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """The simulator, noting the identity of each run that it begins; some it may refuse to do."""
    log, script = tmp_path / "begun", tmp_path / "simulator"
    log.touch()
    script.write_text(
        rf"""#!/bin/sh
input=/proc/self/fd/$3
grep -o '"identity": "[0-9a-f]*"' $input >> {log}
if grep -q '"seed": 13\b' $input; then echo "thirteen is not for me" >&2; exit 3; fi
if grep -q '"seed": 14\b' $input; then kill -SEGV $$; fi
exec {binary()} "$@"
"""
    )
    script.chmod(0o755)
    monkeypatch.setenv("HVSIM_SIMULATOR", str(script))
    return lambda: log.read_text().splitlines()


def command(*arguments):
    return [sys.executable, "-m", "hvsim", "sweep", *map(str, arguments)]


def finish(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300)


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


def long(config):
    work = {"name": "a", "workload": "compute", "arguments": {"crc": "100000000"}}
    return config(vms=[work], limits={"max_cycles": 200_000_000_000})


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


def command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()


def wait_until_all_are_gone(out):
    """Workers of a sweep that was killed."""
    deadline = time.monotonic() + 10
    pattern = str(out).encode()
    while time.monotonic() < deadline:
        if not any(pattern in line and b"run-one" in line for line in command_lines()):
            return
        time.sleep(0.02)
    raise AssertionError("workers outlive their sweep")


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


def test_a_run_whose_statistics_were_cut_off_runs_again(config, tmp_path, counted):
    out = tmp_path / "out"
    before = hvsim.sweep(short(config), {"seed": [1]}, out=out)
    stats = next(out.glob("small-*")) / "stats.json"
    stats.write_bytes(stats.read_bytes()[:1000])
    pd.testing.assert_frame_equal(hvsim.sweep(short(config), {"seed": [1]}, out=out), before)
    assert len(counted()) == 2


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
