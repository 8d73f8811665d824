// The device tree that tells firmware and kernels what the machine has: the shape of QEMU's `virt` board.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "models/cpu/isa_config.h"
#include "sim/image/image.h"

namespace hvsim::sim {

// What `riscv,isa`, `riscv,isa-extensions` and `mmu-type` say of harts with these options.
std::string isa_string(const cpu::IsaConfig& isa);
std::vector<std::string> isa_extensions(const std::string& isa);
std::string mmu_type(const cpu::IsaConfig& isa);

struct MachineDescription {
  unsigned harts = 1;
  std::uint64_t ram_base = 0x80000000;
  std::uint64_t ram_bytes = std::uint64_t{128} << 20;
  std::string isa = isa_string({});
  std::string mmu_type = sim::mmu_type({});
  std::uint32_t timebase_hz = 10'000'000;
  std::string bootargs{};
  std::optional<AddressRange> initrd{};
  bool event_counters = true;           // mhpmcounter3 to 31
  std::optional<std::uint64_t> seed{};  // of the randomness that a kernel starts with; none: it gets none
  bool uart = true, plic = true, clint = true, finisher = true, rtc = true, virtio = true;
};

// Errors name the field.
isa::Result<std::vector<std::byte>, std::string> make_device_tree(const MachineDescription& machine);

// Where the tree goes: as high as it fits below the end of RAM and below 3 GiB (firmware and kernels run
// low), at a multiple of 2 MiB. Error if RAM is too small for it.
isa::Result<std::uint64_t, std::string> device_tree_address(AddressRange ram, std::uint64_t tree_bytes);

}  // namespace hvsim::sim
