// What a load or store that missed guest memory wanted of a device.
#include "hypervisor/device_access.h"

namespace hv {
namespace {

constexpr std::uint32_t kLoad = 0x03, kStore = 0x23;  // opcodes

constexpr std::uint32_t field(std::uint32_t word, unsigned low, unsigned bits) {
  return word >> low & ((1u << bits) - 1);
}

// LB LH LW LD LBU LHU LWU are funct3 0..6, SB SH SW SD 0..3 (unprivileged manual, RV64I).
std::optional<DeviceAccess> from_full(std::uint32_t word) {
  const std::uint32_t opcode = field(word, 0, 7), size = field(word, 12, 3);
  if (opcode == kLoad && size != 7)
    return DeviceAccess{
        .is_store = false, .sign_extend = size < 4, .bytes = 1u << (size & 3), .reg = field(word, 7, 5)};
  if (opcode == kStore && size < 4)
    return DeviceAccess{
        .is_store = true, .sign_extend = false, .bytes = 1u << size, .reg = field(word, 20, 5)};
  return std::nullopt;
}

// C.LW C.LD C.SW C.SD (quadrant 0) and their stack pointer forms (quadrant 2): funct3 2, 3, 6 and 7.
std::optional<DeviceAccess> from_compressed(std::uint32_t half) {
  const std::uint32_t quadrant = field(half, 0, 2), function = field(half, 13, 3);
  if (quadrant == 1 || (function & 2) == 0) return std::nullopt;
  DeviceAccess access{.is_store = function >= 6,
                      .sign_extend = true,
                      .bytes = (function & 1) != 0 ? 8u : 4u,
                      .instruction_bytes = 2};
  if (quadrant == 0)
    access.reg = 8 + field(half, 2, 3);
  else
    access.reg = access.is_store ? field(half, 2, 5) : field(half, 7, 5);
  return access;
}

}  // namespace

std::optional<DeviceAccess> from_transformed(std::uint64_t htinst) {
  // Bit 0 is clear in pseudoinstructions. Bits 19:15 say how far into a misaligned access the fault lies.
  if ((htinst & 1) == 0 || htinst >> 32 != 0) return std::nullopt;
  const auto word = static_cast<std::uint32_t>(htinst);
  if (field(word, 15, 5) != 0) return std::nullopt;
  auto access = from_full(word | 2);
  if (access && (word & 2) == 0) access->instruction_bytes = 2;
  return access;
}

std::optional<DeviceAccess> from_instruction(std::uint32_t instruction) {
  return (instruction & 3) == 3 ? from_full(instruction) : from_compressed(instruction & 0xffff);
}

std::uint64_t extended(const DeviceAccess& access, std::uint64_t value) {
  if (access.bytes == 8) return value;
  const unsigned unused = 64 - 8 * access.bytes;
  const std::uint64_t high = value << unused;
  return access.sign_extend ? static_cast<std::uint64_t>(static_cast<std::int64_t>(high) >> unused)
                            : high >> unused;
}

}  // namespace hv
