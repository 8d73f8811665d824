"""Checkpoints and bookmarks of sessions: what goes on from one ends as if nothing had happened."""

from __future__ import annotations

import json

import hvsim
import pytest


def _storm(config, run="host", mode="fast", **hypervisor):
    vm = {"workload": "hypercall_storm", "memory_bytes": "4MiB", "arguments": {"iterations": "40"}}
    return config(
        name="storm",
        machine={"harts": 2, "memory_bytes": "64MiB", "mode": mode},
        hypervisor={"run": run, "delivery": "dlh", "calls_per_notification": 4, **hypervisor},
        vms=[{"name": "a", **vm}, {"name": "b", **vm}],
    )


def _same(result, whole):
    assert result.result_hash == whole.result_hash
    assert result.stats.equals(whole.stats)
    assert result.exits.equals(whole.exits)
    assert dict(result.console) == dict(whole.console)
    assert not result.manifest["debugged"]


@pytest.mark.parametrize(("run", "mode"), [("target", "detailed"), ("host", "fast"), ("host", "functional")])
def test_a_session_goes_on_from_a_checkpoint_bit_for_bit(config, tmp_path, run, mode):
    settings = _storm(config, run, mode)
    whole = hvsim.run(settings)["storm"]
    with hvsim.Session(settings) as s:
        s.run_until(exit="SUPERVISOR_SYSCALL/notify", vm="a")
        s.step(3, hart=s.stop.hart)  # in the midst of a turn
        before = s.hart(s.stop.hart).registers
        saved = s.checkpoint(tmp_path / "there.ckpt")
        assert dict(s.hart(s.stop.hart).registers) == dict(before)
        s.run()
        _same(s.result(), whole)
    assert saved == hvsim.Checkpoint.read(tmp_path / "there.ckpt")
    assert saved.instructions > 0 and not saved.debugged
    assert saved.config["machine"]["mode"] == mode
    with hvsim.Session(settings, restore=saved.file) as s:
        assert sum(hart.retired for hart in s.harts) == saved.instructions
        s.run(cycles=10_000)
        again = s.checkpoint(tmp_path / "again.ckpt")
        s.run()
        _same(s.result(), whole)
    _same(hvsim.run(settings, overrides={"boot.restore": str(again.file)})["storm"], whole)
    with hvsim.Session(restore=again.file) as s:
        assert s.run().outcome == "finished"
        _same(s.result(), whole)


def test_limits_go_with_a_checkpoint(config, tmp_path):
    file, length = tmp_path / "there.ckpt", hvsim.run(_storm(config))["storm"].manifest["cycles"]
    limited = _storm(config) | {"limits": {"max_cycles": length - 300_000}}
    saving = {"checkpoint.at": f"cycles={length - 900_000}", "checkpoint.file": str(file)}
    whole = hvsim.run(limited, overrides=saving)["storm"]
    assert whole.stop == "cycle_limit"
    restored = hvsim.run(hvsim.Checkpoint.read(file).config, overrides={"boot.restore": str(file)})
    _same(restored["storm"], whole)


def test_a_run_of_an_experiment_goes_on_from_its_checkpoint(config, tmp_path):
    runs = _storm(config) | {"axes": {"hypervisor.run": ["host", "target"]}}
    whole = hvsim.run(runs, overrides={"hypervisor.delivery": "immediate"})["host"]
    with hvsim.Session(runs, run="host", overrides={"hypervisor.delivery": "immediate"}) as s:
        s.run(cycles=100_000)
        saved = s.checkpoint(tmp_path / "there.ckpt")
    where = {"run": "host", "restore": saved.file, "overrides": {"hypervisor.delivery": "immediate"}}
    with hvsim.Session(runs, **where) as s:
        s.run()
        _same(s.result(), whole)
    with pytest.raises(
        hvsim.ConfigError, match='run: "hots": expected a run of this experiment: host, target'
    ):
        hvsim.Session(runs, run="hots")


def test_what_was_changed_stays_marked(config, tmp_path):
    with hvsim.Session(_storm(config)) as s:
        s.run_until(symbol="guest::workload_main", vm="a")
        s.hart(s.stop.hart).write("s11", 5)
        assert s.checkpoint(tmp_path / "changed.ckpt").debugged
    with hvsim.Session(restore=tmp_path / "changed.ckpt") as s:
        assert s.result().manifest["debugged"]
    restored = {"boot": {"restore": str(tmp_path / "changed.ckpt")}}
    assert hvsim.run({**_storm(config), **restored}, out=tmp_path / "out")["storm"].manifest["debugged"]


def test_under_another_timing_models_begin_empty_or_are_warmed(config, tmp_path):
    settings = _storm(config, "target", "functional")
    with hvsim.Session(settings) as s:
        s.run_until(symbol="guest::workload_main", vm="a")
        saved = s.checkpoint(tmp_path / "there.ckpt")
    timing = {"machine.mode": "detailed", "boot.restore": str(saved.file)}
    with pytest.raises(hvsim.ConfigError, match=r"machine\.mode"):
        hvsim.run(settings, overrides=timing)
    timing["boot.restored_models"] = "cold"
    cold = hvsim.run(settings, overrides=timing)["storm"]
    warm = hvsim.run(settings, overrides=timing | {"boot.warm_instructions": 20_000})["storm"]
    with hvsim.Session(settings, restore=saved.file, cold=True, overrides={"machine.mode": "detailed"}) as s:
        s.run()
        _same(s.result(), cold)
    retired = [sum(each.stats.loc[f"harts[{n}].retired", "value"] for n in (0, 1)) for each in (cold, warm)]
    # Counting begins where the turn ends in which so many had been retired.
    assert (
        20_000 <= retired[0] - retired[1] < 20_000 + 2 * 4 * settings["machine"].get("quantum_cycles", 1000)
    )
    per_instruction = [
        each.stats.loc["cycles", "value"] / count for each, count in zip((cold, warm), retired, strict=True)
    ]
    assert per_instruction[1] < per_instruction[0]  # the first misses are not counted
    with pytest.raises(hvsim.ConfigError, match=r"boot\.warm_instructions"):
        hvsim.validate(settings, overrides={"boot.warm_instructions": 5})


def test_one_goes_back_to_a_bookmark_as_often_as_one_likes(config):
    settings = _storm(config)
    whole = hvsim.run(settings)["storm"]
    with hvsim.Session(settings, timeline=True) as s:
        s.run_until(exit="any", vm="a")
        first = s.bookmark()
        point = s.break_at("guest::workload_main", vm="b")[0]
        registers, queue = dict(s.hart(0).registers), s.vm("a").queue()
        s.run(instructions=5_001)
        second = s.bookmark()
        s.hart(0).write("s11", 3)
        s.run()
        assert s.bookmarks == (first, second)
        assert s.go_back(second).reason == "back"
        assert s.breakpoints == (point,)
        s.delete()
        s.run()
        _same(s.result(), whole)
        for _ in range(2):
            s.go_back(first)
            assert s.breakpoints == ()
            assert dict(s.hart(0).registers) == registers
            assert s.vm("a").queue().waiting == queue.waiting
            s.run_until(mark="work_done")
        with pytest.raises(hvsim.SessionError, match="bookmark"):
            s.go_back(second)
        s.run()
        assert s.stop.over
        _same(s.result(), whole)
        with pytest.raises(hvsim.SessionError, match="over"):
            s.bookmark()
        assert s.go_back().reason == "back"
    assert s.closed


def test_a_timeline_is_whole_whenever_one_asks(config, tmp_path):
    settings = _storm(config)
    whole = hvsim.run(settings, out=tmp_path, overrides={"observe.timeline": True})["storm"]
    expected = (whole.directory / "trace.json").read_text()
    with hvsim.Session(settings, timeline=True) as s:
        s.run_until(exit="any", vm="a")
        s.bookmark()
        s.run(cycles=50_000)
        half = json.loads(s.save_timeline(tmp_path / "half.json").read_text())
        s.checkpoint(tmp_path / "half.ckpt")
        s.run()
        assert s.save_timeline(tmp_path / "whole.json").read_text() == expected
        s.go_back()
        s.run()
        assert s.save_timeline(tmp_path / "whole.json").read_text() == expected
    assert 0 < len(half["traceEvents"]) < len(json.loads(expected)["traceEvents"])
    with hvsim.Session(restore=tmp_path / "half.ckpt", timeline=True) as s:  # from there on
        s.run()
        rest = json.loads(s.save_timeline(tmp_path / "rest.json").read_text())
    assert len(rest["traceEvents"]) > 0
    with hvsim.Session(settings) as s, pytest.raises(hvsim.SessionError, match="timeline=True"):
        s.save_timeline(tmp_path / "none.json")


@pytest.mark.parametrize("run", ["target", "host"])
def test_calls_that_wait_in_a_ring_are_shown(config, run):
    with hvsim.Session(_storm(config, run, delivery="dlh_ring", calls_per_notification=8)) as s:
        s.run_until(exit="SUPERVISOR_SYSCALL/ring_kick", vm="a")
        queue = s.vm("a").queue()
        ring = queue.rings.iloc[0]
        in_ring = queue.calls[queue.calls["ring"] == 0]
        assert len(in_ring) == ring["tail"] - ring["head"] > 0
        assert list(in_ring["ticket"]) == list(range(ring["head"], ring["tail"]))
        assert set(in_ring["name"]) <= {"routine", "statistics_update", "event_send", "console_write"}
        assert queue.waiting == len(queue.calls)


def test_files_that_are_no_checkpoints_are_refused(config, tmp_path):
    wrong = tmp_path / "wrong.ckpt"
    wrong.write_text("nothing")
    with pytest.raises(hvsim.ConfigError, match="is no checkpoint"):
        hvsim.Checkpoint.read(wrong)
    with pytest.raises(hvsim.ConfigError, match="is no checkpoint"):
        hvsim.Session(restore=wrong)
    with pytest.raises(hvsim.ConfigError, match=r"absent\.ckpt"):
        hvsim.Session(restore=tmp_path / "absent.ckpt")
    with hvsim.Session(_storm(config)) as s:
        with pytest.raises(hvsim.SessionError, match=r"checkpoint: .*there\.ckpt\": No such file"):
            s.checkpoint(tmp_path / "nowhere" / "there.ckpt")
        s.run()
        with pytest.raises(hvsim.SessionError, match="over"):
            s.checkpoint(tmp_path / "there.ckpt")


def test_long_runs_show_how_far_they_are(config, capsys):
    settings = config(
        machine={"harts": 1, "mode": "detailed"},
        vms=[{"name": "a", "workload": "compute", "arguments": {"crc": "4000000"}}],
    )
    seen = []
    hvsim.run(settings, progress=seen.append)
    assert [each.state for each in seen[:1]] == ["started"]
    running = [each for each in seen if each.state == "running"]
    assert all(each.instructions > 0 and each.cycles > 0 and each.seconds > 0 for each in running)
    assert seen[-1].state == "finished" and seen[-1].done == 1
    hvsim.run(settings, progress=True)
    assert "1 of 1 runs finished" in capsys.readouterr().err
