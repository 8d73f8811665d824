# Says in words what is missing or odd on this machine. Changes nothing.
# shellcheck shell=bash

doctor_problems=0

fine() { printf '  ok    %s\n' "$*"; }
odd() { printf '  odd   %s\n' "$*"; }
wrong() {
  printf '  MISS  %s\n' "$*"
  doctor_problems=$((doctor_problems + 1))
}

# first_line COMMAND...: the first line that it prints, or nothing.
first_line() {
  local line
  line=$("$@" 2>/dev/null) || true
  printf '%s' "${line%%$'\n'*}"
}

doctor_system() {
  local name="an unknown system"
  # shellcheck source=/dev/null
  if [[ -r /etc/os-release ]]; then name=$(source /etc/os-release && echo "${PRETTY_NAME:-}|${ID:-}|${VERSION_ID:-}"); fi
  if [[ $name == *"|debian|12" ]]; then
    fine "${name%%|*}, the system that this is built and tested on"
  else
    odd "${name%%|*}: hvsim is built and tested on Debian 12; packages may have other names here"
  fi
  case $(uname -m) in
    x86_64) fine "x86_64, $(nproc) cores" ;;
    *) odd "$(uname -m): results are the same on any host, but only x86_64 is tested" ;;
  esac
}

doctor_packages() {
  local list missing
  if ! command -v dpkg-query >/dev/null; then
    odd "no dpkg: cannot tell which packages are here"
    return
  fi
  for list in run test python bench lint; do
    mapfile -t missing < <(missing_packages "$list")
    if ((${#missing[@]} == 0)); then
      fine "packages to $list: all there"
    elif [[ $list == run ]]; then
      wrong "packages to run: apt-get install -y --no-install-recommends ${missing[*]}"
    else
      odd "packages to $list, installed when first needed: ${missing[*]}"
    fi
  done
  local as_root
  if ! find_root; then odd "not root, and sudo is absent or wants a password: packages must be installed by hand"; fi
}

doctor_tools() {
  local tool line firmware=/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin
  for tool in g++ riscv64-linux-gnu-g++ cmake ninja qemu-system-riscv64; do
    line=$(first_line "$tool" --version)
    if [[ -n $line ]]; then fine "$tool: $line"; else odd "$tool is not here yet"; fi
  done
  line=$(first_line qemu-system-riscv64 --version)
  if [[ -n $line && $line != *" 7.2."* && $line != *" 10."* ]]; then
    odd "the tests compare with QEMU 7.2 and 10; this one may differ in details of the H extension"
  fi
  if [[ -r $firmware ]]; then fine "firmware: OpenSBI at $firmware"; else odd "OpenSBI's fw_dynamic.bin is not here yet"; fi
  if [[ -x /usr/bin/python3 ]]; then
    fine "Python: $(first_line /usr/bin/python3 --version) at /usr/bin/python3"
    if [[ $(command -v python3) != /usr/bin/python3 ]]; then
      fine "python3 on PATH is another one ($(command -v python3)); hvsim uses /usr/bin/python3"
    fi
  else
    odd "/usr/bin/python3 is not here yet"
  fi
}

doctor_resources() {
  local disk memory key rest
  disk=$(($(df -Pk "$root" | tail -n 1 | { read -r _ _ _ key _ && echo "$key"; }) / 1048576))
  if ((disk < 5)); then
    wrong "$disk GB free on this disk; building and testing everything wants 5"
  else
    fine "$disk GB free on this disk"
  fi
  while read -r key memory rest; do [[ $key == MemAvailable: ]] && break; done </proc/meminfo
  : "$rest"
  if ((memory < 1500000)); then
    odd "$((memory / 1024)) MB of memory free; the compiler wants 1500 for each of its processes"
  else
    fine "$((memory / 1048576)) GB of memory free, so $(build_jobs) compilers at once"
  fi
  if command -v ccache >/dev/null; then
    fine "ccache: $(ccache -s 2>/dev/null | grep -m1 -i -E 'hits' | tr -s ' ' || true)"
  fi
}

doctor_build() {
  local newest
  if build_is_stale "$build_dir"; then
    odd "build/release was made for another folder; the next command starts it afresh"
  elif [[ ! -x $simulator ]]; then
    fine "nothing is built yet; any command builds what it needs"
  else
    newest=$(find "$root/models" "$root/sim" "$root/hypervisor" "$root/workloads" -type f -newer "$simulator" \
      -print -quit)
    if [[ -n $newest ]]; then
      fine "the simulator is older than ${newest#"$root"/}; the next command rebuilds what changed"
    else
      fine "the simulator is built and current: $(first_line "$simulator" version)"
    fi
  fi
  if [[ -d $root/.venv ]]; then
    if "$root/.venv/bin/python" -c 'import hvsim' 2>/dev/null; then
      fine ".venv has the Python package"
    else
      odd ".venv lacks a working hvsim package; \`./hvsim python\` puts it there"
    fi
  fi
}

command_doctor() {
  echo "System"
  doctor_system
  echo "Packages"
  doctor_packages
  echo "Tools"
  doctor_tools
  echo "Resources"
  doctor_resources
  echo "Build"
  doctor_build
  if ((doctor_problems > 0)); then
    echo "$doctor_problems to mend, see MISS above. \`./hvsim build\` installs packages by itself where it may."
    return 1
  fi
  echo "Nothing is missing."
}
