# Debian packages: which are missing, and how they get installed.
# shellcheck shell=bash

# The names in the given lists (packages/<list>.txt), one per line.
packages_in() {
  local list line
  for list in "$@"; do
    while read -r line; do
      [[ -z $line || $line == \#* ]] || printf '%s\n' "$line"
    done <"$root/packages/$list.txt"
  done
}

# Those of the given lists that are not installed. Virtual names and version suffixes do not occur.
missing_packages() {
  local wanted installed=$'\n' name state
  mapfile -t wanted < <(packages_in "$@" | sort -u)
  while read -r name state; do
    [[ $state == installed ]] && installed+="$name"$'\n'
  done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
  for name in "${wanted[@]}"; do
    [[ $installed == *$'\n'"$name"$'\n'* ]] || printf '%s\n' "$name"
  done
}

# Sets `as_root` to what must stand before a command that needs root; false if there is no way.
find_root() {
  as_root=()
  if ((EUID == 0)); then return 0; fi
  command -v sudo >/dev/null || return 1
  as_root=(sudo)
  if [[ -t 0 ]]; then return 0; fi
  as_root=(sudo -n)
  sudo -n true 2>/dev/null
}

apt_install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "$@"
}

# Makes sure that all packages of the given lists are there, or stops with the one line to run.
require_packages() {
  if [[ -n ${HVSIM_SKIP_PACKAGES:-} ]]; then return 0; fi
  if ! command -v dpkg-query >/dev/null; then
    say "no dpkg here: install the equivalents of $(printf 'packages/%s.txt ' "$@")yourself"
    return 0
  fi
  local missing as_root log="$root/build/packages.log"
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then return 0; fi
  if ! find_root; then
    say "packages are missing, and only root can install them. Run this line, then try again:"
    say "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    exit 3
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  # Lists may be absent (a container) or older than the archive: refresh only when needed.
  if ! apt_install "${missing[@]}" >"$log" 2>&1; then
    "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update >>"$log" 2>&1 || true
    if ! apt_install "${missing[@]}" >>"$log" 2>&1; then
      tail -n 12 "$log" >&2
      fail "installing packages failed; the whole log is in ${log#"$root"/}"
    fi
  fi
}
