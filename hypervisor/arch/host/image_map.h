// Where the hypervisor's own code and data would lie in the machine's memory, so that they go through its
// caches as the target's do: laid out like the target's image, behind the firmware.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hypervisor/arch/host/cost_model.h"
#include "hypervisor/arch/host/host_hart.h"
#include "hypervisor/limits.h"
#include "models/cpu/isa/types.h"

namespace hv {

// The code of each kind of work follows that of the kind before it. It lies in lines of which a part is
// executed: branches skip the rest.
constexpr std::uint64_t code_lines(std::size_t work) {
  return (kPrices[work].code_bytes + kExecutedBytes - 1) / kExecutedBytes;
}
inline constexpr std::array<std::uint64_t, kWorks + 1> kCodeAt = [] {
  std::array<std::uint64_t, kWorks + 1> at{};
  for (std::size_t i = 0; i < kWorks; ++i) at[i + 1] = at[i] + code_lines(i) * kCodeLineBytes;
  return at;
}();

class ImageMap {
 public:
  // Until it is told: nothing lies anywhere.
  ImageMap() = default;
  // `object`: the core's state in this process. Its places depend on nothing but their offsets in it.
  ImageMap(hvsim::isa::Hpa ram_base, const void* object, std::size_t bytes)
      : text_(ram_base + kText), object_(static_cast<const std::byte*>(object)), bytes_(bytes) {}

  bool knows(const void* at) const {
    const auto* byte = static_cast<const std::byte*>(at);
    return object_ != nullptr && byte >= object_ && byte < object_ + bytes_;
  }
  hvsim::isa::Hpa place(const void* at) const {
    return text_ + kObject + static_cast<std::uint64_t>(static_cast<const std::byte*>(at) - object_);
  }
  // What must be reserved of the memory, from its beginning.
  static constexpr std::uint64_t kEnd = 6u << 20;
  static constexpr std::uint64_t kObjectRoom = (3u << 20) - (128u << 10);
  bool known() const { return object_ != nullptr; }
  hvsim::isa::Hpa code(std::size_t work) const { return text_ + kCodeAt[work]; }
  // The part of a hart's stack that each exit uses.
  static constexpr std::uint64_t kStackBytes = 448;
  hvsim::isa::Hpa stack(unsigned hart) const { return text_ + kStacks + hart * kStackStride - kStackBytes; }

 private:
  static constexpr std::uint64_t kText = 2u << 20, kObject = 128u << 10, kStackStride = 16384,
                                 kStacks = kObject + kObjectRoom + kStackStride;
  static_assert(kCodeAt[kWorks] <= kObject);
  static_assert(kText + kStacks + (kMaxHarts - 1) * kStackStride <= kEnd);

  hvsim::isa::Hpa text_{};
  const std::byte* object_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace hv
