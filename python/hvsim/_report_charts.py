"""Charts of reports as Vega-Lite specifications: plain data, drawn by the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from hvsim._results import Result
from hvsim._stack import row_name
from hvsim.plots import COLORS, component_colors, waiting

Spec = dict[str, Any]

_WIDTH = 620
_ROW = 22


def _chart(data: pd.DataFrame | Sequence[Mapping[str, Any]], **parts: Any) -> Spec:
    rows = data.to_dict("records") if isinstance(data, pd.DataFrame) else list(data)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": _WIDTH,
        "data": {"values": rows},
        "config": {
            "font": "sans-serif",
            "range": {"category": list(COLORS)},
            "axis": {"labelLimit": 320, "gridOpacity": 0.5},
            "legend": {"symbolLimit": 0, "labelLimit": 320},
            "view": {"stroke": None},
        },
        **parts,
    }


def _picked(field: str) -> list[Spec]:
    """A click in the legend keeps one series, shift-click several, a double click all."""
    return [{"name": "picked", "select": {"type": "point", "fields": [field]}, "bind": "legend"}]


# An axis with room between its labels, and without "0M".
_NUMBERS = {"labelExpr": "datum.value ? format(datum.value, '~s') : '0'", "tickCount": 8}

_FADE = {"condition": {"param": "picked", "value": 1}, "value": 0.1}


def cpi_stack(frame: pd.DataFrame, longest: float | None = None) -> Spec:
    """Stacked bars, one per row of a CPI stack.

    Args:
        frame: Cycles by component.
        longest: Of all bars that are to be in one scale.
    """
    rows = [
        {"row": row_name(key), "component": part, "cycles": int(value)}
        for key, cells in frame.iterrows()
        for part, value in cells.items()
        if value
    ]
    chosen = component_colors(list(frame.columns))
    colors = {"domain": list(chosen), "range": list(chosen.values())}
    scale = {} if longest is None else {"scale": {"domain": [0, longest]}}
    return _chart(
        rows,
        height={"step": _ROW},
        params=_picked("component"),
        mark={"type": "bar"},
        encoding={
            "y": {"field": "row", "type": "nominal", "sort": None, "title": None},
            "x": {"field": "cycles", "type": "quantitative", "title": "cycles", "axis": _NUMBERS, **scale},
            "color": {"field": "component", "type": "nominal", "scale": colors},
            "order": {"field": "component", "sort": None},
            "opacity": _FADE,
            "tooltip": _tooltip("row", "component", "cycles"),
        },
    )


def exits(result: Result) -> Spec:
    """Cycles of exits by cause, a colour per VM; the length of one exit in the tooltip."""
    rows = result.exits.rename(columns={"vm": "VM"})
    rows = rows[rows["cycles"] > 0]
    most = {"op": "sum", "field": "cycles", "order": "descending"}
    return _chart(
        rows.astype(object),
        height={"step": _ROW},
        params=_picked("VM"),
        mark="bar",
        encoding={
            "y": {
                "field": "cause",
                "sort": most,
                "title": None,
            },
            "x": {
                "field": "cycles",
                "type": "quantitative",
                "axis": _NUMBERS,
                "title": "cycles in exits",
            },
            "color": {"field": "VM", "type": "nominal"},
            "opacity": _FADE,
            "tooltip": _tooltip("VM", "cause", "count", "cycles", "min", "p50", "p99", "max"),
        },
    )


def latencies(results: Mapping[str, Result]) -> Spec | None:
    """What part of deferrable calls waited longer than so long; None if there were none."""
    rows = [
        {"series": f"{name} {vm}".strip(), "longer": longer, "cycles": upto}
        for name, result in results.items()
        for vm, tail in waiting(result).items()
        for upto, longer in zip(tail.index.to_list(), tail, strict=True)
        if longer > 0
    ]
    if not rows:
        return None
    return _chart(
        rows,
        height=240,
        params=_picked("series"),
        mark={"type": "line", "interpolate": "step-after"},
        encoding={
            "x": {
                "field": "cycles",
                "type": "quantitative",
                "scale": {"type": "log"},
                "title": "cycles until a call had run",
                "axis": {"format": "~s"},
            },
            "y": {
                "field": "longer",
                "type": "quantitative",
                "scale": {"type": "log"},
                "title": "part of calls that waited longer",
                "axis": {"format": "~g"},
            },
            "color": {"field": "series", "type": "nominal", "sort": None, "title": None},
            "opacity": _FADE,
            "tooltip": _tooltip("series", "cycles", "longer"),
        },
    )


def saved_memory(results: Mapping[str, Result]) -> Spec | None:
    """MiB that sharing saves over time; None if it never saved any."""
    rows: list[Mapping[str, Any]] = []
    for name, result in results.items():
        saved = _thinned(result.saved_memory)
        if saved["saved"].max() > 0:
            points = zip(saved["seconds"], saved["saved"], strict=True)
            rows += [{"run": name, "seconds": seconds, "saved": mib} for seconds, mib in points]
    if not rows:
        return None
    return _chart(
        rows,
        height=240,
        params=[
            *_picked("run"),
            {"name": "zoom", "select": {"type": "interval", "encodings": ["x"]}, "bind": "scales"},
        ],
        mark={"type": "line", "interpolate": "step-after"},
        encoding={
            "x": {
                "field": "seconds",
                "type": "quantitative",
                "title": "simulated seconds",
                "axis": {"tickCount": 8},
            },
            "y": {"field": "saved", "type": "quantitative", "title": "MiB saved"},
            "color": {"field": "run", "type": "nominal", "sort": None, "title": None},
            "opacity": _FADE,
            "tooltip": _tooltip("run", "seconds", "saved"),
        },
    )


_ZOOM = {"name": "zoom", "select": {"type": "interval", "encodings": ["x"]}, "bind": "scales"}


def curves(means: pd.DataFrame, x: str, y: str, by: str | None, numeric: bool) -> Spec:
    """Lines with error bars, of means over seeds."""
    rows = means.rename(columns={x: "x", **({by: "line"} if by else {})})
    rows = rows.assign(low=rows["mean"] - rows["half"], high=rows["mean"] + rows["half"])
    if by is None:
        rows = rows.assign(line=y)
    keep = ["x", "line", "mean", "low", "high", "count"]
    place: Spec = {"field": "x", "type": "quantitative" if numeric else "ordinal", "title": x, "sort": None}
    if numeric:
        place["axis"] = {"tickCount": 8}
    encoding = {
        "x": place,
        "color": {"field": "line", "type": "nominal", "sort": None, "title": by},
        "opacity": _FADE,
    }
    value = {"type": "quantitative", "title": y, "scale": {"zero": False}, "axis": _NUMBERS}
    layers: list[Spec] = [
        {
            "params": _picked("line"),
            "mark": {"type": "line", "point": True},
            "encoding": {
                **encoding,
                "y": {"field": "mean", **value},
                "tooltip": [
                    {"field": "line"},
                    {"field": "x", "title": x},
                    {"field": "mean", "title": y, "format": ",.6g"},
                    {"field": "low", "title": "95 % from", "format": ",.6g"},
                    {"field": "high", "title": "95 % to", "format": ",.6g"},
                    {"field": "count", "title": "runs"},
                ],
            },
        }
    ]
    if (rows["half"] > 0).any():
        bar = {"y": {"field": "low", **value}, "y2": {"field": "high"}}
        layers.append({"mark": {"type": "errorbar", "ticks": True}, "encoding": {**encoding, **bar}})
    return _chart(rows[keep].astype(object), height=300, layer=layers)


def _tooltip(*fields: str) -> list[Spec]:
    numbers = {"cycles", "count", "min", "p50", "p99", "max", "longest"}
    return [{"field": field, **({"format": ","} if field in numbers else {})} for field in fields]


def _thinned(frame: pd.DataFrame, most: int = 2000) -> pd.DataFrame:
    """No more rows than a chart can show: of each group of neighbours the last."""
    step = -(-len(frame) // most) if len(frame) else 1
    return frame.iloc[step - 1 :: step] if step > 1 else frame
