// Transactions to register accesses.
#include "sim/device_module.h"

#include <cstdint>
#include <cstring>

namespace hvsim::sim {

DeviceModule::DeviceModule(sc_core::sc_module_name name, device::RegisterWindow& window)
    : sc_module(name), window_(window) {
  socket.register_b_transport(this, &DeviceModule::b_transport);
}

void DeviceModule::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
  const unsigned bytes = payload.get_data_length();
  const std::uint64_t offset = payload.get_address();
  const bool natural = bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
  if (!natural || offset % bytes != 0 || payload.get_byte_enable_ptr() != nullptr ||
      payload.get_streaming_width() < bytes) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  std::uint64_t value = 0;
  bool ok = false;
  if (payload.is_read()) {
    ok = window_.read(offset, bytes, value);
    std::memcpy(payload.get_data_ptr(), &value, bytes);
  } else if (payload.is_write()) {
    std::memcpy(&value, payload.get_data_ptr(), bytes);
    ok = window_.write(offset, bytes, value);
  }
  payload.set_response_status(ok ? tlm::TLM_OK_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE);
}

}  // namespace hvsim::sim
