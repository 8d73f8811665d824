# How the launcher talks: progress to stderr, so that stdout belongs to the command.
# shellcheck shell=bash

say() { printf 'hvsim: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 3
}

# True where a progress line may be redrawn in place.
is_terminal() { [[ -t 2 && ${TERM:-dumb} != dumb ]]; }
