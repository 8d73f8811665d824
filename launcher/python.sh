# The virtual environment .venv: Debian's own interpreter, the build tools, and the hvsim package.
# shellcheck shell=bash

venv="$root/.venv"

# Debian's interpreter by its path: the first python3 on PATH may be another one, without these headers.
base_python=${HVSIM_PYTHON:-/usr/bin/python3}

# require_venv: .venv with all of python/requirements.txt; made anew when that list or the interpreter changes.
require_venv() {
  local log="$root/build/venv.log" identity
  identity="$("$base_python" --version) $root $(cksum <"$root/python/requirements.txt")"
  if [[ -x $venv/bin/python && $(cat "$venv/.identity" 2>/dev/null) == "$identity" ]]; then return 0; fi
  say "making the virtual environment .venv"
  rm -rf "$venv"
  if ! { "$base_python" -m venv "$venv" && "$venv/bin/python" -m pip install --disable-pip-version-check \
    -r "$root/python/requirements.txt"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "making .venv failed; the whole log is in ${log#"$root"/}"
  fi
  printf '%s\n' "$identity" >"$venv/.identity"
}

# Builds what the package needs; true if .venv holds all of it already.
package_is_current() {
  local newer directory="$root/build/python"
  if [[ ! -f $venv/.installed || ! -f $directory/build.ninja ]]; then return 1; fi
  ninja -C "$directory" -j "$(build_jobs)" >"$root/build/python.log" 2>&1 || return 1
  newer=$(find "$root/python" "$root/configs" "$root/pyproject.toml" -newer "$venv/.installed" -print -quit &&
    find "$directory"/{python,sim,hypervisor,workloads} -type f -newer "$venv/.installed" -print -quit)
  [[ -z $newer ]]
}

# Installs the package from this checkout into .venv; false, with the error shown, if that fails.
install_package() {
  local log="$root/build/python.log" start=$SECONDS
  if package_is_current; then return 0; fi
  say "installing the Python package into .venv"
  # CMake's options for this build are in pyproject.toml; without isolation the build is incremental. The
  # compiler has the name that CMake finds by itself, else ccache would compile again what `./hvsim build` has.
  if ! CC=${CC:-/usr/bin/cc} CXX=${CXX:-/usr/bin/c++} CMAKE_BUILD_PARALLEL_LEVEL=$(build_jobs) "$venv/bin/python" -m pip install \
    --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall "$root" >"$log" 2>&1; then
    show_error "$log"
    say "installing the Python package failed; the whole log is in ${log#"$root"/}"
    return 1
  fi
  touch "$venv/.installed"
  if ((SECONDS - start >= 5)); then say "installed in $((SECONDS - start)) s"; fi
}

# The package in .venv, up to date with this checkout.
require_package() {
  require_lock
  require_packages run python
  require_venv
  install_package || exit 3
  release_lock
}

# Commands that the Python package has.
command_sweep() {
  require_package
  exec "$venv/bin/python" -m hvsim sweep "$@"
}

command_calibrate() {
  require_package
  exec "$venv/bin/python" -m hvsim calibrate "$@"
}

command_report() {
  require_package
  exec "$venv/bin/python" -m hvsim report "$@"
}

command_python() {
  require_package
  if (($# == 0)) && [[ ! -t 0 ]]; then
    say "ready: ${venv#"$root"/}/bin/python"
  else
    exec "$venv/bin/python" "$@"
  fi
}
