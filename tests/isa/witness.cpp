// Asks each QEMU for its version.
#include "tests/isa/witness.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

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

Witness witness(const std::string& program) { return {program, major_version(program)}; }

}  // namespace

std::string Witness::cpu() const {
  std::string options =
      "rv64,h=true,zba=true,zbb=true,zbs=true,zbc=true,sstc=true,svinval=true,sscofpmf=true,debug=false,"
      "marchid=0,mimpid=0";
  if (newer())
    options +=
        ",svnapot=true,svpbmt=true,svadu=true,svade=false,smstateen=true,zicond=true,zicbom=true,zicboz=true,"
        "zfa=false,zawrs=false";
  return options;
}

// QEMU 7 checks no reserved bit of a PTE with Svnapot or Svpbmt, so they are off (unit tests have them).
cpu::IsaConfig Witness::isa() const {
  cpu::IsaConfig isa;
  isa.sscofpmf = true;
  isa.svpbmt = isa.svnapot = has_memory_extensions();
  if (has_memory_extensions()) isa.ad_updates = cpu::AdUpdates::svadu;
  isa.smstateen = has_state_enables();
  return isa;
}

std::vector<Witness> find_witnesses() {
  const char* chosen = std::getenv("HVSIM_ORACLE_QEMU");
  if (chosen != nullptr && *chosen != '\0') return {witness(chosen)};
  std::vector<Witness> found{witness("qemu-system-riscv64")};
  if (std::filesystem::exists(HVSIM_ORACLE_SECOND_QEMU)) found.push_back(witness(HVSIM_ORACLE_SECOND_QEMU));
  return found;
}

}  // namespace hvsim::oracle
