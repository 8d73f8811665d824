// Address decoding.
#include "sim/bus_module.h"

namespace hvsim::sim {

BusModule::BusModule(sc_core::sc_module_name name) : sc_module(name) {
  from.register_b_transport(this, &BusModule::b_transport);
  from.register_get_direct_mem_ptr(this, &BusModule::direct);
  from.register_transport_dbg(this, &BusModule::debug);
  to.register_invalidate_direct_mem_ptr(this, &BusModule::invalidate);
}

int BusModule::enter(tlm::tlm_generic_payload& payload) const {
  const std::uint64_t address = payload.get_address();
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const auto& window = windows_[i];
    const std::uint64_t offset = address - window.base;
    if (address < window.base || offset >= window.bytes || payload.get_data_length() > window.bytes - offset)
      continue;
    payload.set_address(offset);
    return static_cast<int>(i);
  }
  return -1;
}

void BusModule::b_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const sc_dt::uint64 address = payload.get_address();
  const int target = enter(payload);
  if (target < 0) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  to[target]->b_transport(payload, delay);
  payload.set_address(address);
}

bool BusModule::direct(int, tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
  const sc_dt::uint64 address = payload.get_address();
  const int target = enter(payload);
  if (target < 0) return false;
  const bool granted = to[target]->get_direct_mem_ptr(payload, dmi);
  payload.set_address(address);
  const std::uint64_t base = windows_[static_cast<std::size_t>(target)].base;
  dmi.set_start_address(dmi.get_start_address() + base);
  dmi.set_end_address(dmi.get_end_address() + base);
  return granted;
}

unsigned BusModule::debug(int, tlm::tlm_generic_payload& payload) {
  const sc_dt::uint64 address = payload.get_address();
  const int target = enter(payload);
  if (target < 0) return 0;
  const unsigned done = to[target]->transport_dbg(payload);
  payload.set_address(address);
  return done;
}

void BusModule::invalidate(int target, sc_dt::uint64 start, sc_dt::uint64 end) {
  const std::uint64_t base = windows_[static_cast<std::size_t>(target)].base;
  for (int i = 0; i < static_cast<int>(from.size()); ++i)
    from[i]->invalidate_direct_mem_ptr(start + base, end + base);
}

}  // namespace hvsim::sim
