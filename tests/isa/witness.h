// Which QEMU is the witness, and what it can be asked.
#pragma once

#include <string>

#include "models/cpu/isa_config.h"

namespace hvsim::oracle {

struct Witness {
  std::string program;  // HVSIM_ORACLE_QEMU, or the system's own
  unsigned major = 0;   // its version; 0: it cannot be run

  bool right_about_hlvx() const { return major >= 9; }
  bool right_about_status() const { return major >= 9; }  // SUM and MXR of both levels
  // The harts that it is asked for: `-cpu` and the same as our configuration.
  std::string cpu() const;
  cpu::IsaConfig isa() const;
};

const Witness& witness();

}  // namespace hvsim::oracle
