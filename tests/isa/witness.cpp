// Asks QEMU for its version once.
#include "tests/isa/witness.h"

#include <cstdio>
#include <cstdlib>

namespace hvsim::oracle {
namespace {

// "QEMU emulator version 7.2.22 (Debian ...)"
unsigned major_version(const std::string& program) {
  FILE* pipe = popen(("\"" + program + "\" --version 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return 0;
  unsigned major = 0;
  if (std::fscanf(pipe, "QEMU emulator version %u", &major) != 1) major = 0;
  return pclose(pipe) == 0 ? major : 0;
}

Witness find_witness() {
  const char* chosen = std::getenv("HVSIM_ORACLE_QEMU");
  Witness witness;
  witness.program = chosen != nullptr && *chosen != '\0' ? chosen : "qemu-system-riscv64";
  witness.major = major_version(witness.program);
  return witness;
}

}  // namespace

// QEMU 7 checks no reserved bit of a PTE with Svnapot or Svpbmt, so they are off (unit tests have them).
std::string Witness::cpu() const {
  return "rv64,h=true,zba=true,zbb=true,zbs=true,zbc=true,sstc=true,svinval=true,sscofpmf=true,debug=false,"
         "marchid=0,mimpid=0";
}

cpu::IsaConfig Witness::isa() const {
  cpu::IsaConfig isa;
  isa.svpbmt = isa.svnapot = false;
  return isa;
}

const Witness& witness() {
  static const Witness found = find_witness();
  return found;
}

}  // namespace hvsim::oracle
