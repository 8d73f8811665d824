// The machine underneath, as the firmware's device tree describes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hypervisor/fdt_reader.h"
#include "models/cpu/isa/types.h"

namespace hv {

struct MemoryRange {
  hvsim::isa::Hpa base{};
  std::uint64_t bytes = 0;
};

struct Platform {
  MemoryRange ram;
  std::array<MemoryRange, 16> reserved{};  // in RAM and not ours: firmware, this image, the trees
  unsigned reserved_count = 0;
  MemoryRange initrd;       // bytes == 0: none
  std::uint64_t harts = 0;  // bit per hart
  std::uint64_t timebase_hz = 0;
  std::string_view isa;       // riscv,isa of the first hart, in the tree
  std::string_view mmu_type;  // of the first hart, too
  bool sstc = false;          // the port has seen stimecmp work
  unsigned vmid_bits = 0;     // the port has seen them stick in hgatp
  hvsim::isa::Hpa uart{};     // ns16550a; 0: none
  std::uint32_t uart_stride = 1;
  hvsim::isa::Hpa finisher{};  // sifive,test0; 0: none

  bool reserve(MemoryRange range);  // false: no room in the list
};

// Empty: the tree has no memory, no harts or no time base, or more reservations than fit.
std::optional<Platform> read_platform(const FdtReader& tree);

}  // namespace hv
