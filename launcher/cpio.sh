# Writes archives that a kernel unpacks as its first file system: newc cpio, the same bytes for the same input.
# shellcheck shell=bash

cpio_inode=0

# cpio_header NAME MODE BYTES [MAJOR MINOR]: one member's header and name. Everything belongs to root, at time 0.
cpio_header() {
  local name=$1 mode=$2 bytes=$3 major=${4:-0} minor=${5:-0} length=$((${#1} + 1))
  cpio_inode=$((cpio_inode + 1))
  printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s' \
    "$cpio_inode" "$((mode))" 0 0 1 0 "$bytes" 0 0 "$major" "$minor" "$length" 0 "$name"
  cpio_zeros $((1 + (4 - (110 + length) % 4) % 4))
}

cpio_zeros() {
  local i
  for ((i = 0; i < $1; i++)); do printf '\0'; done
}

cpio_directory() { cpio_header "$1" 0040755 0; }
cpio_device() { cpio_header "$1" 0020600 0 "$2" "$3"; } # NAME MAJOR MINOR

# cpio_link NAME TARGET
cpio_link() {
  cpio_header "$1" 0120777 ${#2}
  printf '%s' "$2"
  cpio_zeros $(((4 - ${#2} % 4) % 4))
}

# cpio_file NAME FILE [MODE]
cpio_file() {
  local bytes
  bytes=$(stat -L -c %s "$2")
  cpio_header "$1" "${3:-0100755}" "$bytes"
  cat "$2"
  cpio_zeros $(((4 - bytes % 4) % 4))
}

cpio_end() { cpio_header 'TRAILER!!!' 0 0; }
