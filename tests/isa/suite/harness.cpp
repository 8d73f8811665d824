#include "tests/isa/suite/harness.h"

#include <initializer_list>

#include "workloads/bare/board.h"

namespace suite {
namespace {

uint64_t failures = 0;

void put_hex(uint64_t value) {
  bare::put("0x");
  for (int shift = 60; shift >= 0; shift -= 4)
    if (shift == 0 || value >> shift != 0) bare::put("0123456789abcdef"[value >> shift & 15]);
}

}  // namespace

void check(std::string_view name, uint64_t found, uint64_t expected) {
  if (found == expected) return;
  ++failures;
  bare::put("failed: ");
  bare::put(name);
  bare::put(": ");
  put_hex(found);
  bare::put(", expected ");
  put_hex(expected);
  bare::put("\n");
}

void forget() {
  seen.count = 0;
  for (volatile uint64_t* each :
       {&seen.level, &seen.cause, &seen.epc, &seen.value, &seen.value2, &seen.instruction, &seen.status})
    *each = ~uint64_t{0};
}
void check_no_trap(std::string_view name) { check(name, seen.count == 0 ? 0 : 100 + seen.cause, 0); }
void check_trap(std::string_view name, uint64_t cause, Mode level) {
  check(name, seen.count, 1);
  check(name, seen.cause, cause);
  check(name, seen.level, level == kVs ? uint64_t{0} : uint64_t{level});
}

void reset() {
  put<csr::mie>(0);
  put<csr::mip>(0);
  put<csr::mstatus>(csr::kMpp);
  put<csr::medeleg>(0);
  put<csr::mideleg>(0);
  put<csr::hstatus>(0);
  put<csr::hedeleg>(0);
  put<csr::hideleg>(0);
  put<csr::hvip>(0);
  put<csr::vsstatus>(0);
  put<csr::mcounteren>(0);
  put<csr::hcounteren>(0);
  put<csr::scounteren>(0);
  put<csr::satp>(0);
  put<csr::vsatp>(0);
  put<csr::hgatp>(0);
  put<csr::stvec>(reinterpret_cast<uint64_t>(&supervisor_trap));
  put<csr::vstvec>(reinterpret_cast<uint64_t>(&guest_trap));
  put<csr::sscratch>(reinterpret_cast<uint64_t>(&supervisor_area));
  put<csr::vsscratch>(reinterpret_cast<uint64_t>(&guest_area));
  sfence();
  hfence_vvma();
  hfence_gvma();
  seen.resume = 0;
  forget();
}

extern "C" uint64_t suite_main() {
  constexpr void (*parts[])() = {
      machine_registers, machine_traps, atomics, interrupt_registers, virtual_instructions, waiting,
      two_stages,        permissions,   fences,  trap_values};
  for (const auto part : parts) {
    reset();
    part();
  }
  bare::put(failures == 0 ? "suite passed\n" : "suite failed\n");
  return failures;
}

}  // namespace suite
