// Which QEMUs are the witnesses, and what each can be asked.
#pragma once

#include <string>
#include <vector>

#include "models/cpu/isa_config.h"

namespace hvsim::oracle {

struct Witness {
  std::string program;
  unsigned major = 0;  // its version; 0: it cannot be run

  // What it is right about, or has at all; see known_differences.h.
  bool right_about_hlvx() const { return newer(); }
  bool right_about_status() const { return newer(); }       // SUM and MXR of both levels
  bool transforms_instructions() const { return newer(); }  // for mtinst and htinst
  bool names_amo_faults() const { return newer(); }         // as stores
  bool has_memory_extensions() const { return newer(); }    // Svnapot, Svpbmt, Svadu, and their reserved bits
  bool has_state_enables() const { return newer(); }        // Smstateen
  bool has_cache_blocks() const { return newer(); }         // Zicbom, Zicboz
  bool has_conditionals() const { return newer(); }         // Zicond

  // The harts that it is asked for: `-cpu` and the same as our configuration.
  std::string cpu() const;
  cpu::IsaConfig isa() const;

 private:
  bool newer() const { return major >= 10; }
};

// The one that HVSIM_ORACLE_QEMU names; or else the system's own and, if it was fetched, a newer one.
std::vector<Witness> find_witnesses();

}  // namespace hvsim::oracle
