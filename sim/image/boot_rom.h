// The reset ROM at 0x1000: the first instructions of every hart, and what OpenSBI's fw_dynamic wants to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hvsim::sim {

inline constexpr std::uint64_t kBootRomBase = 0x1000;
inline constexpr std::uint64_t kBootRomBytes = 0xF000;

// OpenSBI, docs/firmware/fw_dynamic.md.
struct FirmwareInfo {
  static constexpr std::uint64_t kMagic = 0x4942534F, kVersion = 2;
  static constexpr std::uint64_t kNextModeS = 1, kNextModeM = 3;
  std::uint64_t next_address = 0;
  std::uint64_t next_mode = kNextModeS;
  std::uint64_t options = 0;
  std::uint64_t boot_hart = 0;
};

struct BootRomDescription {
  std::uint64_t entry = 0x80000000;  // firmware, or a bare image
  std::uint64_t device_tree = 0;
  FirmwareInfo firmware{};  // a bare image does not look at it
};

// Enters `entry` in M-mode with a0 = mhartid, a1 = device tree, a2 = address of the firmware information.
std::vector<std::byte> make_boot_rom(const BootRomDescription& description);

}  // namespace hvsim::sim
