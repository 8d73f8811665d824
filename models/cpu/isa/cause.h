// Trap causes (privileged manual, table "mcause values", with the H extension's additions).
#pragma once

#include <cstdint>

namespace hvsim::isa {

enum class Exception : std::uint8_t {
  instruction_address_misaligned = 0,
  instruction_access_fault = 1,
  illegal_instruction = 2,
  breakpoint = 3,
  load_address_misaligned = 4,
  load_access_fault = 5,
  store_address_misaligned = 6,
  store_access_fault = 7,
  ecall_from_u = 8,
  ecall_from_s = 9,  // HS
  ecall_from_vs = 10,
  ecall_from_m = 11,
  instruction_page_fault = 12,
  load_page_fault = 13,
  store_page_fault = 15,
  instruction_guest_page_fault = 20,
  load_guest_page_fault = 21,
  virtual_instruction = 22,
  store_guest_page_fault = 23,
};

enum class Interrupt : std::uint8_t {
  supervisor_software = 1,
  virtual_supervisor_software = 2,
  machine_software = 3,
  supervisor_timer = 5,
  virtual_supervisor_timer = 6,
  machine_timer = 7,
  supervisor_external = 9,
  virtual_supervisor_external = 10,
  machine_external = 11,
  supervisor_guest_external = 12,
  counter_overflow = 13,  // LCOFI (Sscofpmf)
};

inline constexpr std::uint64_t kInterruptBit = std::uint64_t{1} << 63;

constexpr std::uint64_t bit(Interrupt i) { return std::uint64_t{1} << static_cast<unsigned>(i); }
constexpr std::uint64_t bit(Exception e) { return std::uint64_t{1} << static_cast<unsigned>(e); }

// Everything a trap needs to be delivered; who raises it fills what it knows.
struct Trap {
  bool interrupt = false;
  std::uint8_t code = 0;             // Exception or Interrupt number
  bool guest_virtual = false;        // tval is a guest virtual address (GVA bit)
  std::uint64_t tval = 0;            // mtval/stval/vstval
  std::uint64_t guest_physical = 0;  // htval/mtval2, already shifted right by 2
  std::uint64_t instruction = 0;     // htinst/mtinst: 0, transformed or pseudo-instruction
};

}  // namespace hvsim::isa
