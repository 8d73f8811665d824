// A device's own way to memory, by guest-physical addresses as its driver gives them.
#pragma once

#include <cstdint>
#include <span>

#include "models/cpu/isa/types.h"

namespace hvsim::device {

class DmaPort {
 public:
  virtual ~DmaPort() = default;
  // false: not wholly in RAM, nothing was moved.
  virtual bool read(isa::Hpa from, std::span<std::uint8_t> to) = 0;
  virtual bool write(isa::Hpa to, std::span<const std::uint8_t> from) = 0;
  virtual bool is_ram(isa::Hpa address, std::uint64_t bytes) const = 0;
};

}  // namespace hvsim::device
