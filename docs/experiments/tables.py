"""Tables of these pages, from what experiments left.

./hvsim run configs/experiments/dlh_routine.json --json > dlh_routine.json
python3 docs/experiments/tables.py dlh_routine.json                                 # prints its tables
python3 docs/experiments/tables.py --into docs/experiments/dlh.md dlh_routine.json  # puts them into the page

In a page, a comment names the experiment and the table's caption: `<!-- dlh_routine: cycles per call -->`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import dlh_tables
import sharing_tables
import trend_tables
from experiment import Experiment, load

# A comment that names a table, and the table, if there is one yet.
SLOT = re.compile(r"(?P<comment><!-- (?P<name>[\w-]+): (?P<caption>.+?) -->\n)(?:\n(?:\|.*\n)+)?")


def tables(found: Experiment) -> dict[str, str]:
    """By caption."""
    for pages in (dlh_tables, sharing_tables, trend_tables):
        if found.name.startswith(pages.NAMES):
            return dict(pages.tables(found))
    raise SystemExit(f"tables.py: there are no tables for {found.name}")


def text(file: Path) -> str:
    """All tables of one experiment."""
    found = load(file)
    parts = [f"{caption}:\n\n{table}" for caption, table in tables(found).items()]
    return "\n\n".join([f"## {found.name}", *parts])


def fill(page: str, experiments: list[Experiment]) -> str:
    """The page with those of its tables that the experiments have; an unknown caption is an error."""
    known = {found.name: tables(found) for found in experiments}

    def new(slot: re.Match[str]) -> str:
        if slot["name"] not in known:
            return slot[0]
        of_name = known[slot["name"]]
        if slot["caption"] not in of_name:
            raise SystemExit(
                f"tables.py: {slot['name']} has no table {slot['caption']!r}, but {list(of_name)}"
            )
        return f"{slot['comment']}\n{of_name[slot['caption']]}\n"

    return SLOT.sub(new, page)


def main() -> None:
    """Print, or fill a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="what `hvsim run EXPERIMENT --json` printed")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put the tables there")
    arguments = parser.parse_args()
    if arguments.into is None:
        print("\n\n".join(text(file) for file in arguments.files))
    else:
        page = fill(arguments.into.read_text(), [load(file) for file in arguments.files])
        arguments.into.write_text(page)


if __name__ == "__main__":
    main()
