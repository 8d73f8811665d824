"""Bad input: one precise error, and nothing has run."""

from __future__ import annotations

import pickle

import hvsim
import pytest


def test_an_unknown_key_names_its_path_and_the_nearest_key(config, tmp_path):
    with pytest.raises(hvsim.ConfigError) as caught:
        hvsim.run(config(machine={"hart": 2}), out=tmp_path / "out")
    assert caught.value.path == "machine.hart"
    assert "harts" in caught.value.expected
    assert not (tmp_path / "out").exists()


def test_an_override_out_of_bounds_names_path_value_and_expectation(config):
    with pytest.raises(hvsim.ConfigError) as caught:
        hvsim.run(config(), overrides={"machine.harts": 0})
    assert (caught.value.path, caught.value.value) == ("machine.harts", "0")
    assert "1" in caught.value.expected
    assert "machine.harts: 0" in str(caught.value)


def test_a_value_of_the_wrong_type_is_refused(config):
    with pytest.raises(hvsim.ConfigError, match=r"machine\.harts"):
        hvsim.run(config(machine={"harts": "two"}))


def test_malformed_json_is_refused(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"version": 1,')
    with pytest.raises(hvsim.ConfigError, match=r"broken\.json"):
        hvsim.run(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(hvsim.ConfigError, match=r"absent\.json"):
        hvsim.run(tmp_path / "absent.json")


def test_an_unknown_workload_is_refused_before_anything_runs(config):
    with pytest.raises(hvsim.ConfigError) as caught:
        hvsim.validate(config(vms=[{"name": "a", "workload": "helo"}]))
    assert caught.value.path == "vms[0].workload"
    assert "hello" in caught.value.expected


def test_an_output_that_is_no_directory_is_refused(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(hvsim.ConfigError, match="out"):
        hvsim.run(config(), out=tmp_path / "file")


def test_a_config_error_is_a_value_error_and_survives_pickling():
    error = hvsim.ConfigError("f.json", "machine.harts", "0", "expected 1 to 8")
    assert isinstance(error, ValueError)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.file, copy.path, copy.value, copy.expected) == (
        "f.json",
        "machine.harts",
        "0",
        "expected 1 to 8",
    )
    run_error = pickle.loads(pickle.dumps(hvsim.RunError("a", 3, "detail")))
    assert (run_error.run, run_error.exit_code) == ("a", 3)


def test_a_simulator_that_fails_raises_run_error_with_its_last_words(config, tmp_path, monkeypatch):
    fake = tmp_path / "simulator"
    fake.write_text("#!/bin/sh\necho it broke >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("HVSIM_SIMULATOR", str(fake))
    with pytest.raises(hvsim.RunError, match="it broke") as caught:
        hvsim.run(config())
    assert caught.value.exit_code == 3


def test_a_simulator_that_leaves_nothing_raises_run_error(config, tmp_path, monkeypatch):
    monkeypatch.setenv("HVSIM_SIMULATOR", "/bin/true")
    with pytest.raises(hvsim.RunError, match="cannot be read"):
        hvsim.run(config())


def test_schema_describes_every_key_with_help():
    schema = hvsim.schema()
    text = str(schema)
    for key in ("harts", "delivery", "calls_per_notification", "memory_latency"):
        assert key in text


def test_validate_names_the_runs(config):
    assert hvsim.validate(config()) == ["small"]


def test_version_is_the_packages():
    from importlib.metadata import version

    assert hvsim.__version__ == version("hvsim")


def test_what_the_simulator_refuses_when_it_starts_names_its_key():
    from hvsim._errors import refusal

    error = refusal('machine.devices.block[0].file: "/x.img": No such file')
    assert error.path == "machine.devices.block[0].file"
    assert str(error) == 'machine.devices.block[0].file: "/x.img": No such file'
    assert refusal("nothing: that looks like a key").path == ""


def test_overrides_number_of_jobs_and_missing_guests_are_told_by_their_names(config):
    with pytest.raises(hvsim.ConfigError, match=r"^overrides: machine\.hart: unknown key"):
        hvsim.run(config(), overrides={"machine.hart": 2})
    for start in (lambda: hvsim.run(config(), jobs=0), lambda: hvsim.sweep(config(), jobs=0)):
        with pytest.raises(hvsim.ConfigError, match="jobs: 0: expected at least 1"):
            start()
    with pytest.raises(hvsim.ConfigError, match="jobs: two: expected at least 1"):
        hvsim.run(config(), jobs="two")
    with pytest.raises(hvsim.ConfigError, match="workload: missing: expected what to run"):
        hvsim.run(hvsim.Machine.preset("cva6-like"))


def test_names_that_do_not_exist_are_told_with_the_nearest(config, tmp_path):
    results = hvsim.run(config(), out=tmp_path)
    with pytest.raises(KeyError, match="expected one of small"):
        results["smal"]
    with pytest.raises(KeyError, match="did you mean"):
        results["small"].describe("harts[0].l1d.mises")
    assert results["small"].describe("harts[1].l1d.misses").help
    with pytest.raises(KeyError, match="expected one of"):
        hvsim.Runs(tmp_path)["0123"]
    with pytest.raises(hvsim.RunError, match=r"^run .*absent: its files cannot be read"):
        hvsim.Result.read(tmp_path / "absent")
    with hvsim.Session(config()) as session:
        for wrong, words in [
            (lambda: session.hart(9), "hart: 9: expected less than 1"),
            (lambda: session.vm("b"), 'vm: "b": expected one of a'),
            (lambda: session.vcpu("a", 1), "vcpu: 1: expected less than 1"),
        ]:
            with pytest.raises(hvsim.SessionError, match=words):
                wrong()
        with pytest.raises(KeyError, match="mstatus"):
            session.hart(0)["mstats"]
        assert "mstatus" in session.hart(0)._repr_html_()


def test_a_guest_that_fails_shows_in_what_a_notebook_prints(config):
    vms = [{"name": "a", "workload": "hello", "arguments": {"no": 1}}]
    result = hvsim.run(config(vms=vms))["small"]
    assert (result.stop, result.verdict) == ("finished", "failed")
    assert "no such argument" in repr(result)
    assert "no such argument" in result._repr_html_()
