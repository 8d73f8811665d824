#!/usr/bin/env python3
"""Draws captured terminal output as an SVG picture.

./hvsim run configs/quickstart.json | sed '/^result /d' \
    | docs/img/render.py './hvsim run configs/quickstart.json' > docs/img/quickstart.svg
"""

from __future__ import annotations

import html
import re
import sys
import unicodedata

SIZE = 14
ADVANCE = 8.43  # width of a character at that size
LEADING = 20
MARGIN = 22
TITLE = 34
NO_BREAK = "&#160;"  # browsers make one blank of many, whatever xml:space says

STYLES = {
    "1": "font-weight:bold",
    "2": "fill:#8b949e",
    "31": "fill:#ff7b72",
    "32": "fill:#7ee787",
    "33": "fill:#e3b341",
    "34": "fill:#79c0ff",
    "36": "fill:#76e3ea",
}
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


def spans(line: str) -> list[tuple[str, str]]:
    """The line as (style, text) pieces, its escape sequences taken out."""
    pieces, style, at = [], "", 0
    for match in ESCAPE.finditer(line):
        pieces.append((style, line[at : match.start()]))
        codes = [code for code in match[1].split(";") if code in STYLES]
        style = ";".join(STYLES[code] for code in codes)
        at = match.end()
    pieces.append((style, line[at:]))
    return [(style, text) for style, text in pieces if text]


def columns(text: str) -> int:
    """Terminal columns that the text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in ESCAPE.sub("", text))


def picture(command: str, lines: list[str]) -> str:
    """The whole SVG document."""
    shown = [f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m", *lines]
    width = round(max(columns(line) for line in shown) * ADVANCE + 2 * MARGIN)
    height = TITLE + len(shown) * LEADING + MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img">',
        f"<title>{html.escape(command)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
        *(
            f'<circle cx="{MARGIN + 18 * index}" cy="18" r="6" fill="{colour}"/>'
            for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<g font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="{SIZE}" fill="#e6edf3">',
    ]
    for number, line in enumerate(shown):
        y = TITLE + SIZE + number * LEADING
        column = 0
        for style, text in spans(line):
            # Each piece has its own place and length, so that columns line up in any font.
            x, length = MARGIN + column * ADVANCE, columns(text) * ADVANCE
            attribute = f' style="{style}"' if style else ""
            kept = html.escape(text).replace(" ", NO_BREAK)
            out.append(f'<text x="{x:.1f}" y="{y}" textLength="{length:.1f}"{attribute}>{kept}</text>')
            column += columns(text)
    out.append("</g></svg>")
    return "\n".join(out) + "\n"


def main() -> None:
    """Read standard input, write the picture to standard output."""
    command = sys.argv[1] if len(sys.argv) > 1 else "./hvsim run configs/quickstart.json"
    lines = [line.rstrip() for line in sys.stdin.read().expandtabs().splitlines()]
    sys.stdout.write(picture(command, lines))


if __name__ == "__main__":
    main()
