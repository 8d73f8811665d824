"""Runs the micro-benchmarks that were measured on the RTL of CVA6 and compares cycle counts, row by row."""

from __future__ import annotations

import argparse
import csv
import difflib
import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import agreement

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Setting:
    """One configuration that the RTL was measured in: latencies of memory, and which commit of the core."""

    read_latency: int
    write_latency: int
    flush_walker: bool  # the TLB flush that holds up refills (CVA6 after #3312)

    @property
    def name(self) -> str:
        """How tables call it."""
        commit = "" if self.flush_walker else ", before #3312"
        return f"latency {self.read_latency}{commit}"

    def keys(self) -> list[str]:
        """What the config of the machine must say."""
        keys = {
            "machine.caches.memory_latency": self.read_latency,
            "machine.caches.memory_write_latency": self.write_latency,
        }
        if not self.flush_walker:
            keys["machine.pipeline.tlb_flush_block"] = 0
        return [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]


SETTINGS = (Setting(20, 20, True), Setting(1, 1, True), Setting(60, 60, True), Setting(20, 20, False))
# Mean absolute errors in per cent that the model must stay within (docs/accuracy.md).
BARS = {SETTINGS[0]: 3.0, SETTINGS[1]: 5.0, SETTINGS[2]: 5.0, SETTINGS[3]: 3.0}

PROGRAMS = {
    "g1_alu": ("null", "alu", "mul", "div", "fp", "mem"),
    "g2_branch": ("br",),
    "g3_cache": ("dc", "ic"),
    "g3_cache_256": ("dc",),
    "g4_tlb": ("null", "tlb"),
    "g5_trap": ("trap", "int", "fence", "hyp", "csr", "amo"),
}
# What the RTL ran where the whole program takes too long there; same rows, smaller footprints.
SHORT = {"g3_cache": "g3_cache_short"}

Key = tuple[str, str, str]  # benchmark, variant, mode


@dataclass(frozen=True)
class Measured:
    """One row: a benchmark's cycles and retired instructions."""

    cycles_min: int
    cycles_median: int
    instret: int


@dataclass(frozen=True)
class Compared:
    """A row on the RTL and on the model."""

    setting: Setting
    key: Key
    rtl: Measured
    model: Measured

    @property
    def group(self) -> str:
        """First part of the benchmark's name."""
        return self.key[0].split(".")[0]

    @property
    def name(self) -> str:
        """The row's key as a reader wants it."""
        return " ".join(part for part in self.key if part)

    @property
    def error(self) -> float:
        """Of the median, in per cent of the RTL's."""
        return 100.0 * (self.model.cycles_median - self.rtl.cycles_median) / self.rtl.cycles_median


def read_table(path: Path) -> dict[Setting, dict[Key, Measured]]:
    """The RTL's rows by setting."""
    table: dict[Setting, dict[Key, Measured]] = {setting: {} for setting in SETTINGS}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            latencies = re.search(r"rlat=(\d+) wlat=(\d+)", row["notes"])
            if latencies is None:
                raise SystemExit(f"{path}: no latencies in the notes of {row}")
            commit = "31b4563" not in row["notes"]
            setting = Setting(int(latencies[1]), int(latencies[2]), commit)
            key = (row["benchmark"], row["variant"], row["mode"])
            if key in table[setting]:
                raise SystemExit(f"{path}: {key} is there twice for {setting.name}")
            table[setting][key] = Measured(
                int(row["cycles_min"]), int(row["cycles_median"]), int(row["instret"])
            )
    return table


def parse_console(text: str) -> dict[Key, Measured]:
    """What a program printed. Lines with a #tag# are single runs: the first is a row of its own, cold."""
    rows: dict[Key, Measured] = {}
    single: dict[Key, list[Measured]] = {}
    for line in text.splitlines():
        tag = re.match(r"#(\w+)# ", line)
        fields = line[tag.end() if tag else 0 :].split(",")
        if len(fields) < 7 or not fields[4].isdigit():
            continue
        key = (fields[0], fields[1] or "-", fields[2])
        measured = Measured(int(fields[4]), int(fields[5]), int(fields[6]))
        if tag is None:
            rows[key] = measured
        elif tag[1] == "cold":
            rows[(key[0], key[1] + "_cold", key[2])] = measured
        else:
            single.setdefault(key, []).append(measured)
    for key, runs in single.items():
        cycles = sorted(run.cycles_min for run in runs)
        best = min(runs, key=lambda run: run.cycles_min)
        rows[key] = Measured(cycles[0], cycles[len(cycles) // 2], best.instret)
    return rows


@dataclass(frozen=True)
class Runner:
    """Where simulator and programs are, and what the machine is."""

    simulator: Path
    images: Path
    config: Path
    settings: tuple[str, ...]

    def run(self, program: str, setting: Setting) -> dict[Key, Measured]:
        """Runs one program and reads its console."""
        with tempfile.TemporaryDirectory(prefix="hvsim-validate-") as folder:
            extra = [part for each in self.settings for part in ("--set", each)]
            command = [self.simulator, "run", self.config, "--elf", self.images / f"{program}.elf"]
            command += ["--quiet", "--out", folder, *setting.keys(), *extra]
            done = subprocess.run(
                [str(part) for part in command], capture_output=True, text=True, check=False
            )
            logs = list(Path(folder).glob("*/console/*.log"))
            text = "".join(log.read_text() for log in logs)
            if done.returncode != 0 or "BADTRAP" in text or "DIE" in text:
                raise SystemExit(f"{program} at {setting.name}: {done.stdout}{done.stderr}{text[-500:]}")
        return parse_console(text)


def wanted_programs(rows: Iterable[Key]) -> list[str]:
    """The programs that print these rows."""
    names = {key[0] for key in rows}
    variants = {key[:2] for key in rows}
    found = []
    for program, groups in PROGRAMS.items():
        if not any(name.split(".")[0] in groups for name in names):
            continue
        if program == "g3_cache_256" and ("dc.stream_read", "256K") not in variants:
            continue
        short = program in SHORT and ("dc.chase16", "1M") not in variants
        found.append(SHORT[program] if short else program)
    return found


def compare(runner: Runner, table: dict[Setting, dict[Key, Measured]], jobs: int) -> list[Compared]:
    """All rows of the table, run."""
    tasks = [(setting, program) for setting, rows in table.items() for program in wanted_programs(rows)]
    model: dict[Setting, dict[Key, Measured]] = {setting: {} for setting in table}
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda task: runner.run(task[1], task[0]), tasks)
        for (setting, _), rows in zip(tasks, results, strict=True):
            for key, measured in rows.items():
                model[setting].setdefault(key, measured)
    compared = []
    for setting, rows in table.items():
        for key, rtl in rows.items():
            if key not in model[setting]:
                raise SystemExit(f"{key} at {setting.name}: no program printed this row")
            compared.append(Compared(setting, key, rtl, model[setting][key]))
    return compared


def mean(values: Iterable[float]) -> float:
    """Arithmetic mean."""
    values = list(values)
    return math.fsum(values) / len(values)


def groups(rows: list[Compared]) -> Iterator[tuple[str, list[Compared]]]:
    """Rows by group, in the order of the table."""
    for group in dict.fromkeys(row.group for row in rows):
        yield group, [row for row in rows if row.group == group]


def summary(rows: list[Compared]) -> str:
    """Mean and worst per setting and group, as a Markdown table."""
    lines = [
        "| memory | group | rows | mean error | bias | worst | where |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for setting in SETTINGS:
        of_setting = [row for row in rows if row.setting == setting]
        if not of_setting:
            continue
        for group, part in [*groups(of_setting), ("**all**", of_setting)]:
            worst = max(part, key=lambda row: abs(row.error))
            lines.append(
                f"| {setting.name} | {group} | {len(part)} | {mean(abs(r.error) for r in part):.2f} % "
                f"| {mean(r.error for r in part):+.2f} % | {worst.error:+.1f} % | {worst.name} |"
            )
    return "\n".join(lines) + "\n"


def table_of(rows: Iterable[Compared]) -> str:
    """Row by row, as CSV."""
    lines = ["setting,benchmark,variant,mode,rtl_cycles,model_cycles,error_percent"]
    for row in rows:
        lines.append(
            f'"{row.setting.name}",{",".join(row.key)},{row.rtl.cycles_median},'
            f"{row.model.cycles_median},{row.error:.2f}"
        )
    return "\n".join(lines) + "\n"


def find_other_code(rows: list[Compared]) -> list[str]:
    """Rows in which the model did not retire what the RTL retired: then cycles prove nothing."""
    return [
        f"{' '.join(row.key)} at {row.setting.name}: {row.model.instret} instructions, "
        f"the RTL retired {row.rtl.instret}"
        for row in rows
        if row.model.instret != row.rtl.instret
    ]


REASONS = (
    (r"^null ", "one cycle of the eight that a call with both counter reads takes"),
    (
        r"^(dc|ic)\.\S+ (12K|16K|20K|24K|32K|64K) ",
        "random replacement near capacity: medians of three runs, which differ by as much on the RTL",
    ),
    (r"page_fault ", "few first touches of cold lines: each one more or less shows"),
    (r"^tlb\.\S+ 16 ", "sixteen pages, the stack and the code compete for sixteen entries"),
)


def reason(row: Compared) -> str | None:
    """Why a row is far off, if that is known."""
    return next((why for pattern, why in REASONS if re.search(pattern, " ".join(row.key))), None)


def far_off(rows: Iterable[Compared]) -> list[Compared]:
    """Rows with more than ten per cent."""
    return [row for row in rows if abs(row.error) > 10]


def document(rows: list[Compared], pairs: list[agreement.Pair]) -> str:
    """docs/accuracy.md."""
    lines = ["| memory | row | RTL | model | error | why |", "|---|---|---:|---:|---:|---|"]
    for row in far_off(rows):
        lines.append(
            f"| {row.setting.name} | {' '.join(row.key)} | {row.rtl.cycles_median} "
            f"| {row.model.cycles_median} | {row.error:+.1f} % | {reason(row) or 'unexplained'} |"
        )
    text = (HERE / "accuracy.md.in").read_text()
    text = text.replace("@SUMMARY@", summary(rows)).replace("@FAR_OFF@", "\n".join(lines) + "\n")
    return text.replace("@AGREEMENT@", agreement.table(pairs))


def outputs(rows: list[Compared], pairs: list[agreement.Pair]) -> dict[Path, str]:
    """The files that tell of the model's errors, and what must be in them."""
    return {ROOT / "docs/accuracy.md": document(rows, pairs), HERE / "model_cycles.csv": table_of(rows)}


def find_broken_bars(rows: list[Compared]) -> list[str]:
    """What is worse than it may be."""
    broken = []
    for setting, bar in BARS.items():
        error = mean(abs(row.error) for row in rows if row.setting == setting)
        if error > bar:
            broken.append(f"{setting.name}: mean error {error:.2f} %, allowed are {bar} %")
    for row in far_off(rows):
        if reason(row) is None:
            broken.append(
                f"{' '.join(row.key)} at {row.setting.name}: {row.error:+.1f} % for no known reason"
            )
    return broken


def find_stale(rows: list[Compared], pairs: list[agreement.Pair]) -> list[str]:
    """Committed figures that this model does not make."""
    return [
        f"{path.relative_to(ROOT)} is not what this model makes: run `./hvsim validate --write`"
        for path, text in outputs(rows, pairs).items()
        if not path.exists() or path.read_text() != text
    ]


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="hvsim validate", description=__doc__)
    parser.add_argument("--simulator", type=Path, default=ROOT / "build/release/sim/hvsim-sim")
    parser.add_argument("--images", type=Path, default=ROOT / "build/release/tests/accuracy/ubench")
    parser.add_argument("--workloads", type=Path, default=ROOT / "build/release/workloads")
    parser.add_argument("--config", type=Path, default=ROOT / "configs/machines/cva6-h.json")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="override a key")
    parser.add_argument("--only", default="", help="rows whose benchmark starts so")
    parser.add_argument("--latency", type=int, help="rows of this memory latency")
    parser.add_argument("--rows", action="store_true", help="print every row, not the summary alone")
    parser.add_argument("--above", type=float, help="print the rows with a larger error in per cent")
    parser.add_argument(
        "--agreement", action="store_true", help="compare the fast mode with the detailed one"
    )
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md and model_cycles.csv")
    parser.add_argument("--check", action="store_true", help="fail if those two or the errors' bars are off")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


def nothing_chosen(options: argparse.Namespace) -> str:
    """What there is, when --only and --latency leave no row."""
    whole = read_table(HERE / "cva6_cycles.csv")
    latencies = sorted({setting.read_latency for setting in whole})
    if options.latency is not None and options.latency not in latencies:
        return f"--latency: {options.latency}: expected one of {', '.join(map(str, latencies))}"
    names = sorted({key[0] for rows in whole.values() for key in rows})
    groups = sorted({name.partition(".")[0] for name in names})
    near = difflib.get_close_matches(options.only, [*groups, *names], n=1)
    guess = f'; did you mean "{near[0]}"?' if near else ""
    return f'--only: "{options.only}": expected what a benchmark begins with: {", ".join(groups)}{guess}'


def main() -> int:
    """Runs and prints."""
    options = parse_arguments()
    table = {
        setting: {key: row for key, row in rows.items() if key[0].startswith(options.only)}
        for setting, rows in read_table(HERE / "cva6_cycles.csv").items()
        if options.latency in (None, setting.read_latency)
    }
    if not any(table.values()):
        print(nothing_chosen(options), file=sys.stderr)
        return 2
    runner = Runner(options.simulator, options.images, options.config, tuple(options.settings))
    rows = compare(runner, table, options.jobs)
    if options.rows:
        print(table_of(rows))
    if options.above is not None:
        print(table_of(row for row in rows if abs(row.error) > options.above))
    print(summary(rows))
    wrong = find_other_code(rows)
    pairs = []
    if options.write or options.check or options.agreement:
        fast = Runner(
            options.simulator, options.images, options.config, (*runner.settings, "machine.mode=fast")
        )
        pairs = agreement.of_kernels(compare(fast, table, options.jobs), rows)
        pairs += agreement.of_mixes(options.simulator, options.workloads, options.jobs)
        print(agreement.table(pairs))
    if options.write:
        for path, text in outputs(rows, pairs).items():
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    if options.check:
        wrong += find_broken_bars(rows) + agreement.find_broken_bars(pairs) + find_stale(rows, pairs)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
