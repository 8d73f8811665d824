# libFuzzer on what takes input from outside, under sanitizers. New inputs stay in build/fuzz-corpus; a finding
# ends the command and belongs into tests/fuzz/corpus, where every test run replays it.
# shellcheck shell=bash

# run_fuzzer PROGRAM MINUTES: false when it found something.
run_fuzzer() {
  local program=$1 minutes=$2 name corpus
  name=${program##*/fuzz_}
  corpus="$root/build/fuzz-corpus/$name"
  mkdir -p "$corpus" "$root/tests/fuzz/corpus/$name"
  say "fuzzing $name for $minutes minutes"
  HVSIM_FUZZ_SEEDS="$corpus" "$program" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$root/build/fuzz-corpus/$name-" \
    "$corpus" "$root/tests/fuzz/corpus/$name" 2>&1 | tail -n 40
}

command_fuzz() {
  local minutes=${1:-1} program found=0
  shift || true
  if ! [[ $minutes =~ ^[1-9][0-9]*$ ]]; then say "usage: ./hvsim fuzz [MINUTES [TARGET...]]" && exit 2; fi
  require_lock
  require_packages run test fuzz
  configure fuzz HVSIM_TESTS=ON
  cmake --build "$root/build/fuzz" --target fuzzers || exit 3
  release_lock
  while read -r program; do
    if (($# > 0)) && ! is_one_of "${program##*/fuzz_}" "$@"; then continue; fi
    found=1
    run_fuzzer "$program" "$minutes" || fail "${program##*/fuzz_}: a finding; its input is in build/fuzz-corpus"
  done < <(find "$root/build/fuzz/tests/fuzz" -type f -executable -name 'fuzz_*' ! -name '*replay*' | sort)
  if ((found == 0)); then fail "no fuzz target is called so"; fi
}
