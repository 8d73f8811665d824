// What a load or store that missed guest memory wanted of a device.
#pragma once

#include <cstdint>
#include <optional>

namespace hv {

struct DeviceAccess {
  bool is_store = false;
  bool sign_extend = false;
  unsigned bytes = 0;              // 1, 2, 4 or 8
  unsigned reg = 0;                // rd of a load, rs2 of a store
  unsigned instruction_bytes = 4;  // how far sepc moves
};

// From htinst: the trapping instruction transformed ("Transformed Instruction or Pseudoinstruction for mtinst
// or htinst"). Empty: a pseudoinstruction, or none of the plain integer loads and stores.
std::optional<DeviceAccess> from_transformed(std::uint64_t htinst);
// From the instruction as it stands in the guest's memory, compressed or not.
std::optional<DeviceAccess> from_instruction(std::uint32_t instruction);

// What a load leaves in its register.
std::uint64_t extended(const DeviceAccess& access, std::uint64_t value);

}  // namespace hv
