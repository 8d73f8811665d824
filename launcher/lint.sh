# Formatting and static checks: of the files that differ from main's last commit, or of all with --all.
# shellcheck shell=bash

# lint_files PATTERN...: existing files to check, relative to the root.
lint_files() {
  local file
  if [[ $lint_all == yes ]]; then
    git -C "$root" ls-files -co --exclude-standard -- "$@"
  else
    { git -C "$root" diff --name-only HEAD -- "$@" && git -C "$root" ls-files -o --exclude-standard -- "$@"; } |
      sort -u
  fi | while read -r file; do
    if [[ -f $root/$file ]]; then printf '%s\n' "$file"; fi
  done
}

# check NAME COMMAND...: runs it at the root, remembers whether it complained.
check() {
  local name=$1
  shift
  if "$@"; then
    printf '%-13s clean\n' "$name"
  else
    printf '%-13s NOT clean\n' "$name"
    lint_status=1
  fi
}

# clang-tidy on those C++ sources that are part of the host's build (guest code has another compiler). Clang
# cannot read GCC's precompiled headers: it has a configuration without them, in which nothing is built.
tidy() {
  local known file files=() directory="$root/build/tidy"
  if ! cmake -S "$root" -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >"$root/build/tidy.log" 2>&1; then
    show_error "$root/build/tidy.log"
    return 1
  fi
  known=$(grep -o '"file": "[^"]*"' "$directory/compile_commands.json")
  for file in "$@"; do
    if [[ $known == *"\"$root/$file\""* ]]; then files+=("$root/$file"); fi
  done
  if ((${#files[@]} == 0)); then return 0; fi
  say "clang-tidy: ${#files[@]} files, some seconds each"
  run-clang-tidy -quiet -p "$directory" -j "$(nproc)" "${files[@]}" 2>&1 | tee "$root/build/tidy.log" |
    grep -E 'warning:|error:' | sort -u || true
  ! grep -q -E 'warning:|error:' "$root/build/tidy.log"
}

command_lint() {
  local cpp python shell
  lint_all=no lint_status=0
  case ${1:-} in
    --all) lint_all=yes ;;
    "") ;;
    *) say "usage: ./hvsim lint [--all]" && exit 2 ;;
  esac
  require_lock
  require_packages run test python lint
  require_venv
  release_lock
  cd "$root" || exit 3
  mapfile -t cpp < <(lint_files '*.h' '*.cpp')
  mapfile -t python < <(lint_files '*.py' '*.pyi' '*.ipynb')
  mapfile -t shell < <(lint_files hvsim .ci/run 'launcher/*.sh')
  if ((${#cpp[@]} > 0)); then
    check clang-format clang-format --dry-run -Werror "${cpp[@]}"
    check clang-tidy tidy "${cpp[@]}"
  fi
  if ((${#python[@]} > 0)); then
    check ruff "$venv/bin/python" -m ruff check "${python[@]}"
    check "ruff format" "$venv/bin/python" -m ruff format --check "${python[@]}"
    check mypy "$venv/bin/python" -m mypy
  fi
  if ((${#shell[@]} > 0)); then check shellcheck shellcheck -x -a hvsim .ci/run; fi
  return "$lint_status"
}
