# Builds the Google Benchmark programs and runs them, all or those whose name contains one of the given words.
# shellcheck shell=bash

command_bench() {
  require_lock
  require_packages run bench
  configure release HVSIM_BENCHMARKS=ON
  build release || exit 3
  release_lock
  local program word found=0
  while read -r program; do
    for word in "${@:-}"; do
      if [[ ${program##*/} == *"$word"* ]]; then
        say "${program#"$build_dir"/}"
        "$program"
        found=1
        break
      fi
    done
  done < <(find "$build_dir" -type f -executable -name '*bench*' ! -name '*.elf' ! -name '*.bin' ! -path '*/CMakeFiles/*' |
    sort)
  if ((found == 0)); then fail "no benchmark program is called so"; fi
}
