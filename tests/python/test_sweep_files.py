"""Sweeps and the files behind their configs: what changes meanwhile, what is shared, what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import hvsim
import pytest
from hvsim._worker import image_directories
from sweeping import short


def image(name):
    files = (Path(each) / f"{name}.elf" for each in image_directories())
    return next(file for file in files if file.exists())


def test_a_run_whose_image_has_changed_since_it_was_planned_fails(config, tmp_path):
    guest = tmp_path / "guest.elf"
    shutil.copy(image("hello"), guest)
    base = short(config, vms=[{"name": "a", "workload": str(guest)}])

    def swap(progress):
        if progress.run:
            shutil.copy(image("compute"), guest)

    frame = hvsim.sweep(base, {"seed": [1, 2]}, jobs=1, out=tmp_path / "out", progress=swap)
    assert list(frame["stop"].fillna("-")) == ["cycle_limit", "-"]
    assert f"vms[0].workload, {guest}: expected what the files held" in frame["failure"][1]
    again = hvsim.sweep(base, {"seed": [1, 2]}, out=tmp_path / "out")
    assert list(again["stop"]) == ["cycle_limit"] * 2
    assert set(again["identity"]).isdisjoint(frame["identity"])


@pytest.mark.parametrize("grid", [{"seed": [1, 2]}, {"machine.devices.block": None}])
def test_a_disk_that_a_run_changes_is_nobody_elses(config, tmp_path, grid):
    (tmp_path / "disk").write_bytes(bytes(4096))
    (tmp_path / "link").symlink_to("disk")
    disk = {"file": str(tmp_path / "disk"), "access": "read_write"}
    other = {"file": str(tmp_path / "link"), "access": "overlay"}
    base = short(config, machine={"harts": 1, "devices": {"block": [disk]}})
    grid = {axis: values or [[disk], [other]] for axis, values in grid.items()}
    with pytest.raises(hvsim.ConfigError, match=r"block\[0\]\.access.*2 runs would use") as refused:
        hvsim.sweep(base, grid)
    assert refused.value.path == "machine.devices.block[0].access"
    assert len(hvsim.sweep(base, {"seed": [1]})) == 1
    (tmp_path / "another").write_bytes(bytes(4096))
    own = [[disk], [disk | {"file": str(tmp_path / "another")}]]
    assert len(hvsim.sweep(base, {"machine.devices.block": own})) == 2


def test_a_run_that_lacks_what_is_to_be_observed_runs_again(config, tmp_path):
    first = hvsim.sweep(short(config), {"seed": [1, 2]}, out=tmp_path)
    assert not list(tmp_path.glob("small-*/trace.json"))
    wanted = {"observe.timeline": True}
    again = hvsim.sweep(short(config), {"seed": [1, 2]}, out=tmp_path, overrides=wanted)
    assert list(again["result_hash"]) == list(first["result_hash"])
    traces = sorted(tmp_path.glob("small-*/trace.json"))
    assert len(traces) == 2
    before = [each.stat().st_ino for each in traces]
    for overrides in (wanted, None):
        hvsim.sweep(short(config), {"seed": [1, 2]}, out=tmp_path, overrides=overrides)
    assert [each.stat().st_ino for each in traces] == before


def test_a_file_that_runs_write_is_each_ones_own(config, tmp_path):
    wanted = {"observe.explain": "all"}
    with pytest.raises(hvsim.ConfigError, match=r"expected a file, for nobody hears") as refused:
        hvsim.sweep(short(config), {"seed": [1, 2]}, overrides=wanted)
    assert refused.value.path == "observe.explain_output"
    with pytest.raises(hvsim.ConfigError, match=r"expected a file, for nobody hears"):
        hvsim.run(short(config), overrides=wanted)
    wanted["observe.explain_output"] = str(tmp_path / "traps.txt")
    with pytest.raises(hvsim.ConfigError, match=r"traps\.txt.*of its own for each run: {run}"):
        hvsim.sweep(short(config), {"seed": [1, 2]}, overrides=wanted)
    with pytest.raises(hvsim.ConfigError, match=r'traps\.txt.*"1" .*writes it, too; {run}'):
        hvsim.run(short(config, axes={"seed": [1, 2]}), overrides=wanted)
    assert not list(tmp_path.iterdir())
    wanted["observe.explain_output"] = str(tmp_path / "{run}.txt")
    wanted |= {"checkpoint.at": "instructions=100", "checkpoint.file": str(tmp_path / "{run}.ckpt")}
    frame = hvsim.sweep(config(), {"seed": [1, 2]}, overrides=wanted, out=tmp_path / "out")
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    runs = [f"small-{identity}" for identity in frame["identity"]]
    assert written == {f"{run}{ending}" for run in runs for ending in (".txt", ".ckpt")}
    assert all((tmp_path / f"{run}.txt").stat().st_size > 0 for run in runs)
    assert hvsim.Checkpoint.read(tmp_path / f"{runs[1]}.ckpt").config["seed"] == 2


def test_files_named_by_axes_start_where_the_sweep_stands(config, tmp_path, monkeypatch):
    """All kinds of keys that name files, by the schema; names of images stay names."""
    from hvsim._plan import anchored

    here = tmp_path / "here"
    assert anchored("vms[0].workload", "a/b.elf", here) == f"{here}/a/b.elf"
    assert anchored("vms[*].workload", "hello", here) == "hello"
    assert anchored("vms[1].initrd", "initrd", here) == f"{here}/initrd"
    assert anchored("boot.restore", "", here) == ""
    assert anchored("boot.restore", "/x", here) == "/x"
    assert anchored("vms[*].arguments.image", "a/b", here) == "a/b"
    disks = [{"file": "./disk", "serial": "./serial"}]
    assert anchored("machine.devices.block", disks, here) == [{"file": f"{here}/disk", "serial": "./serial"}]
    assert anchored("vms", [{"workload": "x/y", "name": "x/y"}], here)[0]["name"] == "x/y"


def test_checkpoints_and_symbols_are_looked_for_before_anything_runs(config, tmp_path):
    out = tmp_path / "out"
    missing, symbols = str(tmp_path / "none.ckpt"), ["symbol=guest::workload_main", "symbol=nope"]
    with pytest.raises(hvsim.ConfigError, match=r"No such file") as refused:
        hvsim.sweep(config(), {"boot.restore": ["", missing]}, out=out)
    assert refused.value.path == "boot.restore"
    with pytest.raises(hvsim.ConfigError, match=r"no image has a symbol of that name") as refused:
        hvsim.sweep(config(), {"boot.fast_forward": symbols}, out=out)
    assert refused.value.path == "boot.fast_forward"
    with pytest.raises(hvsim.ConfigError, match=r"checkpoint\.at"):
        hvsim.validate(config(checkpoint={"at": "symbol=nope", "file": missing}))
    with hvsim.Session(config()) as session:
        session.run(instructions=5000)
        session.checkpoint(tmp_path / "there.ckpt")
    with pytest.raises(hvsim.ConfigError, match=r"expected fewer than limits\.max_instructions"):
        hvsim.validate(config(limits={"max_instructions": 10}, boot={"restore": f"{tmp_path}/there.ckpt"}))
    assert not list(out.glob("small-*"))
