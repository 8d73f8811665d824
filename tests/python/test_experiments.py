"""The ready experiments: their configs can be used, pages tell of them, and tables come of their results."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import hvsim
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "experiments"
CONFIGS = sorted((ROOT / "configs" / "experiments").glob("*.json"))

sys.path.insert(0, str(PAGES))
import dlh_tables  # noqa: E402
import sharing_tables  # noqa: E402
import tables  # noqa: E402


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_it_stands_for_runs(config):
    try:
        assert hvsim.validate(config)
    except hvsim.ConfigError as error:
        # Kernels of distributions are fetched by a command; everything else has been checked by then.
        assert error.path.endswith(("workload", "boot.image"))
        assert "hvsim guest fetch" in error.expected


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_page_tells_of_it(config):
    pages = [*PAGES.glob("*.md"), ROOT / "docs" / "speed.md"]
    assert any(config.stem in page.read_text() for page in pages)


def test_every_cross_table_is_of_an_experiment():
    names = {json.loads(config.read_text())["name"] for config in CONFIGS}
    assert {*dlh_tables.PAGE, *sharing_tables.PAGE} <= names


def said(experiment: str, folder: Path, only: set[str] | None = None, **arguments: int) -> Path:
    """What `hvsim run --json` writes of short runs of an experiment, or of some of its variants."""
    path = ROOT / f"configs/experiments/{experiment}.json"
    written = json.loads(path.read_text())
    axes = {
        key: [
            value for value in values if only is None or not isinstance(value, dict) or value["name"] in only
        ]
        for key, values in written["axes"].items()
    }
    results = hvsim.run(
        {**written, "axes": axes},
        folder=path.parent,
        overrides={f"vms[*].arguments.{key}": value for key, value in arguments.items()},
        out=folder / "runs",
    )
    runs = [
        {
            "label": label,
            "exit_code": result.manifest["exit_code"],
            "directory": str(result.directory),
            "summary": json.loads((result.directory / "stats.json").read_text())["summary"],
        }
        for label, result in results.items()
    ]
    file = folder / f"{experiment}.json"
    file.write_text(json.dumps({"experiment": written["name"], "runs": runs}))
    return file


def cells(text: str, row: str) -> list[str]:
    """Of the first row that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_tables_of_deliveries(tmp_path):
    text = tables.text(said("dlh_deliveries", tmp_path, iterations=10))
    immediate, deferred = cells(text, "immediate"), cells(text, "dlh-8")
    assert int(deferred[2]) < int(immediate[2])  # exits
    assert " + " in cells(text, "polling")[1]  # its hart's time is told apart
    assert "failed" not in text and "exit code" not in text


def test_tables_of_sharing_policies(tmp_path):
    text = tables.text(said("sharing_policies", tmp_path, {"none", "map"}, rounds=6, free_percent=50))
    saved = {policy: float(cells(text, f"1-{policy}")[2]) for policy in ("none", "map")}
    assert saved["none"] == 0
    assert saved["map"] > 10  # of 32 MiB, half of them free
    assert "exit code" not in text


def made(label: str, cost: float) -> dict[str, Any]:
    """A run of one call that cost the guest so many cycles, and nobody else any."""
    summary = defaultdict(int, hypercalls_done=1, guest_cycles=cost, delivery=defaultdict(int))
    return {"label": label, "exit_code": 0, "summary": summary}


def test_a_page_gets_the_tables_that_its_comments_name():
    experiment = tables.Experiment("dlh_exit_cost", [made(f"dlh-{trap}", 7) for trap in (16, 500)])
    page = "a\n\n<!-- dlh_exit_cost: cycles per call -->\n\nb\n"
    with_table = page.replace("-->\n", "-->\n\n| delivery | 16 | 500 |\n|---|---|---|\n| dlh | 7 | 7 |\n")
    assert tables.fill(page, [experiment]) == with_table
    assert tables.fill(with_table, [experiment]) == with_table
    assert tables.fill(page, []) == page
    with pytest.raises(SystemExit, match="no table 'cycles per cell'"):
        tables.fill(page.replace("per call", "per cell"), [experiment])


def test_what_is_no_experiment_is_told_in_a_line(tmp_path):
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "other.json").write_text("[]")
    for name, words in (("empty", "expected what"), ("other", "expected what"), ("absent", "No such file")):
        with pytest.raises(SystemExit, match=rf"{name}\.json: {words}"):
            tables.text(tmp_path / f"{name}.json")


def test_a_break_even_is_where_the_fit_meets_an_immediate_call():
    runs = [made("immediate", 2000), *(made(f"dlh-{n}", 1500 / n + 1000) for n in (1, 2, 4, 8))]
    immediate, found = dlh_tables.fits(tables.Experiment("dlh_notification", runs))
    assert found["dlh"].per_trap == pytest.approx(1500)
    assert found["dlh"].break_even(immediate) == pytest.approx(1.5)
    assert found["dlh"].break_even(900) is None
