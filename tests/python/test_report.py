"""Reports, looked at in headless Chromium without a network."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import hvsim
import pytest

STORM = {"iterations": 60, "work": 2, "calls_per_iteration": 8, "deferrable_percent": 90}
CHURN = {"rounds": 8, "burst": 64, "pause_us": 20000, "free_percent": 70}

# What a reader does: chooses another figure, then asks for it relative to the first line.
READER = """
<script type="module">
const wait = async test => { while (!test()) await new Promise(resolve => setTimeout(resolve, 20)); };
const change = (id, what) => {
  Object.assign(document.getElementById(id), what);
  document.getElementById(id).dispatchEvent(new Event("change"));
};
const shown = text => document.getElementById("curve").textContent.includes(text);
await wait(() => document.body.dataset.state != "drawing");
change("curve-y", {value: "exits"});
await wait(() => shown("exits (count)") || shown("exits"));
change("curve-relative", {checked: true});
await wait(() => shown("exits, relative to"));
document.body.dataset.reader = "content";
</script>
"""


def browse(page: Path, *options: str) -> str:
    """The page's DOM after its scripts have run, for at most 30 s of its time."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed (packages/test.txt)"
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1000,4000"]
    command += [f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=30000"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def storm():
    hypervisor = {"run": "host", "calls_per_notification": 8}
    machine = hvsim.Machine.preset("cva6-like", harts=2, memory_bytes="64MiB")
    return machine.with_guests("hypercall_storm", vms=2, hypervisor=hypervisor, arguments=STORM)


@pytest.fixture(scope="module")
def sweep(storm, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep") / "out"
    grid = {
        "machine.costs.trap_entry": [8, 400, 3000],
        "hypervisor.delivery": ["immediate", "dlh"],
        "seed": [1, 2],
    }
    hvsim.sweep(storm, grid, out=out, name="costs")
    return out


def test_a_sweeps_page_draws_itself_and_answers_its_reader(sweep, tmp_path):
    page = tmp_path / "report.html"
    text = hvsim.report(sweep, page)
    assert page.read_text("utf-8") == text
    assert len(text.encode()) < 5_000_000
    page.write_text((READER + "</body>").join(text.rsplit("</body>", 1)), "utf-8")
    dom = browse(page, "--dump-dom")
    assert 'data-state="ready"' in dom
    assert 'data-reader="content"' in dom
    charts = re.findall(r'<div class="chart[^>]*id="([^"]+)"[^>]*>(.*?)</div>', dom, re.DOTALL)
    assert len(charts) >= 6
    for name, content in charts:
        assert "<svg" in content, name
    words = unescape(re.sub("<[^>]+>", " ", dom))
    assert "12 points over machine.costs.trap_entry (3 values), hypervisor.delivery (2 values)" in words
    assert "95 % confidence intervals" in words


def test_a_runs_page_has_what_a_reader_looks_for(tmp_path):
    vm = {"workload": "page_churn", "memory_bytes": "8MiB", "arguments": CHURN}
    sharing = {"policy": "memory_map", "start_us": 20000, "period_us": 40000, "epoch_us": 10000}
    config = {
        "version": 1,
        "name": "churn",
        "description": "shares </script><b>memory</b>",
        "machine": {"harts": 2, "memory_bytes": "64MiB"},
        "hypervisor": {"run": "host", "delivery": "dlh", "sharing": sharing},
        "vms": [{"name": name, **vm} for name in ("left", "right")],
    }
    result = hvsim.run(config, out=tmp_path / "runs")["churn"]
    page = tmp_path / "report.html"
    hvsim.report(result.directory, page)
    dom = browse(page, "--dump-dom")
    assert 'data-state="ready"' in dom
    for section in ("Summary", "Where cycles went", "Exits", "Memory saved", "Figures", "The machine"):
        assert re.search(f"<h2[^>]*>{section}</h2>", dom), section
    words = unescape(re.sub("<[^>]+>", " ", dom))
    assert f"{result.saved_memory['saved'].max():,.1f} MiB at most" in words
    assert "shares </script><b>memory</b>" in words
    exits = result.exits[result.exits["cause"] != "RESUMED"]
    assert f"left {exits['count'].sum():,} times" in words
    assert "to go on after others had the hart" in words
    assert "left, guest and trap entry" in words
    printed = tmp_path / "report.pdf"
    browse(page, f"--print-to-pdf={printed}")
    assert printed.read_bytes().startswith(b"%PDF")
    assert printed.stat().st_size > 20_000


def test_a_page_asks_for_nothing_from_outside(sweep):
    text = hvsim.report(sweep)
    assert "default-src 'none'" in text
    markup = re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", text)
    assert re.findall(r'(?:src|href)="(?!data:|#)', markup) == []


def test_several_runs_are_one_page(storm, tmp_path):
    config = {**storm, "axes": {"hypervisor.delivery": ["immediate", "dlh"]}}
    hvsim.run(config, out=tmp_path / "runs")
    text = hvsim.report(tmp_path / "runs")
    assert "runs: 2 runs" in text
    assert text.count("ran to its end, and its guests reported success") == 2


def test_a_directory_without_results_is_refused(tmp_path):
    with pytest.raises(hvsim.ConfigError, match="expected a directory of a run"):
        hvsim.report(tmp_path)
    with pytest.raises(hvsim.ConfigError, match="expected a directory of a run"):
        hvsim.report(tmp_path / "absent")
