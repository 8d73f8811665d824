// What the suite's tests are written with: checks that print what they expected, CSRs by number, modes.
#pragma once

#include <cstdint>
#include <string_view>

#include "models/cpu/isa/csr.h"

namespace suite {

namespace csr = hvsim::isa::csr;
using std::uint64_t;

// The last trap, as start.S records it.
struct Seen {
  uint64_t count;                                   // of traps but the ECALLs that end run_in
  uint64_t level;                                   // that took it: 3 M, 1 HS, 0 VS
  uint64_t cause, epc, value, value2, instruction;  // xtval; mtval2 or htval; mtinst or htinst
  uint64_t status;                                  // mstatus, hstatus or vsstatus
  uint64_t resume;                                  // where to go on; 0: behind the instruction
};
extern "C" volatile Seen seen;
extern "C" std::uint8_t supervisor_trap, guest_trap, supervisor_area, guest_area;

enum Mode : uint64_t { kU = 0, kHs = 1, kM = 3, kVu = 4, kVs = 5 };
using Function = uint64_t (*)(uint64_t argument);
extern "C" uint64_t run_in(uint64_t mode, Function function, uint64_t argument);

template <unsigned number>
uint64_t get() {
  uint64_t value;
  asm volatile("csrr %0, %1" : "=r"(value) : "i"(number) : "memory");
  return value;
}
template <unsigned number>
void put(uint64_t value) {
  asm volatile("csrw %0, %1" ::"i"(number), "r"(value) : "memory");
}
template <unsigned number>
void set(uint64_t bits) {
  asm volatile("csrs %0, %1" ::"i"(number), "r"(bits) : "memory");
}
template <unsigned number>
void clear(uint64_t bits) {
  asm volatile("csrc %0, %1" ::"i"(number), "r"(bits) : "memory");
}
inline constexpr unsigned kSip = csr::sip, kSie = csr::sie;

// Counts and prints a failure.
void check(std::string_view name, uint64_t found, uint64_t expected);
inline void check(std::string_view name, bool right) { check(name, right ? 1 : 0, 1); }

// No trap, or one of this cause at this level, since `forget`.
void forget();
void check_no_trap(std::string_view name);
void check_trap(std::string_view name, uint64_t cause, Mode level = kM);

// All that tests may have changed, as after reset, but with traps of HS and VS caught, and no translation.
void reset();

// An instruction of the H extension, whose names the assembler may not know.
inline uint64_t hlv(uint64_t address) {
  uint64_t value = 0;
  asm volatile(".insn r 0x73, 4, 0x36, %0, %1, x0" : "+r"(value) : "r"(address) : "memory");  // hlv.d
  return value;
}
inline uint64_t hlvx(uint64_t address) {
  uint64_t value = 0;
  asm volatile(".insn r 0x73, 4, 0x34, %0, %1, x3" : "+r"(value) : "r"(address) : "memory");  // hlvx.wu
  return value;
}
inline void hsv(uint64_t address, uint64_t value) {
  asm volatile(".insn r 0x73, 4, 0x37, x0, %0, %1" ::"r"(address), "r"(value) : "memory");  // hsv.d
}
inline void sfence() { asm volatile("sfence.vma" ::: "memory"); }
inline void hfence_vvma() { asm volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory"); }
inline void hfence_gvma() { asm volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory"); }
inline uint64_t load(uint64_t address) {
  uint64_t value = 0;
  asm volatile("ld %0, 0(%1)" : "+r"(value) : "r"(address) : "memory");
  return value;
}
inline void store(uint64_t address, uint64_t value) {
  asm volatile("sd %1, 0(%0)" ::"r"(address), "r"(value) : "memory");
}
// Jumps there; where that traps, the trap comes back here.
inline void jump(uint64_t address) {
  asm volatile("la t0, 1f\n sd t0, 0(%1)\n jalr %0\n1:"
               :
               : "r"(address), "r"(&seen.resume)
               : "t0", "ra", "memory");
}

// For run_in.
inline uint64_t do_sfence(uint64_t) {
  sfence();
  return 0;
}
inline uint64_t do_sret(uint64_t) {
  asm volatile("la t0, 1f\n csrw sepc, t0\n li t0, 0x100\n csrs sstatus, t0\n sret\n nop\n1:" ::
                   : "t0", "memory");
  return 0;
}
inline uint64_t read_cycle(uint64_t) { return get<csr::cycle>(); }

// The parts.
void machine_registers();
void machine_traps();
void atomics();
void interrupt_registers();
void virtual_instructions();
void waiting();
void two_stages();
void permissions();
void fences();
void trap_values();

}  // namespace suite
