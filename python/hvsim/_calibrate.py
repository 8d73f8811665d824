"""What the host's prices should be: the same guests with the hypervisor on target and on the host."""

from __future__ import annotations

import hashlib
import html
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from hvsim._api import Config, Progress, run, schema
from hvsim._calibration_fit import (
    JUDGED_SHARE,
    PRIOR,
    PULLS,
    SET_PRICES,
    Pair,
    cells,
    exit_counts,
    fit,
    misses,
    spent,
)
from hvsim._calibration_guests import Guest, Role, guests
from hvsim._errors import ConfigError, RunError
from hvsim._results import Result

# What a calibration wants to hold on guests that it judges by.
TOTAL_BOUND = 0.05
CAUSE_BOUND = 0.10
# Prices change what happens when, and so what is fitted: at most so often, until they stay the same.
_ROUNDS = 8


@dataclass(frozen=True, repr=False)
class Calibration:
    """Prices of the host hypervisor's work, and how well they tell what the target takes.

    Attributes:
        fragment: A config to extend: ``hypervisor.costs`` and, in ``hypervisor.calibration``, where they come
            from. The same input gives the same fragment, byte for byte.
        prices: One row per kind of work: cycles per unit ``before`` and ``price`` now, and whether it was
            ``fitted`` (else no guest did such work).
        prior: One row per strength of the prior that was tried: the mean error by exit cause of the guests
            that are there to choose it by, and whether it was ``chosen``.
        totals: One row per guest: cycles of guests and hypervisor on target and host, and the relative error;
            the same of the hypervisor alone. Boot and firmware before the first guest are not in it. ``role``
            says what the guest was for: to ``fit`` prices on, to ``choose`` the prior by, or to ``judge``.
        causes: One row per guest and exit cause: exits and cycles on target and host, the relative error of
            cycles, and whether the exits are equally many.
        speed: Host seconds of long guests with the hypervisor on target and on the host, and their ratio:
            what this computer took, so not the same twice.
    """

    fragment: Mapping[str, Any]
    prices: pd.DataFrame
    prior: pd.DataFrame
    totals: pd.DataFrame
    causes: pd.DataFrame
    speed: pd.DataFrame = field(compare=False)

    @property
    def outside(self) -> pd.DataFrame:
        """Rows of `causes` and `totals` beyond the bounds, of judged guests: what the model lacks."""
        totals = _judged(self.totals)
        totals = totals[totals["error"].abs() > TOTAL_BOUND]
        judged = _large(_judged(self.causes))
        beyond = judged[(judged["error"].abs() > CAUSE_BOUND) | ~judged["same_exits"]]
        return pd.concat(
            [
                totals.assign(cause="(all cycles)")[["guest", "cause", "error"]],
                beyond[["guest", "cause", "error", "target_exits", "host_exits"]],
            ],
            ignore_index=True,
        )

    def text(self) -> str:
        """What the command prints."""
        return "\n".join(_words(self))

    def write(self, path: str | os.PathLike[str], *, extends: str | os.PathLike[str] | None = None) -> None:
        """Write the fragment as JSON, on top of the config `extends` if one is given."""
        fragment = dict(self.fragment)
        if extends is not None:
            fragment["extends"] = os.path.relpath(extends, Path(path).absolute().parent)
        Path(path).write_text(json.dumps(fragment, indent=2) + "\n", "utf-8")

    def __repr__(self) -> str:
        worst = _judged(self.totals)["error"].abs().max()
        return f"<hvsim.Calibration: {len(self.prices)} prices, cycles of judged guests within {worst:.1%}>"

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(repr(self)[1:-1])}</b></p>" + self.totals.to_html(
            index=False, float_format=lambda value: f"{value:.3f}"
        )


def calibrate(
    machine: Config | None = None,
    *,
    only: Iterable[str] | None = None,
    jobs: int | None = None,
    progress: bool | Callable[[Progress], None] | None = None,
) -> Calibration:
    """Fit the prices of the host hypervisor's work to what the hypervisor takes on a machine's harts.

    The same guests run with the hypervisor on target and on the host. Prices are fitted on some of them, by
    the cycles of each exit cause and phase; others say how strongly a prior holds the prices; the rest, which
    had no part in it, tell how good they are. The same guests on the same build give the same prices.

    Args:
        machine: A `Machine`, a config or the path of one, of which section ``machine`` counts; the default
            machine if not given. Its number of harts, memory and quantum are chosen by the guests.
        only: Names of guests, if not all: ``[guest.name for guest in hvsim.calibration_guests()]``.
        jobs: Runs at a time; as many as there are processors if not given.
        progress: As of `hvsim.run`.

    Raises:
        ConfigError: The machine cannot be used, or there is no guest of such a name.
        RunError: A run failed.
    """
    name, base = _machine_of(machine)
    chosen = _chosen(only)
    defaults, firmware = _default_prices(), _firmware()
    before = {work: PRIOR.get(work, price) for work, price in defaults.items()}
    runner = _Runner(base, jobs, progress)
    targets = runner.run(chosen, "target", {})

    def rows_of(role: Role, prices: Mapping[str, int]) -> pd.DataFrame:
        them = [guest for guest in chosen if guest.role == role]
        hosts = runner.run(them, "host", prices)
        return cells({g.name: Pair(targets[g.name], hosts[g.name]) for g in them}, firmware)

    rows = rows_of("fit", before)
    prior = _strengths(rows, before, rows_of("choose", before))
    pull = float(prior.loc[prior["chosen"], "strength"].iloc[0])
    prices = fit(rows, before, pull)
    for _ in range(_ROUNDS):
        rows = rows_of("fit", prices)
        again = fit(rows, before, pull)
        if again == prices:
            break
        prices = again
    hosts = runner.run(chosen, "host", prices)
    pairs = [(guest, Pair(targets[guest.name], hosts[guest.name])) for guest in chosen]
    totals, causes = _totals(pairs), _causes(pairs)
    worked = {name for name in rows.columns if name in before and rows[name].any()} - SET_PRICES.keys()
    return Calibration(
        fragment=_fragment(name, prices, pull, pairs, totals, causes),
        prices=pd.DataFrame(
            [
                {"work": work, "before": defaults[work], "price": price, "fitted": work in worked}
                for work, price in prices.items()
            ]
        ),
        prior=prior,
        totals=totals,
        causes=causes,
        speed=_speed(pairs),
    )


def _strengths(rows: pd.DataFrame, before: Mapping[str, int], others: pd.DataFrame) -> pd.DataFrame:
    """How prices of each strength of the prior do on other guests; without any, the middle one is chosen."""
    found = pd.DataFrame(
        [
            {"strength": pull, "error": misses(others, fit(rows, before, pull)) if len(others) else 0.0}
            for pull in PULLS
        ]
    )
    best = found["error"].idxmin() if len(others) else len(PULLS) // 2
    return found.assign(chosen=found.index == best)


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["role"] == "judge"]


def _large(causes: pd.DataFrame) -> pd.DataFrame:
    return causes[causes["share"] >= JUDGED_SHARE]


class _Runner:
    """Runs guests on one machine."""

    def __init__(
        self,
        base: Mapping[str, Any],
        jobs: int | None,
        progress: bool | Callable[[Progress], None] | None,
    ) -> None:
        self._base, self._jobs, self._progress = base, jobs, progress

    def run(self, chosen: Iterable[Guest], where: str, costs: Mapping[str, int]) -> dict[str, Result]:
        """By the guest's name. Those whose host time counts run alone."""
        together = [guest for guest in chosen if not guest.timed]
        results = self._run(together, where, costs, self._jobs) if together else {}
        for guest in chosen:
            if guest.timed:
                results |= self._run([guest], where, costs, 1)
        return results

    def _run(
        self, chosen: list[Guest], where: str, costs: Mapping[str, int], jobs: int | None
    ) -> dict[str, Result]:
        runs = [guest.run(costs, where) for guest in chosen]
        config = {**self._base, "version": 1, "name": f"calibrate-{where}", "runs": runs}
        found = {}
        for guest, result in zip(
            chosen, run(config, jobs=jobs, progress=self._progress).values(), strict=True
        ):
            if result.manifest["exit_code"] != 0:
                raise RunError(
                    guest.name,
                    result.manifest["exit_code"],
                    f"failed with the hypervisor on {where}: {result.stop_detail}",
                )
            if result.config["machine"]["mode"] == "functional":
                raise ConfigError(
                    "", "machine.mode", '"functional"', "expected fast or detailed, to have time to fit"
                )
            found[guest.name] = result
        return found


def _machine_of(machine: Config | None) -> tuple[str, dict[str, Any]]:
    """Its name, and the config that the guests' configs lie on."""
    if machine is None:
        return "default", {}
    if isinstance(machine, Mapping):
        return str(machine.get("name", "machine")), {"machine": _plain(machine.get("machine", {}))}
    path = Path(machine).absolute()
    if not path.is_file():
        raise ConfigError(str(machine), "", "", "expected a config that is there")
    return path.stem, {"extends": str(path)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, (list, tuple)) else value


def _chosen(only: Iterable[str] | None) -> list[Guest]:
    known = {guest.name: guest for guest in guests()}
    if only is None:
        return list(known.values())
    names = list(only)
    for name in names:
        if name not in known:
            raise ConfigError("", "only", json.dumps(name), f"expected some of {', '.join(known)}")
    if not any(known[name].role == "fit" for name in names):
        raise ConfigError("", "only", json.dumps(names), "expected at least one guest to fit prices on")
    return [guest for guest in known.values() if guest.name in names]


def _costs() -> dict[str, dict[str, Any]]:
    hypervisor = schema()["properties"]["hypervisor"]["properties"]
    costs: dict[str, dict[str, Any]] = hypervisor["costs"]["properties"]
    return costs


def _default_prices() -> dict[str, int]:
    return {name: key["default"] for name, key in _costs().items() if key["type"] == "integer"}


def _firmware() -> frozenset[str]:
    return frozenset(name for name, key in _costs().items() if key.get("format") == "firmware-cycles")


def _virtualized(result: Result) -> int:
    frame = result.cpi
    busy = [name for name, unit in frame.attrs["units"].items() if unit == "cycles" and name != "idle"]
    outside = (frame["cause"] == "-") & (frame["phase"] == "none") & ~frame["mode"].isin(["VS", "VU"])
    return int(frame.loc[~outside, busy].to_numpy().sum())


def _hypervisor(result: Result) -> int:
    table = spent(result)
    return int(table["cycles"].sum()) - int(table["cycles"].get(("-", "none"), 0))


def _error(host: float, target: float) -> float:
    return host / target - 1 if target else float("nan")


def _totals(pairs: Sequence[tuple[Guest, Pair]]) -> pd.DataFrame:
    rows = []
    for guest, (target, host) in pairs:
        both = {"target": _virtualized(target), "host": _virtualized(host)}
        parts = {"target_hypervisor": _hypervisor(target), "host_hypervisor": _hypervisor(host)}
        rows.append(
            {
                "guest": guest.name,
                "role": guest.role,
                **both,
                "error": _error(both["host"], both["target"]),
                **parts,
                "hypervisor_error": _error(parts["host_hypervisor"], parts["target_hypervisor"]),
            }
        )
    return pd.DataFrame(rows)


def _causes(pairs: Sequence[tuple[Guest, Pair]]) -> pd.DataFrame:
    rows = []
    for guest, (target, host) in pairs:
        exits = exit_counts(target), exit_counts(host)
        cycles = tuple(spent(result)["cycles"].groupby("cause").sum() for result in (target, host))
        whole = _hypervisor(target)
        for cause in sorted({*exits[0].index, *exits[1].index}):
            was, now = (int(table.get(cause, 0)) for table in cycles)
            count = [int(table.get(cause, 0)) for table in exits]
            rows.append(
                {
                    "guest": guest.name,
                    "role": guest.role,
                    "cause": cause,
                    "target_exits": count[0],
                    "host_exits": count[1],
                    "same_exits": count[0] == count[1],
                    "target": was,
                    "host": now,
                    "error": _error(now, was),
                    "share": was / whole if whole else 0.0,
                }
            )
    return pd.DataFrame(rows)


def _speed(pairs: Sequence[tuple[Guest, Pair]]) -> pd.DataFrame:
    rows = []
    for guest, (target, host) in pairs:
        if guest.timed:
            seconds = target.manifest["wall_seconds"], host.manifest["wall_seconds"]
            rows.append(
                {
                    "guest": guest.name,
                    "target": seconds[0],
                    "host": seconds[1],
                    "ratio": seconds[0] / seconds[1],
                }
            )
    return pd.DataFrame(rows, columns=["guest", "target", "host", "ratio"])


def _hash(value: Any) -> str:
    """Of a part of a config."""
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()[:16]


def _fragment(
    name: str,
    prices: Mapping[str, int],
    pull: float,
    pairs: Sequence[tuple[Guest, Pair]],
    totals: pd.DataFrame,
    causes: pd.DataFrame,
) -> dict[str, Any]:
    first = pairs[0][1].target

    def names(role: Role) -> str:
        return ",".join(guest.name for guest, _ in pairs if guest.role == role)

    calibration = {
        "machine": name,
        "mode": str(first.config["machine"]["mode"]),
        "machine_hash": _hash(first.config["machine"]),
        "simulator": str(first.manifest["simulator"]),
        "hypervisor_image": str(first.manifest["images"]["hypervisor"]["hash"]),
        "fitted_on": names("fit"),
        "prior_chosen_on": names("choose"),
        "prior_strength": f"{pull:g}",
        "judged_on": names("judge"),
    }
    errors = _judged(totals)["error"].abs()
    by_cause = _large(_judged(causes))
    close = by_cause["error"].abs() <= CAUSE_BOUND
    if not errors.empty:
        calibration |= {
            "judged_total_error_mean": f"{errors.mean():.2%}",
            "judged_total_error_worst": f"{errors.max():.2%}",
            "judged_cause_error_median": f"{by_cause['error'].abs().median():.2%}",
            "judged_causes_within_10_percent": f"{close.sum()}/{len(close)}",
            "judged_causes_with_equal_exits": f"{by_cause['same_exits'].sum()}/{len(close)}",
        }
    return {
        "version": 1,
        "description": f"prices of the host hypervisor's work on the machine {name}, "
        "fitted by hvsim calibrate to the hypervisor on its harts",
        "hypervisor": {"costs": dict(prices), "calibration": calibration},
    }


_ROLES = {"fit": "fitted", "choose": "prior", "judge": "judged"}


def _words(calibration: Calibration) -> Iterable[str]:
    def percent(value: Any) -> str:
        return f"{value:+8.1%}"

    yield f"{'guest':16} {'':8} {'target':>12} {'host':>12} {'error':>8} {'hypervisor':>10}"
    for row in calibration.totals.itertuples():
        yield (
            f"{row.guest:16} {_ROLES[str(row.role)]:8} {row.target:12,} {row.host:12,} "
            f"{percent(row.error)} {percent(row.hypervisor_error):>10}"
        )
    yield ""
    tried = ", ".join(
        f"{row.strength:g}: {row.error:.1%}{' (chosen)' if row.chosen else ''}"
        for row in calibration.prior.itertuples()
    )
    yield f"strength of the prior, and the mean error by cause of the guests that choose it: {tried}"
    yield ""
    yield f"exit causes with {JUDGED_SHARE:.0%} of the hypervisor's cycles or more, of judged guests:"
    for row in _large(_judged(calibration.causes)).itertuples():
        exits = f"{row.target_exits:,}" + ("" if row.same_exits else f" / {row.host_exits:,}")
        yield f"  {row.guest:16} {row.cause:32} {exits:>15} exits {percent(row.error)}"
    yield ""
    bounds = f"{TOTAL_BOUND:.0%} of all cycles, {CAUSE_BOUND:.0%} of a cause's, or with other exits"
    yield f"of judged guests beyond {bounds}: {len(calibration.outside)}"
    for row in calibration.speed.itertuples():
        yield (
            f"host time of {row.guest}: {row.target:.2f} s on target, {row.host:.2f} s on the host: "
            f"{row.ratio:.1f} times faster"
        )
