# The test ladder: every C++ rung, the Python tests, then the C++ tests once more under sanitizers.
# shellcheck shell=bash

cpp_rungs=(architecture unit fuzz hypervisor systemc gdb isa twin accuracy linux)
all_rungs=("${cpp_rungs[@]}" python asan)
results="$root/build/results"
passed=0
failed=0

is_one_of() {
  local word_sought=$1 word
  shift
  for word in "$@"; do
    if [[ $word == "$word_sought" ]]; then return 0; fi
  done
  return 1
}

# attribute FILE NAME: the first value of that name in a JUnit report, 0 if there is none.
attribute() {
  local value
  value=$(grep -o -m1 -E "\b$2=\"[0-9]+\"" "$1" 2>/dev/null | head -n 1 | tr -dc '0-9' || true)
  echo "${value:-0}"
}

# count RUNG STATUS SECONDS: adds a rung's JUnit report to the sums. A rung that ran nothing, or whose runner
# failed without naming a test, counts as one failure; so does each C++ test that was skipped, for it shows nothing.
# (Python's skip what cannot be tried without root.)
count() {
  local rung=$1 status=$2 seconds=$3 report="$results/$1.xml"
  local total wrong skipped
  total=$(attribute "$report" tests)
  skipped=$(($(attribute "$report" skipped) + $(attribute "$report" disabled)))
  wrong=$(($(attribute "$report" failures) + $(attribute "$report" errors)))
  local good=$((total - skipped - wrong)) note=""
  if [[ $rung == build-* ]]; then
    wrong=1 note=" (does not build)"
  elif ((good + wrong == 0)); then
    wrong=1 note=" (no test ran)"
  elif ((status != 0 && wrong == 0)); then
    wrong=1 note=" (the runner stopped with status $status)"
  fi
  if ((skipped > 0)); then
    note+=" ($skipped skipped)"
    if [[ $rung != python ]]; then wrong=$((wrong + skipped)); fi
  fi
  passed=$((passed + good)) failed=$((failed + wrong))
  printf '%-13s %5d passed, %d failed  %4d s%s\n' "$rung" "$good" "$wrong" "$seconds" "$note"
}

# explain LOG: the first failures in a CTest log, then the list of them all.
explain() {
  local first
  first=$(grep -n -m1 -E '\*\*\*(Failed|Exception|Timeout|Not Run)' "$1" | cut -d: -f1 || true)
  if [[ -n $first ]]; then tail -n "+$first" "$1" | head -n 40; fi
  sed -n '/^The following tests FAILED/,$p' "$1" | head -n 40
  echo "(the whole log: ${1#"$root"/})"
}

# run_ctest RUNG PRESET LABEL: the tests of one label in one build directory.
run_ctest() {
  local rung=$1 preset=$2 label=$3 status=0 start=$SECONDS log="$results/$1.log"
  ctest --test-dir "$root/build/$preset" -L "$label" -j "$(nproc)" --timeout 900 --no-tests=error \
    --output-on-failure --output-junit "$results/$rung.xml" 2>&1 | show_progress "testing $rung" >"$log" ||
    status=$?
  if ((status != 0)); then explain "$log" >&2; fi
  count "$rung" "$status" $((SECONDS - start))
}

# build_tests PRESET: false, and one failure counted, if it does not build.
build_tests() {
  local status=0
  require_lock
  configure "$1" HVSIM_TESTS=ON
  build "$1" || status=1
  release_lock
  if ((status != 0)); then count "build-$1" 1 0; fi
  return "$status"
}

run_cpp_rungs() {
  local rung
  if ! build_tests release; then return; fi
  for rung in "$@"; do run_ctest "$rung" release "^$rung"; done
}

# Tests that look at the stock kernel find it; without it they say why they fail. The isa rung does with the
# system's QEMU alone where there is no other.
fetch_guests_for_tests() {
  if is_one_of isa "$@"; then
    (fetch_qemu no) || say "the isa rung has one witness only"
  fi
  if is_one_of unit "$@" || is_one_of linux "$@"; then
    (fetch_debian no) || say "the tests of the stock kernel will fail"
  fi
}

run_python_rung() {
  local log="$results/python.log" status=0 start=$SECONDS
  require_lock
  require_venv
  install_package || status=1
  release_lock
  if ((status != 0)); then
    count python 1 0
    return
  fi
  # From another folder, so that the installed package is tested and not the sources.
  (cd "$results" && "$venv/bin/python" -m pytest "$root/tests/python" -c "$root/pyproject.toml" \
    --rootdir "$root" --junitxml "$results/python.xml") >"$log" 2>&1 || status=$?
  if ((status != 0)); then tail -n 60 "$log" >&2; fi
  count python "$status" $((SECONDS - start))
}

run_asan_rung() {
  if ! build_tests asan; then return; fi
  export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=0}
  export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
  run_ctest asan asan '.*'
}

command_test() {
  local rung rungs=("$@") cpp=()
  if (($# == 0)); then rungs=("${all_rungs[@]}"); fi
  for rung in "${rungs[@]}"; do
    if ! is_one_of "$rung" "${all_rungs[@]}"; then
      say "there is no rung \"$rung\"; there are: ${all_rungs[*]}"
      exit 2
    fi
    if is_one_of "$rung" "${cpp_rungs[@]}"; then cpp+=("$rung"); fi
  done
  mkdir -p "$results"
  exec {test_fd}>"$results/.lock"
  flock -n "$test_fd" || fail "another ./hvsim test is running in this folder"
  rm -f "$results"/*.xml "$results"/*.log
  require_lock
  require_packages run test python
  release_lock
  fetch_guests_for_tests "${rungs[@]}"
  if ((${#cpp[@]} > 0)); then run_cpp_rungs "${cpp[@]}"; fi
  if is_one_of python "${rungs[@]}"; then run_python_rung; fi
  if is_one_of asan "${rungs[@]}"; then run_asan_rung; fi
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
