"""The tables of sharing.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from experiment import Cross, Experiment, Figure, Run, by_last_dash, console, listing, number, stats
from experiment import tables as crossed

PAGES_PER_MIB = 256
TICKS_PER_SECOND = 10_000_000

NAMES = "sharing"


def sharing(run: Run) -> dict[str, int]:
    """The memory of all VMs."""
    found: dict[str, int] = run["summary"]["sharing"]
    return found


def mib(name: str) -> Figure:
    """A count of pages in MiB."""
    return lambda run: number(sharing(run)[name] / PAGES_PER_MIB, 1)


def count(name: str) -> Figure:
    """As it is."""
    return lambda run: number(sharing(run)[name])


def gib_minutes(run: Run) -> str:
    """Saved, in thousandths of GiB x min."""
    return number(1000 * sharing(run)["saved_page_ticks"] / PAGES_PER_MIB / 1024 / TICKS_PER_SECOND / 60, 2)


def over(dividend: str, divisor: str, scale: float = 1) -> Figure:
    """Of two sums, or a dash."""

    def figure(run: Run) -> str:
        s = sharing(run)
        return number(s[dividend] * scale / s[divisor]) if s[divisor] else "-"

    return figure


def held(run: Run) -> list[tuple[float, float]]:
    """Frames that VMs have to themselves, in MiB, over time in seconds (harts at 1 GHz)."""
    pages: dict[str, int] = {}
    points: list[tuple[float, float]] = []
    for sample in stats(run)["sharing_samples"]:
        pages[sample["vm"]] = sample["private_pages"]
        points.append((sample["cycles"] / 1e9, sum(pages.values()) / PAGES_PER_MIB))
    return points


def late_peak(run: Run) -> str:
    """Most MiB that VMs had to themselves in the second half of the run; all where nothing is shared."""
    points = held(run)
    if not any(value for _, value in points):
        return number(sharing(run)["promised_pages"] / PAGES_PER_MIB, 1)
    half = run["summary"]["cycles"] / 2e9
    before = [value for time, value in points if time < half]
    return number(max([value for time, value in points if time >= half] + before[-1:]), 1)


def allocation(run: Run) -> str:
    """99 % of the guests' allocations took no longer, in cycles: the worst of the VMs."""
    found = [
        int(match[1])
        for vm in run["summary"]["vms"]
        if (match := re.search(r"allocation latency .* p99 (\d+)", console(run, vm["name"])))
    ]
    return number(max(found)) if found else "-"


def allocations(run: Run) -> str:
    """What guests allocated, and what they could not have, because a balloon had their pages."""
    texts = [console(run, vm["name"]) for vm in run["summary"]["vms"]]
    found = [re.search(r"runs allocated (\d+), failed (\d+)", text) for text in texts]
    made, failed = (sum(int(match[i]) for match in found if match) for i in (1, 2))
    return number(made) + (f" ({number(failed)} failed)" if failed else "")


def hypervisor_share(run: Run) -> str:
    """Of the cycles of guests and hypervisor."""
    s = run["summary"]
    parts = ("trap_path", "exit", "enqueue", "drain", "poll", "scan", "unshare")
    spent = sum(s[f"{part}_cycles"] for part in parts)
    return f"{100 * spent / (spent + s['guest_cycles']):.1f} %"


def millions(name: str) -> Figure:
    """Of the summary."""
    return lambda run: number(run["summary"][name] / 1e6, 1)


COLUMNS: dict[str, Figure] = {
    "free MiB": mib("free_pages"),
    "saved at most": mib("peak_saved_pages"),
    "GiB min / 1000": gib_minutes,
    "held at most, second half": late_peak,
    "used at most since boot": mib("peak_used_pages"),
    "scan cycles per page": over("scan_cycles", "scanned_pages"),
    "unshares": count("unshares"),
    "cycles each": over("unshare_cycles", "unshares"),
    "allocation p99": allocation,
    "allocations": allocations,
    "splintered": count("splintered_blocks"),
    "found after ms": over("detect_ticks", "detected_pages", 1e-4),
    "guests M": millions("guest_cycles"),
    "hypervisor": hypervisor_share,
}


def by_dirt(label: str) -> tuple[str, str]:
    """Policy down, share of free memory across, dirty and zero apart."""
    dirty, policy, percent = label.split("-", 2)
    return f"{policy}, {'dirty' if dirty == '1' else 'zero'}", percent


def by_burst(label: str) -> tuple[str, str]:
    """Policy and pause down, bursts across."""
    _, policy, _, burst, pause = label.split("-")
    return f"{policy}, {int(pause) // 1000} ms", burst


def by_vms(label: str) -> tuple[str, str]:
    """Policy down, number of VMs across."""
    _, policy, vms, _ = label.split("-")
    return policy, vms


def by_peaks(label: str) -> tuple[str, str]:
    """Policy down, in step and in turn across."""
    _, policy, peaks = label.split("-", 2)
    return policy, peaks


def by_memory(label: str) -> tuple[str, str]:
    """Policy and phases down, memory across."""
    _, policy, memory, peaks = label.split("-", 3)
    return f"{policy}, {peaks}", memory


def vms_that(run: Run, what: str) -> list[str]:
    """Names of VMs of which the hypervisor says so."""
    return re.findall(rf"\[hv\] (\S+): {what}", console(run, "machine"))


def finished(run: Run) -> str:
    """VMs that came to their end with all their words."""
    return f"{len(vms_that(run, 'powered off, code 0'))} of {len(run['summary']['vms'])}"


def given_up(run: Run) -> str:
    """VMs that were ended for others' sake, in this order."""
    return ", ".join(vms_that(run, "killed")) or "none"


def waits(run: Run) -> str:
    """By VM: how often it waited for a frame, and milliseconds of that."""
    found = [
        f"{row['vm']} {row['counters']['pauses']} ({row['counters']['pause_ticks'] / 1e4:,.0f})"
        for row in stats(run)["sharing"]
        if row["counters"]["pauses"]
    ]
    return ", ".join(found) or "none"


def waited(run: Run) -> str:
    """Of all VMs together, in milliseconds."""
    return number(sum(row["counters"]["pause_ticks"] for row in stats(run)["sharing"]) / 1e4)


def lost(run: Run) -> str:
    """Words that VMs lost, and words of others that they saw; VMs that were given up tell nothing."""
    texts = [console(run, vm["name"]) for vm in run["summary"]["vms"]]
    found = [re.search(r"lost words (\d+), foreign words (\d+)", text) for text in texts]
    return "; ".join(f"{sum(int(match[i]) for match in found if match)}" for i in (1, 2))


def given_back(run: Run) -> str:
    """MiB of frames that guests gave back or scans made free, over the run; a page may be so many times."""
    ways = ("released_pages", "detected_pages", "merges")
    return number(sum(row["counters"][way] for row in stats(run)["sharing"] for way in ways) / PAGES_PER_MIB)


def seconds(run: Run) -> str:
    """Simulated, until the last VM was done."""
    return number(run["summary"]["cycles"] / 1e9, 2)


PARTS: dict[str, Figure] = {
    "guests M": millions("guest_cycles"),
    "scan M": millions("scan_cycles"),
    "copy-on-write M": millions("unshare_cycles"),
    "exits and entries M": lambda run: number(
        (run["summary"]["trap_path_cycles"] + run["summary"]["exit_cycles"]) / 1e6, 1
    ),
    "splintered": count("splintered_blocks"),
    "unshares": count("unshares"),
    "saved at most": mib("peak_saved_pages"),
    "GiB min / 1000": gib_minutes,
}

LINUX: dict[str, Figure] = {
    "free MiB": mib("free_pages"),
    "saved at most": mib("peak_saved_pages"),
    "GiB min / 1000": gib_minutes,
    "held at most, second half": late_peak,
    "scan cycles per page": COLUMNS["scan cycles per page"],
    "unshares": count("unshares"),
    **{title: PARTS[title] for title in ("guests M", "scan M", "copy-on-write M")},
    "elapsed M": millions("cycles"),
}

OVERCOMMIT: dict[str, Figure] = {
    "finished": finished,
    "given up": given_up,
    "waited: times (ms)": waits,
    "seconds": seconds,
    "used at most": mib("peak_used_pages"),
    "frames freed, MiB": given_back,
    "allocations": allocations,
    "lost; foreign words": lost,
}

SAVED = (mib("peak_saved_pages"), gib_minutes, late_peak)
WHAT_IS_SAVED = "saved at most; GiB min / 1000; held at most, second half"
FOUND = over("detect_ticks", "detected_pages", 1e-4)
PAGE: dict[str, list[Cross]] = {
    "sharing-free-fraction": [
        Cross(WHAT_IS_SAVED, by_dirt, SAVED),
        Cross("scan cycles per page", by_dirt, (over("scan_cycles", "scanned_pages"),)),
    ],
    "sharing-churn": [
        Cross("unshares; allocation p99", by_burst, (count("unshares"), allocation)),
        Cross(WHAT_IS_SAVED, by_burst, SAVED),
    ],
    "sharing-vms": [
        Cross(WHAT_IS_SAVED, by_vms, SAVED),
        Cross("found after ms; unshares", by_vms, (FOUND, count("unshares"))),
    ],
    "sharing-peaks": [
        Cross(
            "used at most since boot; GiB min / 1000; unshares; allocations",
            by_peaks,
            (mib("peak_used_pages"), gib_minutes, count("unshares"), allocations),
        )
    ],
    "sharing-overcommit": [
        Cross("VMs that finished; waited ms; seconds", by_memory, (finished, waited, seconds))
    ],
    "sharing-page-size": [Cross(WHAT_IS_SAVED, by_last_dash, SAVED)],
}


def tables(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Caption and table, one after the other."""
    columns = OVERCOMMIT if experiment.name == "sharing-overcommit" else COLUMNS
    yield from crossed(experiment, "policy", columns, PAGE.get(experiment.name, []))
    if experiment.name == "sharing-linux":
        yield "what it saved and cost", listing(experiment.runs, LINUX)
    if experiment.name == "sharing-splintering":
        yield "where cycles went", listing(experiment.runs, PARTS)
    if experiment.name == "sharing-overcommit":
        yield "with 32 MiB", listing([run for run in experiment.runs if "-32MiB-" in run["label"]], columns)
