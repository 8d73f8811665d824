// Six instructions and the data that they load.
#include "sim/image/boot_rom.h"

#include <array>

namespace hvsim::sim {
namespace {

// Offsets of the data behind the instructions.
constexpr std::uint64_t kEntry = 24, kDeviceTree = 32, kFirmwareInfo = 40;

constexpr std::array<std::uint32_t, 6> kCode{
    0x00000297,                                                    // auipc t0, 0
    0x00028613 | static_cast<std::uint32_t>(kFirmwareInfo) << 20,  // addi a2, t0, kFirmwareInfo
    0xF1402573,                                                    // csrr a0, mhartid
    0x0002B583 | static_cast<std::uint32_t>(kDeviceTree) << 20,    // ld a1, kDeviceTree(t0)
    0x0002B283 | static_cast<std::uint32_t>(kEntry) << 20,         // ld t0, kEntry(t0)
    0x00028067,                                                    // jr t0
};
static_assert(sizeof kCode == kEntry);

void append_little_endian(std::vector<std::byte>& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (i * 8)));
}

}  // namespace

std::vector<std::byte> make_boot_rom(const BootRomDescription& description) {
  std::vector<std::byte> rom;
  for (std::uint32_t instruction : kCode) append_little_endian(rom, instruction, 4);
  const FirmwareInfo& info = description.firmware;
  for (std::uint64_t word :
       {description.entry, description.device_tree, FirmwareInfo::kMagic, FirmwareInfo::kVersion,
        info.next_address, info.next_mode, info.options, info.boot_hart})
    append_little_endian(rom, word, 8);
  return rom;
}

}  // namespace hvsim::sim
