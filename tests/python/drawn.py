"""What a page of a report has drawn, read back from the browser: data, places and sizes of marks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Vega leaves what it drew on the elements that it drew it with. Boxes are the browser's own, in pixels.
_DUMP = """
<script type="module">
const wait = async test => { while (!test()) await new Promise(resolve => setTimeout(resolve, 20)); };
const drawn = () => [...document.querySelectorAll(".chart[id]")].flatMap(chart => {
  const of = ({mark, datum, x, y, y2}) => ({chart: chart.id, kind: mark.marktype, datum, x, y, y2});
  return [...chart.querySelectorAll("svg .role-mark path, svg .role-mark line")].flatMap(node => {
    const item = node.__data__;
    if (!item || !item.mark) return [];
    if (item.mark.marktype == "line") return item.mark.items.map(of);
    const box = node.getBBox();
    return [{...of(item), width: box.width}];
  });
});
// Labels of an axis, or of a legend, that touch each other.
const labels = ".role-axis-label, .role-legend-label";
const touching = () => [...document.querySelectorAll(labels)].flatMap(part => {
  const texts = [...part.querySelectorAll("text")];
  const shown = texts.filter(each => each.textContent && each.style.opacity != 0);
  const boxes = shown.map(each => [each.textContent, each.getBoundingClientRect()]);
  const beside = (a, b) => a.right + 2 < b.left || b.right + 2 < a.left;
  const above = (a, b) => a.bottom <= b.top + 2 || b.bottom <= a.top + 2;
  const touch = ([, a], [, b]) => !beside(a, b) && !above(a, b);
  const after = (one, i) => boxes.slice(i + 1).filter(each => touch(one, each));
  return boxes.flatMap((one, i) => after(one, i).map(each => [one[0], each[0]]));
});
const keep = name => {
  const kept = document.createElement("script");
  Object.assign(kept, {type: "application/json", id: name, textContent: JSON.stringify(drawn())});
  document.body.append(kept);
};
await wait(() => document.body.dataset.state != "drawing");
keep("drawn-first");
document.body.dataset.touching = JSON.stringify(touching());
READER
document.body.dataset.reader = "content";
</script>
"""


class Mark(NamedTuple):
    """One thing that stands for a datum."""

    chart: str
    kind: str
    datum: dict[str, Any]
    x: float
    y: float
    y2: float
    width: float


class Seen(NamedTuple):
    """A page after its scripts have run."""

    dom: str

    @property
    def words(self) -> str:
        """Its text, without its scripts."""
        return unescape(re.sub(r"(?s)<script.*?</script>|<[^>]+>", " ", self.dom))

    def table(self, *cells: str) -> bool:
        """Whether a table has a row that begins with these cells."""
        row = "".join(rf'<td(?: class="\w+")?>{re.escape(cell)}</td>' for cell in cells)
        return re.search(f"<tr>{row}", self.dom) is not None

    def tables(self, kind: str) -> list[list[str]]:
        """Columns of tables of a class."""
        found = re.findall(rf'(?s)<table[^>]* class="{kind}"[^>]*>(.*?)</thead>', self.dom)
        return [re.findall(r"<th[^>]*>([^<]*)</th>", head) for head in found]

    def marks(self, kind: str, chart: str = "", moment: str = "first") -> list[Mark]:
        """Those of a kind, in the order of drawing."""
        found = re.search(
            rf'(?s)<script type="application/json" id="drawn-{moment}">(.*?)</script>', self.dom
        )
        assert found, f"nothing was kept at {moment}"
        names = ("chart", "kind", "datum", "x", "y", "y2", "width")
        all_marks = [Mark(*(each.get(name) for name in names)) for each in json.loads(found[1])]
        return [each for each in all_marks if each.kind == kind and each.chart.startswith(chart)]


def browse(page: Path, *options: str) -> str:
    """What headless Chromium prints, after at most 30 s of the page's time. There is no network."""
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed (packages/test.txt)"
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1000,4000"]
    command += [f"--user-data-dir={page.parent / 'profile'}", "--virtual-time-budget=30000"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout


def look_at(text: str, folder: Path, reader: str = "") -> Seen:
    """The page in the browser, and what it shows after a reader's script has acted."""
    page = folder / "looked-at.html"
    script = _DUMP.replace("READER", reader)
    page.write_text((script + "</body>").join(text.rsplit("</body>", 1)), "utf-8")
    seen = Seen(browse(page, "--dump-dom"))
    assert 'data-state="ready"' in seen.dom
    assert 'data-reader="content"' in seen.dom
    assert 'data-touching="[]"' in seen.dom, re.findall('data-touching="[^"]*"', seen.dom)
    return seen


def on_a_line(values: list[float], pixels: list[float]) -> bool:
    """Whether pixels are where a linear scale puts the values, to half a pixel."""
    slope, start = np.polyfit(values, pixels, 1)
    return bool(np.abs(slope * np.array(values) + start - np.array(pixels)).max() < 0.5)
