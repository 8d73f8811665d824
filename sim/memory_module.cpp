// Transactions to RAM.
#include "sim/memory_module.h"

#include <cstdint>
#include <cstring>

namespace hvsim::sim {

MemoryModule::MemoryModule(sc_core::sc_module_name name, mem::PhysicalMemory& memory)
    : sc_module(name), memory_(memory) {
  socket.register_b_transport(this, &MemoryModule::b_transport);
  socket.register_get_direct_mem_ptr(this, &MemoryModule::direct);
  socket.register_transport_dbg(this, &MemoryModule::debug);
}

void MemoryModule::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
  if (payload.get_byte_enable_ptr() != nullptr || payload.get_streaming_width() < payload.get_data_length()) {
    payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
    return;
  }
  const bool done = debug(payload) == payload.get_data_length();
  payload.set_dmi_allowed(done);
  payload.set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

bool MemoryModule::direct(tlm::tlm_generic_payload&, tlm::tlm_dmi& dmi) {
  dmi.allow_read_write();
  dmi.set_start_address(0);
  dmi.set_end_address(memory_.ram_bytes() - 1);
  dmi.set_dmi_ptr(memory_.host(memory_.ram_base(), memory_.ram_bytes()));
  return true;
}

unsigned MemoryModule::debug(tlm::tlm_generic_payload& payload) {
  const unsigned bytes = payload.get_data_length();
  if (payload.get_address() >= memory_.ram_bytes()) return 0;
  std::uint8_t* host = memory_.host(memory_.ram_base() + payload.get_address(), bytes);
  if (host == nullptr) return 0;
  if (payload.is_read()) std::memcpy(payload.get_data_ptr(), host, bytes);
  if (payload.is_write()) std::memcpy(host, payload.get_data_ptr(), bytes);
  return bytes;
}

}  // namespace hvsim::sim
