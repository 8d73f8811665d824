# Fetches a newer QEMU than Debian 12's own, a second witness for the tests: packages of its backports, verified by
# apt and unpacked into build/guests/qemu. Nothing is installed.
# shellcheck shell=bash

witness_suites=(bookworm bookworm-backports)
witness_package=qemu-system-riscv

# fetch_qemu AGAIN
fetch_qemu() {
  local again=$1 target="$guests_dir/qemu" state log work file
  lock_guests
  if [[ $again == no && $(cat "$target/.recipe" 2>/dev/null) == "$(witness_recipe)" ]]; then
    say "already there: ${target#"$root"/}, $("$target/qemu-system-riscv64" --version | head -n 1)"
    return
  fi
  require_guest_tools apt-get dpkg dpkg-deb flock
  log="$guests_dir/qemu.log" state="$(guest_cache)/qemu-${witness_suites[-1]}"
  : >"$log"
  lock_apt_state "$state"
  say "fetching QEMU of ${witness_suites[-1]} (60 MB)"
  make_apt_state "$state" "$(dpkg --print-architecture)" "${witness_suites[@]}"
  cp /var/lib/dpkg/status "$state/status" # what the system has need not be fetched
  guest_apt "$state" "$log" "reading the archive's index" apt-get -q -o APT::Update::Error-Mode=any update
  guest_apt "$state" "$log" "tidying packages" apt-get -q clean
  guest_apt "$state" "$log" "downloading packages" apt-get -q -y --download-only --no-install-recommends \
    -t "${witness_suites[-1]}" install "$witness_package"

  work=$(mktemp -d "$guests_dir/.qemu.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  for file in "$state"/archives/*.deb; do
    dpkg-deb -x "$file" "$work" || fail "unpacking ${file##*/} failed"
  done
  exec {cache_fd}>&-
  find "$work/usr/bin" -name 'qemu-system-*' ! -name '*-riscv64' -delete # big ones, and nothing to us
  write_wrapper >"$work/qemu-system-riscv64"
  chmod +x "$work/qemu-system-riscv64"
  "$work/qemu-system-riscv64" --version >>"$log" 2>&1 ||
    fail "the QEMU of ${witness_suites[-1]} does not run here; see ${log#"$root"/}"
  witness_recipe >"$work/.recipe"
  chmod go+rx "$work"
  rm -rf "$target"
  mv "$work" "$target"
  say "ready: ${target#"$root"/}, $("$target/qemu-system-riscv64" --version | head -n 1)"
}

# What build/guests/qemu was made by: it is made anew when that changes.
witness_recipe() { sha256sum <"$root/launcher/witness.sh" | cut -d' ' -f1; }

# Starts the unpacked QEMU with its own libraries, modules and firmware. It tries the system's modules too, which are
# of another build; what it says about them is left out.
write_wrapper() {
  cat <<'TEXT'
#!/usr/bin/env bash
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
libraries=$(echo "$here"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} QEMU_MODULE_DIR=$libraries/qemu
exec "$here/usr/bin/qemu-system-riscv64" -L "$here/usr/share/qemu" "$@" \
  2> >(grep --line-buffered -v -e '/qemu/[a-z-]*\.so' -e '^Only modules from the same build' >&2)
TEXT
}
