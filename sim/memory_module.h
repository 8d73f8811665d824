// RAM as a TLM-2.0 target: transactions for whoever needs them, direct memory access for everybody else.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <systemc>
#include <tlm>

#include "models/mem/physical_memory.h"

namespace hvsim::sim {

class MemoryModule final : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<MemoryModule> socket{"socket"};

  // Addresses of transactions are offsets from the start of RAM.
  MemoryModule(sc_core::sc_module_name name, mem::PhysicalMemory& memory);

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  bool direct(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi);
  unsigned debug(tlm::tlm_generic_payload& payload);

  mem::PhysicalMemory& memory_;
};

}  // namespace hvsim::sim
