// Address kinds, privilege modes and access kinds: the words every other file speaks in.
#pragma once

#include <compare>
#include <cstdint>

namespace hvsim::isa {

// A 64-bit address of one kind. Kinds do not convert into each other by accident.
template <class Kind>
struct Address {
  std::uint64_t value = 0;

  constexpr Address() = default;
  explicit constexpr Address(std::uint64_t v) : value(v) {}
  friend constexpr auto operator<=>(Address, Address) = default;
  friend constexpr Address operator+(Address a, std::uint64_t n) { return Address{a.value + n}; }
  friend constexpr Address operator-(Address a, std::uint64_t n) { return Address{a.value - n}; }
};

using Gva = Address<struct GuestVirtual>;   // what an instruction names (with V=0: a plain VA)
using Gpa = Address<struct GuestPhysical>;  // after the first stage; input of the G-stage
using Hpa = Address<struct HostPhysical>;   // what the bus sees ("supervisor physical")

using Cycles = std::uint64_t;  // clock cycles of one hart

enum class Privilege : std::uint8_t { user = 0, supervisor = 1, machine = 3 };

// Nominal privilege and virtualization mode V (H extension, section "Privilege Modes").
struct Mode {
  Privilege privilege = Privilege::machine;
  bool virtualized = false;
  friend constexpr bool operator==(Mode, Mode) = default;
};

// What a memory access is for. `execute_read` is HLVX: needs X, not R.
enum class Access : std::uint8_t { fetch, load, store, execute_read };

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr std::uint64_t kPageMask = kPageBytes - 1;
inline constexpr unsigned kPageShift = 12;

}  // namespace hvsim::isa
