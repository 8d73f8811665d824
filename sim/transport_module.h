// One TLM-2.0 access as this project's modules make it: loosely timed, plain bytes, little endian.
#pragma once

#include <cstdint>
#include <cstring>
#include <systemc>
#include <tlm>

namespace hvsim::sim {

template <class Socket>
bool transport(Socket& socket, tlm::tlm_command command, std::uint64_t address, unsigned bytes,
               std::uint64_t& value, sc_core::sc_time& delay) {
  tlm::tlm_generic_payload payload;
  unsigned char data[8] = {};
  std::memcpy(data, &value, bytes);
  payload.set_command(command);
  payload.set_address(address);
  payload.set_data_ptr(data);
  payload.set_data_length(bytes);
  payload.set_streaming_width(bytes);
  payload.set_byte_enable_ptr(nullptr);
  payload.set_dmi_allowed(false);
  payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  socket->b_transport(payload, delay);
  if (!payload.is_response_ok()) return false;
  if (command == tlm::TLM_READ_COMMAND) {
    value = 0;
    std::memcpy(&value, data, bytes);
  }
  return true;
}

}  // namespace hvsim::sim
