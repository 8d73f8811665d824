// A TLM-2.0 target around a plain register window.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <systemc>
#include <tlm>

#include "models/device/device.h"

namespace hvsim::sim {

class DeviceModule final : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<DeviceModule> socket{"socket"};

  DeviceModule(sc_core::sc_module_name name, device::RegisterWindow& window);

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  device::RegisterWindow& window_;
};

}  // namespace hvsim::sim
