// A run between two turns: all that a checkpoint holds.
#pragma once

#include <string>

#include "sim/config.h"

namespace hv {
class HostHypervisor;
}

namespace hvsim::sim {

class Limits;
class Machine;
class Recorder;

struct Running {
  const Config& config;
  Machine& machine;
  Recorder& recorder;
  Limits& limits;
  std::string& console;  // what the UART has sent
  bool& debugged;        // somebody has made it another run than its config's
  hv::HostHypervisor* hypervisor = nullptr;
};

}  // namespace hvsim::sim
