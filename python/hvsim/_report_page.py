"""The page of a report: sections and charts in one HTML file that needs nothing from outside."""

from __future__ import annotations

import contextlib
import html
import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from hvsim import _table
from hvsim._errors import Error

_PACKAGE = Path(__file__).parent


class Page:
    """A page in the making: call the methods in the order of reading."""

    def __init__(self, title: str, subtitle: str) -> None:
        self._title = title
        self._head = f"<h1>{html.escape(title)}</h1><p>{html.escape(subtitle)}</p>"
        self._body: list[str] = []
        self._sections: list[tuple[str, str]] = []
        self._charts: dict[str, Any] = {}
        self._curves: list[dict[str, Any]] = []

    def section(self, title: str) -> None:
        """Begin one."""
        anchor = f"section-{len(self._sections)}"
        self._sections.append((anchor, title))
        self._body.append(f'<h2 id="{anchor}">{html.escape(title)}</h2>')

    def words(self, sentences: Sequence[str]) -> None:
        """A paragraph per sentence."""
        self._body += [f"<p>{html.escape(each)}</p>" for each in sentences]

    def note(self, text: str) -> None:
        """A remark in small letters."""
        self._body.append(f'<p class="note">{html.escape(text)}</p>')

    def chart(self, spec: dict[str, Any]) -> None:
        """A Vega-Lite chart."""
        name = f"chart-{len(self._charts)}"
        self._charts[name] = spec
        self._body.append(f'<div class="chart" id="{name}"></div>')

    def curves(self, curves: Sequence[dict[str, Any]]) -> None:
        """A chart of which the reader chooses what goes along x and y."""
        self._curves = list(curves)
        for name, words in (("x", "along"), ("y", "of")):
            values = list(dict.fromkeys(each[name] for each in curves))
            choices = "".join(f"<option>{html.escape(value)}</option>" for value in values)
            label = f'<label>{words} <select id="curve-{name}">{choices}</select></label>'
            self._body.append(f'<div class="controls">{label}' if name == "x" else label)
        disabled = "" if any(each["relative"] for each in curves) else " disabled"
        check = f'<input type="checkbox" id="curve-relative"{disabled}>'
        self._body.append(f"<label>{check} relative to the first line</label></div>")
        self._body.append('<div class="chart" id="curve"></div>')

    def drawing(self, svg: str) -> None:
        """SVG as it is."""
        self._body.append(svg)

    def table(self, frame: pd.DataFrame, *, folded: str = "", keys: int = 1) -> None:
        """A frame with its index; if `folded` gives a title, it opens at a click.

        `keys` columns tell what a row is of. Each part of a table that is too wide for paper has them.
        """
        names = [*frame.index.names, *frame.columns]
        numbers = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns]
        texts = [True] * frame.index.nlevels + [not number for number in numbers]
        kinds = [' class="text"' if text else "" for text in texts]
        head = "".join(f"<th{k}>{html.escape(str(n or ''))}</th>" for n, k in zip(names, kinds, strict=True))
        rows = []
        for key, row in frame.iterrows():
            cells = (*(key if isinstance(key, tuple) else (key,)), *row)
            rows.append("<tr>" + "".join(map(_cell, cells)) + "</tr>")
        body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        body = f'<table data-keys="{keys}">{body}</table>'
        shown = f'<div class="scroll">{body}</div>'
        if folded:
            shown = f"<details><summary>{html.escape(folded)}</summary>{shown}</details>"
        self._body.append(shown)

    def folded(self, title: str, text: str) -> None:
        """Text that opens at a click and is not printed."""
        body = f"<summary>{html.escape(title)}</summary><pre>{html.escape(text)}</pre>"
        self._body.append(f'<details class="long">{body}</details>')

    def render(self) -> str:
        """The whole file."""
        data = json.dumps({"charts": self._charts, "curves": self._curves}, default=_plain, allow_nan=False)
        data = data.replace("</", "<\\u002f")
        style = (_PACKAGE / "_report.css").read_text("utf-8")
        script = (_PACKAGE / "_report.js").read_text("utf-8")
        links = "".join(f'<a href="#{anchor}">{html.escape(title)}</a>' for anchor, title in self._sections)
        return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(self._title)}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:">
<link rel="icon" href="data:,"><style>{style}</style></head>
<body data-state="drawing">{self._head}<nav>{links}</nav>
{"".join(self._body)}
<script type="application/json" id="data">{data}</script>
<script>{_libraries()}</script>
<script type="module">{script}</script>
</body></html>
"""


def _libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed in one; bundling them takes seconds, so the bundle is kept."""
    try:
        import vl_convert
    except ImportError as error:
        raise Error(f'a report needs the module vl_convert: pip install "hvsim[report]" ({error})') from error
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hvsim"
    kept = cache / f"vega-{version('vl-convert-python')}.js"
    with contextlib.suppress(OSError):
        return kept.read_text("utf-8")
    made = vl_convert.javascript_bundle(None)  # type: ignore[arg-type]
    bundle = made.replace("</script", "<\\/script")
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        _table.write(kept, bundle.encode())
    return bundle


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value != value:
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{str(value).lower()}</td>"
    if isinstance(value, int) or (hasattr(value, "dtype") and value.dtype.kind in "iu"):
        return f"<td>{int(value):,}</td>"
    if isinstance(value, float):
        return f"<td>{value:,.4g}</td>"
    text = str(value)
    kind = "wide" if len(text) > 40 else "text"
    return f'<td class="{kind}">{html.escape(text)}</td>'


def _plain(value: Any) -> Any:
    """Numbers of numpy and pandas as JSON has them."""
    if value is pd.NA:
        return None
    return value.item()
