"""Types: the package keeps mypy's strict rules, and so may the scripts of its users."""

from __future__ import annotations

from pathlib import Path

from mypy import api

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import hvsim
import pandas as pd
from matplotlib.axes import Axes

machine: hvsim.Machine = hvsim.Machine.preset("cva6-like", harts=2).with_(costs={"trap_entry": 40})
results = hvsim.run(machine, "hypercall_storm", vms=2, delivery="dlh", arguments={"iterations": 9})
result: hvsim.Result = results["hypercall_storm"]
exits: pd.DataFrame = result.exits
axes: Axes = result.cpi_stack(["vm", "phase"]).plot()
same: bool = result.diff(result).same
told: str = result.describe("vms[0].delivery.latency_p99").help
frame: pd.DataFrame = hvsim.sweep(machine, {"seed": [1, 2]}, jobs=2, progress=lambda at: print(at.remaining))
crossing: list[hvsim.Crossing] = hvsim.break_even(frame, "seed", "cycles", by="delivery", of="a", against="b")
with hvsim.plots.paper():
    hvsim.plots.curve(frame, "seed", "cycles", by="delivery")
with hvsim.Session(machine, workload="hello", vms=2) as session:
    stop: hvsim.Stop = session.run_until(symbol="main", vm="hello-0")
    value: int = session.hart(stop.hart)["a0"]
    table: pd.DataFrame = session.vm("hello-0").stage_two()
    there: hvsim.Checkpoint = session.checkpoint("there.ckpt")
try:
    names: list[str] = hvsim.validate({"machine": {"hart": 2}})
except hvsim.ConfigError as error:
    path: str = error.path
page: str = hvsim.report("runs", "report.html")
"""

WRONG = """
hvsim.run(machine, jobs="two")
hvsim.sweep(machine, "machine.harts")
result.exits = exits
session.run_until(sybmol="main")
stop.cycle.upper()
"""


def test_a_users_script_is_checked_strictly(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + WRONG)
    begin = SCRIPT.count("\n") + 1
    said, trouble, _ = api.run(["--strict", "--no-error-summary", f"--cache-dir={tmp_path}", str(script)])
    assert trouble == ""
    lines = [int(line.split(":")[1]) for line in said.splitlines() if ": error: " in line]
    assert sorted(set(lines)) == list(range(begin + 1, begin + 1 + WRONG.count("\n") - 1)), said


def test_the_package_keeps_the_strict_rules(tmp_path):
    said, trouble, code = api.run(
        [
            f"--config-file={ROOT / 'pyproject.toml'}",
            f"--cache-dir={tmp_path}",
            str(ROOT / "python" / "hvsim"),
        ]
    )
    assert code == 0, said + trouble
