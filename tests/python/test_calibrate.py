"""Calibration: prices that are fitted tell what the target takes."""

import dataclasses
import json
from pathlib import Path

import hvsim
import numpy as np
import pandas as pd
import pytest
from hvsim._calibration_fit import fit

ROOT = Path(__file__).resolve().parents[2]


def rows(prices: dict[str, int], noise: float = 0.0) -> pd.DataFrame:
    """Cells of an imagined target whose prices are known."""
    random = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "guest": ["a"] * 6 + ["b"] * 6,
            "cause": ["call", "call", "call", "timer", "timer", "timer"] * 2,
            "phase": ["save", "exit", "restore"] * 4,
            "exits": [1000, 1000, 1000, 50, 50, 50] * 2,
            "unpriced": random.integers(0, 30, 12).astype(float),
            "register": [31, 0, 31, 31, 0, 31] * 2,
            "csr": [7, 0, 6, 7, 0, 17] * 2,
            "dispatch": [0, 1, 0, 0, 1, 0] * 2,
            "iteration": [0, 50, 0, 0, 0, 0, 0, 120, 0, 0, 0, 0],
            "lock_wait": [0.0] * 11 + [5.0],
        }
    )
    priced = sum(table[name] * price for name, price in prices.items())
    exact = table["unpriced"] + priced + table["lock_wait"]
    table["target"] = exact * (1 + noise * random.standard_normal(12))
    return table


TRUE = {"register": 2, "csr": 9, "dispatch": 140, "iteration": 11}
BEFORE = {"register": 1, "csr": 14, "dispatch": 60, "iteration": 10, "unseen": 77, "lock_wait": 1}


def test_prices_of_an_imagined_target_are_found():
    assert fit(rows(TRUE), BEFORE, pull=0.01) == TRUE | {"unseen": 77, "lock_wait": 1}


def test_noise_of_a_few_per_cent_moves_prices_by_as_little():
    found = fit(rows(TRUE, noise=0.03), BEFORE, pull=0.01)
    assert found["dispatch"] == pytest.approx(TRUE["dispatch"], rel=0.1)
    assert found["iteration"] == TRUE["iteration"]


def test_work_that_is_only_seen_together_shares_its_cycles_as_expected():
    table = rows(TRUE).assign(block=lambda t: t["dispatch"], expiry=lambda t: t["dispatch"])
    table["target"] += 1000 * table["block"]
    found = fit(table, BEFORE | {"block": 1, "expiry": 1}, pull=0.01)
    together = TRUE["dispatch"] + 1000  # expected: 60, 600 and 60
    assert found["dispatch"] + found["block"] + found["expiry"] == pytest.approx(together, rel=0.01)
    assert found["block"] > 5 * found["expiry"] > 0


ONLY = ["immediate-1", "dlh-4", "softirq-3"]


@pytest.fixture(scope="module")
def machine():
    return hvsim.Machine.preset("cva6-like")


@pytest.fixture(scope="module")
def found(machine):
    return hvsim.calibrate(machine, only=ONLY)


def test_guests_that_judge_have_no_part_in_the_prices(machine, found):
    """With and without them, the fit and the choice of its prior come to the same."""
    assert list(found.totals["role"]) == ["fit", "choose", "judge"]
    unjudged = hvsim.calibrate(machine, only=ONLY[:2])
    pd.testing.assert_frame_equal(unjudged.prices, found.prices)
    pd.testing.assert_frame_equal(unjudged.prior, found.prior)
    assert unjudged.fragment["hypervisor"]["costs"] == found.fragment["hypervisor"]["costs"]
    told = unjudged.fragment["hypervisor"]["calibration"]
    assert told["judged_on"] == "" and not [key for key in told if key.startswith("judged_total")]


def test_the_bounds_that_are_printed_are_those_of_judged_guests(found):
    totals = pd.DataFrame(
        [("a", "fit", 0.5), ("b", "choose", 0.5), ("c", "judge", 0.049), ("d", "judge", -0.051)],
        columns=["guest", "role", "error"],
    )
    causes = pd.DataFrame(
        [
            ("a", "fit", "call", 0.9, 0.5, False),
            ("c", "judge", "call", 0.099, 0.5, True),
            ("c", "judge", "timer", -0.101, 0.3, True),
            ("c", "judge", "rare", 0.9, 0.019, False),
            ("d", "judge", "call", 0.0, 0.5, False),
        ],
        columns=["guest", "role", "cause", "error", "share", "same_exits"],
    )
    numbers = dict.fromkeys(("target", "host", "target_exits", "host_exits"), 100)
    judged = dataclasses.replace(
        found, totals=totals.assign(**numbers, hypervisor_error=0.0), causes=causes.assign(**numbers)
    )
    beyond = list(zip(judged.outside["guest"], judged.outside["cause"], strict=True))
    assert beyond == [("d", "(all cycles)"), ("c", "timer"), ("d", "call")]
    assert "beyond 5% of all cycles, 10% of a cause's, or with other exits: 3" in judged.text()
    assert "5.1%" in repr(judged)


def test_a_calibration_of_few_guests_is_a_config_to_extend(machine, found, tmp_path):
    again = hvsim.calibrate(machine, only=ONLY)
    assert json.dumps(found.fragment) == json.dumps(again.fragment)
    assert list(found.totals["guest"]) == ONLY
    assert found.prior["chosen"].sum() == 1
    assert found.prior.loc[found.prior["chosen"], "error"].iloc[0] == found.prior["error"].min()
    assert found.totals["error"].abs().max() < 0.1
    assert found.prices.set_index("work").loc["exit_dispatch", "fitted"]
    assert not found.prices.set_index("work").loc["content_word", "fitted"]
    provenance = found.fragment["hypervisor"]["calibration"]
    parts = ["fitted_on", "prior_chosen_on", "judged_on"]
    assert [provenance[part] for part in parts] == ONLY
    assert provenance["judged_total_error_worst"] == f"{found.totals['error'].abs().iloc[2]:.2%}"
    assert "of judged guests beyond 5% of all cycles" in found.text()
    assert provenance["machine"] == "cva6-like"

    found.write(tmp_path / "costs.json")
    config = {
        "extends": "costs.json",
        "name": "guest",
        "hypervisor": {"run": "host"},
        "vms": [{"name": "a", "workload": "hello", "memory_bytes": "2MiB"}],
    }
    (tmp_path / "guest.json").write_text(json.dumps(config))
    result = hvsim.run(tmp_path / "guest.json")["guest"]
    assert result.config["hypervisor"]["costs"] == found.fragment["hypervisor"]["costs"] | {"own_lines": True}
    assert result.config["hypervisor"]["calibration"] == provenance
    assert result.work.set_index(["cause", "phase"])["exit_dispatch"].sum() > 0


def test_the_prices_of_the_build_are_those_that_were_fitted():
    costs = hvsim.schema()["properties"]["hypervisor"]["properties"]["costs"]["properties"]
    fragment = json.loads((ROOT / "configs" / "host-costs" / "default.json").read_text())
    built = {work: key["default"] for work, key in costs.items() if key["type"] == "integer"}
    assert fragment["hypervisor"]["costs"] == built


def test_no_guest_is_in_two_sets():
    known = hvsim.calibration_guests()
    assert len({guest.name for guest in known}) == len(known)
    runs = {
        role: {json.dumps(guest.config) for guest in known if guest.role == role}
        for role in ("fit", "choose", "judge")
    }
    assert all(runs.values())
    assert not runs["judge"] & (runs["fit"] | runs["choose"])


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(hvsim.ConfigError, match="expected some of immediate-1"):
        hvsim.calibrate(only=["nobody"])
    with pytest.raises(hvsim.ConfigError, match="at least one guest to fit"):
        hvsim.calibrate(only=["polling"])
    with pytest.raises(hvsim.ConfigError, match="expected fast or detailed"):
        hvsim.calibrate(hvsim.Machine.preset("cva6-like", mode="functional"), only=["immediate-1"])
