"""A drawing of the machine and its VMs as SVG: what a run ran on."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

_WIDTH, _GAP, _LINE = 880, 8, 14
_FILLS = {"vm": "#E8F3FA", "hart": "#FDF3DC", "shared": "#E3F3EC", "net": "#F3E9F0", "memory": "#EEEEEE"}
_MOST_DETAILED = 8  # harts that are drawn with their caches


def machine(config: Mapping[str, Any]) -> str:
    """From the VMs at the top to the memory at the bottom."""
    made = config["machine"]
    layers = [
        ("vm", [_vm(vm) for vm in config["vms"]]),
        ("hart", _harts(made)),
        ("shared", _shared(made)),
        ("net", _network(made)),
        ("memory", _memory(made)),
    ]
    parts: list[str] = []
    top = _GAP
    for kind, boxes in layers:
        for row in _rows(boxes):
            height = _LINE * max(len(box) for box in row) + 10
            width = (_WIDTH - _GAP * (len(row) + 1)) / len(row)
            parts += [
                _box(_GAP + number * (width + _GAP), top, width, height, box, _FILLS[kind])
                for number, box in enumerate(row)
            ]
            top += height + _GAP
    return (
        f'<svg class="machine" role="img" aria-label="the machine" viewBox="0 0 {_WIDTH} {top}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _rows(boxes: list[list[str]]) -> list[list[list[str]]]:
    """Rows of as many boxes as can be read."""
    if not boxes:
        return []
    longest = max(len(line) for box in boxes for line in box)
    across = max(1, min(len(boxes), _WIDTH // (longest * 7 + 24)))
    return [boxes[begin : begin + across] for begin in range(0, len(boxes), across)]


def _box(x: float, y: float, width: float, height: float, lines: list[str], fill: str) -> str:
    middle = x + width / 2
    texts = "".join(
        f'<text x="{middle:.1f}" y="{y + 5 + _LINE * (number + 0.8):.1f}" text-anchor="middle"'
        f"{' font-weight=' + chr(34) + 'bold' + chr(34) if number == 0 else ''}>{html.escape(line)}</text>"
        for number, line in enumerate(lines)
    )
    rect = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="4" fill="{fill}"/>'
    return rect + texts


def _vm(vm: Mapping[str, Any]) -> list[str]:
    vcpus = "1 VCPU" if vm["vcpus"] == 1 else f"{vm['vcpus']} VCPUs"
    pinned = f"on hart {', '.join(map(str, vm['harts']))}" if vm["harts"] else "on any hart"
    workload = str(vm["workload"]).rpartition("/")[2]
    return [vm["name"], workload, f"{_bytes(vm['memory_bytes'])}, {vcpus}", pinned]


def _harts(made: Mapping[str, Any]) -> list[list[str]]:
    if made["harts"] > _MOST_DETAILED:
        return [[f"harts 0 to {made['harts'] - 1}, each with", *_private(made)]]
    return [[f"hart {number}", *_private(made)] for number in range(made["harts"])]


def _private(made: Mapping[str, Any]) -> list[str]:
    if made["mode"] == "functional":
        return ["functional: no caches, no TLBs"]
    caches, mmu = made["caches"], made["mmu"]
    lines = [f"L1I {_cache(caches['l1i'])}", f"L1D {_cache(caches['l1d'])}"]
    lines.append(f"ITLB {mmu['itlb']['entries']}, DTLB {mmu['dtlb']['entries']}")
    if mmu["has_l2"]:
        lines.append(f"L2 TLB {mmu['l2']['entries']}")
    walks = mmu["walk_caches"]
    if walks["has_g_tlb"]:
        lines.append(f"G-stage TLB {walks['g_tlb']['entries']}")
    return lines


def _shared(made: Mapping[str, Any]) -> list[list[str]]:
    caches = made["caches"]
    if made["mode"] == "functional":
        return []
    levels = {"l2": "shared L2", "llc": "last-level cache"}
    return [
        [f"{name} {_cache(caches[key])}, {caches[key]['hit_latency']} cycles"]
        for key, name in levels.items()
        if caches[f"has_{key}"]
    ]


def _network(made: Mapping[str, Any]) -> list[list[str]]:
    topology = made["topology"]
    if made["mode"] == "functional" or topology["kind"] == "ideal":
        return []
    columns = f", {topology['columns']} columns" if topology["columns"] else ""
    return [
        [
            f"{topology['kind']}{columns}: {topology['hop_latency']} cycles per hop, "
            f"{topology['bytes_per_cycle']} bytes per cycle and link"
        ]
    ]


def _memory(made: Mapping[str, Any]) -> list[list[str]]:
    caches = made["caches"]
    dram = caches["dram"]
    size = _bytes(made["memory_bytes"])
    if made["mode"] == "functional":
        return [[f"memory {size}"]]
    if dram["banked"]:
        how = f"DRAM, {dram['channels']} channels of {dram['banks']} banks"
    else:
        how = f"{caches['memory_latency']} cycles"
    return [[f"memory {size}, {how}"]]


def _cache(cache: Mapping[str, Any]) -> str:
    return f"{_bytes(cache['size_bytes'])}, {cache['ways']} ways, {cache['replacement']}"


def _bytes(number: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if number >= size and number % size == 0:
            return f"{number // size} {unit}"
    return f"{number} bytes"
