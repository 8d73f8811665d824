# Fetches stock guests: packages of the Debian archive, verified by apt, into build/guests. Needs no root.
# shellcheck shell=bash

source "$root/launcher/cpio.sh"

guests_dir="$root/build/guests"
guest_suite=trixie
guest_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
guest_packages=(busybox-static opensbi)
guest_vmm=qemu-system-riscv # a virtual machine monitor for the kernel's KVM, with all that it needs
guest_modules=(drivers/virtio/virtio_mmio drivers/block/virtio_blk drivers/virtio/virtio_balloon)
guest_applets=(blockdev cat cttyhack date dd dmesg echo free grep head hexdump insmod ls md5sum mkdir mount nproc
  poweroff ps rm sed setsid sh sha256sum sleep sort stat sync tail time tr uname uniq uptime wc yes)

guest_usage() {
  say "usage: ./hvsim guest fetch debian|qemu [--again]"
  say "  debian: puts Debian $guest_suite's riscv64 kernel, an initramfs and firmware into build/guests/debian;"
  say "  qemu: puts a newer QEMU than the system's, a second witness for the tests, into build/guests/qemu;"
  say "  --again asks the archive for newer packages even if they are there"
  exit 2
}

command_guest() {
  case "${*:1}" in
    "fetch debian") fetch_debian no ;;
    "fetch debian --again") fetch_debian yes ;;
    "fetch qemu") fetch_qemu no ;;
    "fetch qemu --again") fetch_qemu yes ;;
    *) guest_usage ;;
  esac
}

# The archive that this system's own apt uses, or the one that HVSIM_DEBIAN_MIRROR names.
debian_mirror() {
  local uri
  if [[ -n ${HVSIM_DEBIAN_MIRROR:-} ]]; then
    echo "$HVSIM_DEBIAN_MIRROR"
    return
  fi
  # shellcheck disable=SC2016
  while read -r uri; do
    if [[ $uri == */debian/ ]]; then
      echo "$uri"
      return
    fi
  done < <(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null)
  fail "apt's sources name no Debian archive; set HVSIM_DEBIAN_MIRROR to the address of one"
}

# Packages and apt's lists are kept across build folders where the user has a cache.
guest_cache() {
  local cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/hvsim
  if mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]]; then echo "$cache"; else echo "$root/build/.cache"; fi
}

# make_apt_state STATE ARCHITECTURE SUITE...: an apt of its own, to which no package is installed. The system's
# lists, keys and packages stay as they are.
make_apt_state() {
  local state=$1 architecture=$2 mirror suite
  mirror=$(debian_mirror) || exit 3
  mkdir -p "$state"/{lists/partial,archives/partial,none,deb}
  : >"$state/status"
  for suite in "${@:3}"; do
    echo "deb [arch=$architecture signed-by=$guest_keyring] $mirror $suite main"
  done >"$state/sources.list"
  cat >"$state/apt.conf" <<TEXT
Dir::Etc::SourceList "$state/sources.list"; Dir::Etc::SourceParts "$state/none";
Dir::Etc::PreferencesParts "$state/none"; Dir::State "$state"; Dir::State::Lists "$state/lists";
Dir::State::status "$state/status"; Dir::Cache "$state"; Dir::Cache::archives "$state/archives";
APT::Architecture "$architecture"; APT::Architectures { "$architecture"; }; APT::Sandbox::User "";
Acquire::Languages "none"; Acquire::Retries "3"; Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
#clear APT::Update::Post-Invoke-Success; #clear APT::Update::Post-Invoke; #clear DPkg::Post-Invoke;
TEXT
}

# guest_apt STATE LOG WHAT COMMAND...: or the end, with what failed and why.
guest_apt() {
  local state=$1 log=$2 what=$3
  shift 3
  if APT_CONFIG="$state/apt.conf" "$@" >>"$log" 2>&1; then return 0; fi
  grep -E '^(E|W|Err)' "$log" | tail -n 6 >&2 || true
  fail "$what failed (no network?); the whole log is in ${log#"$root"/}"
}

# The versioned kernel package that linux-image-riscv64 stands for today.
kernel_package() {
  APT_CONFIG="$1/apt.conf" apt-cache depends linux-image-riscv64 2>/dev/null |
    sed -n 's/^ *Depends: *\(linux-image-[^ ]*\).*/\1/p' | head -n 1
}

# What build/guests/debian was made by: it is made anew when that changes.
guest_recipe() {
  cat "$root/launcher/guests.sh" "$root/launcher/cpio.sh" "$root"/launcher/guests/* | sha256sum | cut -d' ' -f1
}

# One fetch at a time in this folder, and one with each of the apt states that all folders share.
lock_guests() {
  mkdir -p "$guests_dir"
  exec {guest_fd}>"$guests_dir/.lock"
  flock "$guest_fd"
}

lock_apt_state() {
  mkdir -p "$1"
  exec {cache_fd}>"$1/.lock"
  flock "$cache_fd"
}

require_guest_tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "fetching guests needs $tool, which is not here"
  done
  [[ -r $guest_keyring ]] || fail "no $guest_keyring: install debian-archive-keyring, which verifies the packages"
}

# fetch_debian AGAIN
fetch_debian() {
  local again=$1 target="$guests_dir/debian" cache state log work kernel
  lock_guests
  if [[ $again == no && $(cat "$target/.recipe" 2>/dev/null) == "$(guest_recipe)" ]]; then
    say "already there: ${target#"$root"/}, $(guest_summary "$target")"
    return
  fi
  require_guest_tools apt-get dpkg-deb xz sha256sum flock riscv64-linux-gnu-strip

  log="$guests_dir/debian.log" cache=$(guest_cache) state="$cache/debian-$guest_suite"
  : >"$log"
  lock_apt_state "$state"
  say "fetching Debian $guest_suite's riscv64 kernel and tools (150 MB)"
  make_apt_state "$state" riscv64 "$guest_suite"
  guest_apt "$state" "$log" "reading the archive's index" apt-get -q -o APT::Update::Error-Mode=any update
  kernel=$(kernel_package "$state") || kernel=""
  [[ -n $kernel ]] || fail "the archive has no linux-image-riscv64 in $guest_suite; see ${log#"$root"/}"
  (cd "$state/deb" && guest_apt "$state" "$log" "downloading packages" \
    apt-get -q download "$kernel" "${guest_packages[@]}")
  guest_apt "$state" "$log" "downloading packages" \
    apt-get -q -y --download-only --no-install-recommends install "$guest_vmm"
  guest_apt "$state" "$log" "tidying packages" apt-get -q autoclean

  work=$(mktemp -d "$guests_dir/.debian.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  make_guest "$state" "$work" "$kernel"
  exec {cache_fd}>&-
  rm -rf "$target.old"
  if [[ -e $target ]]; then mv "$target" "$target.old"; fi
  mv "$work/out" "$target"
  rm -rf "$target.old"
  say "ready: ${target#"$root"/}, $(guest_summary "$target")"
}

# make_guest STATE WORK KERNEL: unpacks the packages and leaves the guest's files in WORK/out.
make_guest() {
  local state=$1 work=$2 kernel=$3 package file
  local out="$2/out"
  mkdir -p "$out" "$work/root" "$work/lib"
  for package in "$kernel" "${guest_packages[@]}"; do
    unpack_package "$(newest_deb "$state" "$package")" "$work"
  done
  for file in "$state"/archives/*.deb; do unpack_package "$file" "$work"; done
  cp "$work/root/boot/vmlinux-${kernel#linux-image-}" "$out/Image"
  cp "$work/root/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin" "$out/fw_dynamic.bin"
  unpack_modules "$work/root/usr/lib/modules/${kernel#linux-image-}/kernel" "$work/lib"

  cpio_inode=0
  { basic_files "$work" && cpio_end; } >"$out/initramfs.cpio"
  cpio_inode=0
  { basic_files "$work" && kvm_files "$work" && cpio_end; } >"$out/initramfs-kvm.cpio"
  write_versions "$work" >"$out/versions.json"
  guest_recipe >"$out/.recipe"
}

# unpack_package FILE WORK
unpack_package() {
  dpkg-deb -x "$1" "$2/root" || fail "unpacking ${1##*/} failed"
  printf '%s %s %s\n' "$(dpkg-deb -f "$1" Package)" "$(dpkg-deb -f "$1" Version)" \
    "$(sha256sum <"$1" | cut -d' ' -f1)" >>"$2/packages"
}

# unpack_modules FROM TO. Stripping drops kvm's signature too, whose check takes long and is not enforced.
unpack_modules() {
  local module
  for module in "${guest_modules[@]}" arch/riscv/kvm/kvm; do
    xz -dc "$1/$module.ko.xz" >"$2/${module##*/}.ko" || fail "the kernel has no module $module"
  done
  riscv64-linux-gnu-strip --strip-debug "$2/kvm.ko"
}

# The file that `apt-get download` left for a package: named by the version that the index has now.
newest_deb() {
  local version
  version=$(APT_CONFIG="$1/apt.conf" apt-cache show --no-all-versions "$2" | sed -n 's/^Version: //p' | head -n 1)
  find "$1/deb" -name "$2_${version//:/%3a}_*.deb" | head -n 1
}

# BusyBox under the names of its applets, the modules, and /init.
basic_files() {
  local work=$1 name
  for name in bin dev lib proc sys tmp; do cpio_directory "$name"; done
  cpio_device dev/console 5 1
  cpio_file bin/busybox "$work/root/usr/bin/busybox"
  for name in "${guest_applets[@]}"; do cpio_link "bin/$name" busybox; done
  for name in "${guest_modules[@]##*/}"; do cpio_file "lib/$name.ko" "$work/lib/$name.ko" 0100644; done
  cpio_file init "$root/launcher/guests/init"
}

# The kernel's KVM, a monitor with its libraries, and what the monitor boots: the same kernel once more.
kvm_files() {
  local work=$1 vmm="$1/root/usr/bin/qemu-system-riscv64" file
  cpio_file lib/kvm.ko "$work/lib/kvm.ko" 0100644
  cpio_file bin/qemu-system-riscv64 "$vmm"
  library_closure "$work/root" "$vmm" >"$work/libraries" || exit 3
  while read -r file; do cpio_file "lib/${file##*/}" "$file"; done <"$work/libraries"
  cpio_directory guest
  cpio_file guest/Image "$work/out/Image" 0100644
  cpio_file guest/initramfs.cpio "$work/out/initramfs.cpio" 0100644
}

# library_closure ROOT PROGRAM: the libraries that the program needs, those that they need, and so on.
library_closure() {
  local -A seen=()
  local waiting=("$2") name file
  while ((${#waiting[@]} > 0)); do
    while read -r name; do
      if [[ -n ${seen[$name]:-} ]]; then continue; fi
      seen[$name]=yes
      file=$(find -L "$1/usr/lib/riscv64-linux-gnu" -maxdepth 1 -name "$name")
      [[ -n $file ]] || fail "no package has the library $name"
      waiting+=("$file")
      echo "$file"
    done < <(riscv64-linux-gnu-readelf -d "${waiting[0]}" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
    waiting=("${waiting[@]:1}")
  done
}

# Packages with version and checksum, files with checksum.
write_versions() {
  local work=$1 name version sum separator=""
  printf '{\n  "suite": "%s",\n  "packages": {' "$guest_suite"
  while read -r name version sum; do
    printf '%s\n    "%s": {"version": "%s", "sha256": "%s"}' "$separator" "$name" "$version" "$sum"
    separator=,
  done < <(LC_ALL=C sort -u "$work/packages")
  printf '\n  },\n  "files": {'
  separator=""
  while read -r sum name; do
    printf '%s\n    "%s": {"sha256": "%s"}' "$separator" "$name" "$sum"
    separator=,
  done < <(cd "$work/out" && sha256sum -- Image fw_dynamic.bin *.cpio)
  printf '\n  }\n}\n'
}

# "linux-image-6.12... 6.12.107-1, busybox-static ..., opensbi ..."
guest_summary() {
  sed -n 's/^ *"\([a-z0-9.+-]*\)": {"version": "\([^"]*\)".*/\1 \2/p' "$1/versions.json" |
    grep -E '^(linux-image|busybox-static|opensbi|qemu-system-riscv) *' | paste -s -d, | sed 's/,/, /g'
}
