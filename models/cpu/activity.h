// What was done on behalf of one owner: cycles by component, and events.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include "models/cpu/delivery_meter.h"
#include "models/cpu/events.h"
#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// What a cycle was spent on: the columns of the CPI stack.
enum class Component : std::uint8_t {
  base,
  branch,
  icache,
  dcache,
  store_buffer,
  walk_first,
  walk_g,
  trap,
  csr,
  fp,
  hypervisor,
  idle,
  count
};
inline constexpr unsigned kComponents = static_cast<unsigned>(Component::count);
using ComponentCycles = std::array<std::uint64_t, kComponents>;

// Modes by number, for tables: M, HS, U, VS, VU.
inline constexpr unsigned kModes = 5;
inline constexpr std::array<std::uint8_t, 8> kModeIndices{2, 1, 0, 0, 4, 3, 0, 0};  // by V and privilege
constexpr unsigned mode_index(isa::Mode mode) {
  return kModeIndices[(mode.virtualized ? 4U : 0U) + static_cast<unsigned>(mode.privilege)];
}
constexpr isa::Mode mode_of_index(unsigned index) {
  if (index == 0) return {};
  return {index == 2 || index == 4 ? isa::Privilege::user : isa::Privilege::supervisor, index >= 3};
}

// Whose cycles and events are counted together.
struct OwnerKey {
  std::uint32_t vm = kNoVm;
  std::uint32_t vcpu = 0;
  isa::Mode mode{};
  friend constexpr auto operator<=>(const OwnerKey& a, const OwnerKey& b) {
    auto flat = [](const OwnerKey& k) {
      return std::tuple(k.vm, k.vcpu, k.mode.privilege, k.mode.virtualized);
    };
    return flat(a) <=> flat(b);
  }
  friend constexpr bool operator==(const OwnerKey& a, const OwnerKey& b) {
    return a.vm == b.vm && a.vcpu == b.vcpu && a.mode == b.mode;
  }
};

struct Activity {
  ComponentCycles components{};
  EventCounts events{};

  bool none() const {
    return events[static_cast<std::size_t>(Event::cycles)] == 0 && events == EventCounts{};
  }
  Activity& operator+=(const Activity& other) {
    for (std::size_t i = 0; i < components.size(); ++i) components[i] += other.components[i];
    for (std::size_t i = 0; i < events.size(); ++i) events[i] += other.events[i];
    return *this;
  }
  Activity& operator-=(const Activity& other) {
    for (std::size_t i = 0; i < components.size(); ++i) components[i] -= other.components[i];
    for (std::size_t i = 0; i < events.size(); ++i) events[i] -= other.events[i];
    return *this;
  }
};

}  // namespace hvsim::cpu
