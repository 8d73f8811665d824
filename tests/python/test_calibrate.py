"""Calibration: prices that are fitted tell what the target takes."""

import json

import hvsim
import numpy as np
import pandas as pd
import pytest
from hvsim._calibration_fit import fit


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
    table = rows(TRUE).assign(block=lambda t: t["dispatch"], wake=lambda t: t["dispatch"])
    table["target"] += 1000 * table["block"]
    found = fit(table, BEFORE | {"block": 1, "wake": 1}, pull=0.01)
    together = TRUE["dispatch"] + 1000  # expected: 60, 900 and 100
    assert found["dispatch"] + found["block"] + found["wake"] == pytest.approx(together, rel=0.01)
    assert found["block"] > 5 * found["wake"] > 0


def test_a_calibration_of_few_guests_is_a_config_to_extend(tmp_path):
    machine = hvsim.Machine.preset("cva6-like")
    only = ["immediate-1", "dlh-4"]
    found = hvsim.calibrate(machine, only=only)
    again = hvsim.calibrate(machine, only=only)
    assert json.dumps(found.fragment) == json.dumps(again.fragment)
    assert list(found.totals["guest"]) == only
    assert list(found.totals["fitted"]) == [True, False]
    assert found.totals["error"].abs().max() < 0.1
    assert found.prices.set_index("work").loc["exit_dispatch", "fitted"]
    assert not found.prices.set_index("work").loc["content_word", "fitted"]
    provenance = found.fragment["hypervisor"]["calibration"]
    assert provenance["fitted_on"] == "immediate-1"
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


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(hvsim.ConfigError, match="expected some of immediate-1"):
        hvsim.calibrate(only=["nobody"])
    with pytest.raises(hvsim.ConfigError, match="at least one guest to fit"):
        hvsim.calibrate(only=["polling"])
    with pytest.raises(hvsim.ConfigError, match="expected fast or detailed"):
        hvsim.calibrate(hvsim.Machine.preset("cva6-like", mode="functional"), only=["immediate-1"])
