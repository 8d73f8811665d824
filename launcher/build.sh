# Configures and builds with CMake and Ninja: quiet, cached, with progress, and the error when there is one.
# shellcheck shell=bash

# As many compilers as there are cores, but no more than memory holds (about 1.5 GB each).
build_jobs() {
  local cores key kilobytes rest by_memory=64
  cores=$(nproc)
  while read -r key kilobytes rest; do
    if [[ $key == MemAvailable: ]]; then by_memory=$((kilobytes / 1500000)); fi
  done </proc/meminfo
  if ((by_memory < 1)); then by_memory=1; fi
  echo $((cores < by_memory ? cores : by_memory))
}

# A build directory made for another checkout, or by a CMake run that was interrupted, cannot be reused.
build_is_stale() {
  local directory=$1 home
  if [[ ! -f $directory/CMakeCache.txt ]]; then return 1; fi
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$directory/CMakeCache.txt")
  [[ $home != "$root" ]]
}

# True if a cache entry has this value.
cached() {
  grep -q "^$2:[A-Z]*=$3\$" "$1/CMakeCache.txt" 2>/dev/null
}

# show_error LOG: the part of a log that says what went wrong.
show_error() {
  local from
  from=$(grep -n -m1 -E '^ *(FAILED:|CMake Error|ninja: error)' "$1" | cut -d: -f1 || true)
  if [[ -n $from ]]; then
    tail -n "+$from" "$1" | head -n 60 >&2
  else
    tail -n 40 "$1" >&2
  fi
}

# configure PRESET [OPTION=VALUE...]: runs CMake only if the directory does not have these options yet.
configure() {
  local preset=$1 directory="$root/build/$1" option wanted=()
  shift
  if build_is_stale "$directory"; then
    say "build/$preset was made for another folder; starting it afresh"
    rm -rf "$directory"
  fi
  for option in "$@"; do
    cached "$directory" "${option%%=*}" "${option#*=}" || wanted+=("-D$option")
  done
  if [[ -f $directory/build.ninja && ! $root/CMakePresets.json -nt $directory/build.ninja ]] &&
    ((${#wanted[@]} == 0)); then
    return 0
  fi
  say "configuring build/$preset"
  mkdir -p "$directory"
  local log="$directory/configure.log"
  if ! (cd "$root" && cmake --preset "$preset" "${wanted[@]}") >"$log" 2>&1; then
    show_error "$log"
    fail "configuring failed; the whole log is in ${log#"$root"/}"
  fi
}

# show_progress WHAT: copies what Ninja or CTest print, and shows how far they are from their "12/345":
# one line redrawn on a terminal, else one every 20 s.
show_progress() {
  local what=$1 line finished total last=-20 start=$SECONDS
  local counter='^[[:space:][]*([0-9]+)/([0-9]+)[] ]'
  while IFS= read -r line; do
    printf '%s\n' "$line"
    if [[ ! $line =~ $counter || $line == *Re-checking* ]]; then continue; fi
    finished=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
    if is_terminal; then
      printf '\r\033[Khvsim: %s: %d of %d, %d s' "$what" "$finished" "$total" $((SECONDS - start)) >&2
    elif ((SECONDS - last >= 20)); then
      say "$what: $finished of $total"
      last=$SECONDS
    fi
  done
  if is_terminal && [[ -n ${total:-} ]]; then printf '\r\033[K' >&2; fi
}

# build PRESET [TARGET...]; false, with the error shown, if it fails.
build() {
  local preset=$1 directory="$root/build/$1" log="$root/build/$1/build.log" status=0 start=$SECONDS
  shift
  if [[ ! -w ${CCACHE_DIR:-${HOME:-/nonexistent}} ]]; then export CCACHE_DIR="$root/build/.ccache"; fi
  NINJA_STATUS='[%f/%t] ' ninja -C "$directory" -j "$(build_jobs)" "$@" 2>&1 |
    show_progress "building $preset" >"$log" || status=$?
  if ((status != 0)); then
    show_error "$log"
    say "building failed; the whole log is in ${log#"$root"/}"
    return 1
  fi
  if ((SECONDS - start >= 5)); then say "built $preset in $((SECONDS - start)) s"; fi
}

# The simulator and the images that it runs; not the tests, even where they are configured.
build_simulator() {
  if [[ ! -f $build_dir/build.ninja ]]; then
    configure release HVSIM_TESTS=OFF
  else
    configure release
  fi
  build release sim/all hypervisor/all workloads/all || exit 3
}
