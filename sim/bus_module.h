// The interconnect: routes transactions of many initiators to targets by address.
#pragma once

#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>

#include <cstdint>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "models/cpu/isa/types.h"

namespace hvsim::sim {

class BusModule final : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<BusModule> from{"from"};
  tlm_utils::multi_passthrough_initiator_socket<BusModule> to{"to"};

  explicit BusModule(sc_core::sc_module_name name);

  // Binds `target` to a window; its transactions carry addresses relative to `base`.
  template <class Target>
  void attach(isa::Hpa base, std::uint64_t bytes, Target& target) {
    windows_.push_back({base.value, bytes});
    to.bind(target);
  }

 private:
  struct Window {
    std::uint64_t base, bytes;
  };

  void b_transport(int initiator, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  bool direct(int initiator, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  unsigned debug(int initiator, tlm::tlm_generic_payload& payload);
  void invalidate(int target, sc_dt::uint64 start, sc_dt::uint64 end);
  // Index of the window that holds the whole access, or -1; the address becomes relative to it.
  int enter(tlm::tlm_generic_payload& payload) const;

  std::vector<Window> windows_;
};

}  // namespace hvsim::sim
