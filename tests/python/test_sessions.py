"""Where Python code comes from does not matter: standard input, notebooks, threads, interruptions."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hvsim
import nbclient
import nbformat
from jupyter_client.manager import start_new_kernel

TWO_RUNS = """
import json, sys, hvsim
config = json.loads({config!r})
hashes = [hvsim.run(config, jobs=2)["small"].result_hash for _ in range(2)]
assert hashes[0] == hashes[1]
print(hashes[0])
"""


def test_runs_from_standard_input(config):
    script = TWO_RUNS.format(config=json.dumps(config()))
    done = subprocess.run([sys.executable, "-"], input=script, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == hvsim.run(config())["small"].result_hash


def test_two_runs_in_one_notebook(config):
    cells = [
        f"import hvsim, json\nconfig = json.loads({json.dumps(config())!r})",
        "hvsim.run(config).table()",
        "hvsim.run(config)['small'].exits",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for cell in notebook.cells[1:]:
        assert "<table" in cell.outputs[0]["data"]["text/html"]


def test_threads_may_run_at_the_same_time(config):
    with ThreadPoolExecutor(3) as threads:
        hashes = {result["small"].result_hash for result in threads.map(hvsim.run, [config()] * 3)}
    assert len(hashes) == 1


def _long_config(config):
    """A run that takes many seconds."""
    return config(
        vms=[{"name": "a", "workload": "compute", "arguments": {"crc": "100000000"}}],
        limits={"max_cycles": 200_000_000_000},
    )


def _workers_of(parent: int) -> list[str]:
    lists = Path("/proc", str(parent), "task").glob("*/children")
    return [child for each in lists for child in each.read_text().split()]


def test_an_interrupt_stops_the_workers_and_leaves_no_half_run(config, tmp_path):
    script = (
        f"import json, hvsim\nconfig = json.loads({json.dumps(_long_config(config))!r})\n"
        f"hvsim.run(config, out={str(tmp_path / 'out')!r})\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not _workers_of(process.pid):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        workers = _workers_of(process.pid)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    for worker in workers:
        assert not Path("/proc", worker).exists()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_notebooks_stop_button_ends_the_runs_and_the_notebook_goes_on(config):
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        long, short = json.dumps(_long_config(config)), json.dumps(config())
        client.execute("import json, os, hvsim")
        for call in ("hvsim.run(config)", "hvsim.sweep(config, {'seed': [1, 2]})"):
            # A kernel that stops on errors throws away what comes right behind one.
            begun = client.execute(f"config = json.loads({long!r})\n{call}", stop_on_error=False)
            deadline = time.monotonic() + 60
            while not (workers := _workers_of(manager.provisioner.pid)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            manager.interrupt_kernel()
            while (reply := client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != begun:
                pass
            assert reply["content"]["ename"] == "KeyboardInterrupt"
            for worker in workers:
                assert not Path("/proc", worker).exists()
        after = client.execute_interactive(
            f"assert hvsim.run(json.loads({short!r}))['small'].passed", timeout=60
        )
        assert after["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
