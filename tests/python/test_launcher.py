"""The launcher ./hvsim, with stand-ins for the programs that it calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hvsim._worker import binary

ROOT = Path(__file__).resolve().parents[2]

DPKG_QUERY = """
for name in "$@"; do
  case $name in -*|*{*) ;; *) grep -qx "$name" "$STATE/missing" 2>/dev/null || echo "$name installed" ;; esac
done
"""
APT_GET = """
echo "$*" >> "$STATE/apt-get"
case " $* " in *" install "*) if [ -e "$STATE/apt-fails" ]; then exit 100; fi; : > "$STATE/missing" ;; esac
"""
CMAKE = """
echo "$*" >> "$STATE/cmake"
mkdir -p build/$2
touch build/$2/build.ninja
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" > build/$2/CMakeCache.txt
shift 2
for option in "$@"; do echo "$option" | sed 's/^-D//; s/=/:BOOL=/' >> build/release/CMakeCache.txt; done
"""
NINJA = """
echo "$*" >> "$STATE/ninja"
sleep "${NINJA_SLEEP:-0}"
if [ -e "$STATE/ninja-fails" ]; then
  echo '[1/2] Building a.o'; echo 'FAILED: b.o'; echo 'b.cpp:1: error: no such thing'; exit 1
fi
echo '[2/2] Linking'
mkdir -p "$2/sim"
printf '#!/bin/sh\\necho "simulator: $*"\\n' > "$2/sim/hvsim-sim"
chmod +x "$2/sim/hvsim-sim"
"""
CTEST = """
while [ "$1" != -L ]; do shift; done
label=${2#^}
while [ "$1" != --output-junit ]; do shift; done
cp "$STATE/$label.xml" "$2" 2>/dev/null
exit "$(cat "$STATE/$label.status" 2>/dev/null || echo 0)"
"""


class Checkout:
    """A copy of the launcher, and a folder of stand-ins at the front of PATH."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.state = folder / "state"
        self.bin = folder / "bin"
        for path in (self.root, self.state, self.bin):
            path.mkdir(parents=True)
        for name in ("launcher", "packages"):
            shutil.copytree(ROOT / name, self.root / name)
        shutil.copy(ROOT / "hvsim", self.root)
        (self.root / "CMakePresets.json").write_text("{}")
        stubs = {"dpkg-query": DPKG_QUERY, "apt-get": APT_GET, "cmake": CMAKE, "ninja": NINJA, "ctest": CTEST}
        for name, script in stubs.items():
            (self.bin / name).write_text("#!/bin/sh" + script)
            (self.bin / name).chmod(0o755)

    def start(
        self, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
    ) -> subprocess.Popen[str]:
        variables = {"PATH": f"{self.bin}:/usr/bin:/bin", "STATE": str(self.state), "HOME": "/nonexistent"}
        return subprocess.Popen(
            [*prefix, str(self.root / "hvsim"), *arguments],
            env=variables | environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, prefix: tuple[str, ...] = ()) -> tuple[int, str, str]:
        process = self.start(*arguments, prefix=prefix)
        out, errors = process.communicate(timeout=60)
        return process.returncode, out, errors

    def calls(self, program: str) -> list[str]:
        log = self.state / program
        return log.read_text().splitlines() if log.exists() else []

    def report(self, rung: str, tests: int, failures: int = 0, status: int = 0) -> None:
        (self.state / f"{rung}.xml").write_text(
            f'<testsuite name="(empty)"\n\ttests="{tests}"\n\tfailures="{failures}"\n\tskipped="0"/>\n'
        )
        (self.state / f"{rung}.status").write_text(str(status))


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    # Not pytest's own folder, which other users cannot enter.
    with tempfile.TemporaryDirectory(prefix="hvsim-launcher-") as folder:
        Path(folder).chmod(0o777)
        yield Checkout(Path(folder))


def test_a_misspelt_command_hears_the_nearest_before_anything_is_built(checkout):
    for word, near in (("rnu", "run"), ("clibrate", "calibrate"), ("disams", "disasm"), ("xyzzy", None)):
        status, _, errors = checkout.run(word)
        assert status == 2
        hint = f', did you mean "{near}"?' if near else ""
        assert errors == f'hvsim: "{word}" is no command{hint} (./hvsim help lists what is there)\n'
    assert not (checkout.state / "ninja").exists()


def test_the_launcher_knows_the_commands_of_the_simulator():
    script = (ROOT / "hvsim").read_text()
    (known,) = re.findall(r"simulator_commands=\(([^)]*)\)", script)
    help_text = subprocess.run([binary(), "--help"], capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  ([a-z-]+) ", help_text.partition("Subcommands:")[2], re.MULTILINE)
    assert set(known.split()) == {*listed, "run-one"}


def test_a_command_reaches_the_simulator_with_its_arguments(checkout):
    status, out, _ = checkout.run("run", "a b.json", "--set", "x=1")
    assert (status, out) == (0, "simulator: run a b.json --set x=1\n")


def test_the_second_launch_does_not_configure_again(checkout):
    checkout.run("run")
    checkout.run("run")
    assert len(checkout.calls("cmake")) == 1
    assert len(checkout.calls("ninja")) == 2


def test_missing_packages_are_installed_by_name(checkout):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (checkout.state / "missing").write_text("libfdt-dev\nmold\n")
    status, _, errors = checkout.run("build")
    assert status == 0
    assert "libfdt-dev mold" in errors
    assert checkout.calls("apt-get")[0].endswith("libfdt-dev mold")


def test_an_install_that_fails_refreshes_the_lists_once_then_says_where_the_log_is(checkout):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    (checkout.state / "missing").write_text("mold\n")
    (checkout.state / "apt-fails").touch()
    status, _, errors = checkout.run("build")
    assert status == 3
    assert [" update" in call for call in checkout.calls("apt-get")] == [False, True, False]
    assert "build/packages.log" in errors
    assert checkout.calls("ninja") == []


def test_without_root_the_one_line_to_run_is_told(checkout):
    prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    checkout.root.chmod(0o777)
    (checkout.bin / "sudo").write_text("#!/bin/sh\nexit 1\n")
    (checkout.bin / "sudo").chmod(0o755)
    (checkout.state / "missing").write_text("mold\n")
    status, _, errors = checkout.run("run", "x.json", prefix=prefix)
    assert status == 3
    assert "apt-get update && apt-get install -y --no-install-recommends mold" in errors
    assert checkout.calls("apt-get") == []


def test_a_build_that_fails_shows_the_error_and_where_the_log_is(checkout):
    (checkout.state / "ninja-fails").touch()
    status, out, errors = checkout.run("run", "x.json")
    assert (status, out) == (3, "")
    assert "b.cpp:1: error: no such thing" in errors
    assert "build/release/build.log" in errors


def test_a_build_of_another_folder_is_started_afresh(checkout):
    checkout.run("build")
    cache = checkout.root / "build" / "release" / "CMakeCache.txt"
    cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n")
    _, _, errors = checkout.run("build")
    assert "another folder" in errors
    assert "/elsewhere" not in cache.read_text()


def test_two_launches_do_not_build_at_once(checkout):
    first = checkout.start("build", NINJA_SLEEP="2")
    while not checkout.calls("ninja"):
        assert first.poll() is None
    second = checkout.start("build")
    _, errors = second.communicate(timeout=60)
    assert "another ./hvsim is building" in errors
    assert first.wait(timeout=60) == second.returncode == 0
    first.communicate()


def test_test_sums_all_rungs_in_its_last_line(checkout):
    checkout.report("unit", tests=5)
    checkout.report("isa", tests=3)
    status, out, _ = checkout.run("test", "unit", "isa")
    assert out.splitlines()[-1] == "8 passed, 0 failed"
    assert status == 0


def test_test_fails_with_any_rung(checkout):
    checkout.report("unit", tests=5, failures=2, status=8)
    checkout.report("isa", tests=3)
    status, out, _ = checkout.run("test", "unit", "isa")
    assert out.splitlines()[-1] == "6 passed, 2 failed"
    assert status == 1


def test_a_rung_that_runs_no_test_fails(checkout):
    checkout.report("unit", tests=5)
    status, out, _ = checkout.run("test", "unit", "twin")
    assert "no test ran" in out
    assert out.splitlines()[-1] == "5 passed, 1 failed"
    assert status == 1


def test_a_runner_that_dies_without_naming_a_test_fails(checkout):
    checkout.report("unit", tests=5, status=139)
    status, out, _ = checkout.run("test", "unit")
    assert out.splitlines()[-1] == "5 passed, 1 failed"
    assert status == 1


def test_tests_that_do_not_build_fail(checkout):
    (checkout.state / "ninja-fails").touch()
    status, out, _ = checkout.run("test", "unit")
    assert out.splitlines()[-1] == "0 passed, 1 failed"
    assert status == 1


def test_an_unknown_rung_is_a_usage_error(checkout):
    status, _, errors = checkout.run("test", "units")
    assert status == 2
    assert "architecture unit fuzz hypervisor" in errors


def test_help_installs_and_builds_nothing(checkout):
    (checkout.state / "missing").write_text("mold\n")
    status, out, _ = checkout.run("--help")
    assert status == 0
    assert "./hvsim test" in out
    assert checkout.calls("apt-get") == checkout.calls("ninja") == []


def test_doctor_says_what_is_missing_and_changes_nothing(checkout):
    (checkout.state / "missing").write_text("libsystemc-dev\n")
    status, out, _ = checkout.run("doctor")
    assert status == 1
    assert "libsystemc-dev" in out
    assert checkout.calls("apt-get") == []
    assert not (checkout.root / "build").exists()


def test_guests_are_fetched_by_name_only(checkout):
    status, _, errors = checkout.run("guest", "fetch", "debain")
    assert status == 2
    assert "usage: ./hvsim guest fetch debian" in errors
    assert checkout.calls("apt-get") == []


def test_an_archive_without_a_guest_is_an_error_that_leaves_nothing_behind(checkout):
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        pytest.skip("not a Debian system")
    process = checkout.start("guest", "fetch", "debian", HVSIM_DEBIAN_MIRROR="file:/nonexistent/debian/")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "no linux-image-riscv64" in errors
    assert any("update" in call for call in checkout.calls("apt-get"))
    assert not (checkout.root / "build/guests/debian").exists()


def test_without_an_archive_to_ask_the_error_says_what_to_set(checkout):
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        pytest.skip("not a Debian system")
    status, _, errors = checkout.run("guest", "fetch", "debian")
    assert status == 3
    assert "set HVSIM_DEBIAN_MIRROR" in errors


PYTHON = """
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit; fi
if [ "$2" = pip ]; then echo "$*" >> "$STATE/pip"; exit; fi
echo "python: $*"
"""


@pytest.mark.parametrize("command", ["sweep", "report"])
def test_commands_of_the_python_package_reach_it_and_install_it_once(checkout, command):
    python = checkout.bin / "python"
    python.write_text("#!/bin/sh" + PYTHON)
    python.chmod(0o755)
    (checkout.bin / "ninja").write_text("#!/bin/sh\n")  # nothing to do
    built = [f"build/python/{each}" for each in ("python", "sim", "hypervisor", "workloads")]
    for folder in ("python", "configs", *built):
        (checkout.root / folder).mkdir(parents=True)
    for file in ("python/requirements.txt", "pyproject.toml", "build/python/build.ninja"):
        (checkout.root / file).write_text("")
    for arguments in (["x.json", "--out", "a b"], ["y"]):
        process = checkout.start(command, *arguments, HVSIM_PYTHON=str(python))
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert out == f"python: -m hvsim {command} {' '.join(arguments)}\n"
    installs = [line for line in checkout.calls("pip") if "--force-reinstall" in line]
    assert len(installs) == 1
    (checkout.root / "python" / "new.py").write_text("")
    checkout.start(command, HVSIM_PYTHON=str(python)).communicate(timeout=60)
    installs = [line for line in checkout.calls("pip") if "--force-reinstall" in line]
    assert len(installs) == 2


def test_every_command_that_the_launcher_has_is_one_that_it_takes() -> None:
    scripts = "".join(path.read_text() for path in (ROOT / "launcher").glob("*.sh"))
    commands = set(re.findall(r"^command_(\w+)\(\)", scripts, re.MULTILINE))
    dispatched = re.search(
        r"^ *(\w+(?: \| \w+)+)\)\n +shift\n +\"command_", (ROOT / "hvsim").read_text(), re.MULTILINE
    )
    assert dispatched is not None
    assert set(dispatched[1].split(" | ")) == commands
