// Which CSR numbers exist, and what beyond privilege guards each of them.
#pragma once

#include <array>
#include <cstdint>

#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {

enum class CsrKind : std::uint8_t {
  absent,
  ordinary,
  hypervisor,  // exists with the H extension
  floating,    // needs FS
  counter,     // guarded by the counter-enable registers
  overflow,    // scountovf: exists with Sscofpmf
  senvcfg,     // guarded by xstateen0.ENVCFG (Smstateen)
  henvcfg,     // the same, and needs the H extension
  mstateen,    // exists with Smstateen
  hstateen,    // guarded by mstateen.SE, and needs the H extension
  sstateen,    // guarded by xstateen.SE
  stimecmp,    // guarded by STCE and TM (Sstc)
  vstimecmp,   // the same, and needs the H extension
  satp,        // guarded by TVM and VTVM
  hgatp,       // guarded by TVM
  pmp_config,
  pmp_address,
};

// tselect and tdata1 to tdata3 are there, read-only zero, and say that there is no trigger (debug
// specification, "tdata1": type 0): programs that look for triggers select one first.
inline constexpr unsigned kTselect = 0x7A0, kTdata3 = 0x7A3;

constexpr std::array<CsrKind, 4096> make_csr_map() {
  namespace csr = isa::csr;
  std::array<CsrKind, 4096> map{};
  for (unsigned n : {csr::fflags, csr::frm, csr::fcsr}) map[n] = CsrKind::floating;
  for (unsigned n = csr::cycle; n < csr::cycle + 32; ++n) map[n] = CsrKind::counter;
  for (unsigned n : {csr::sstatus, csr::sie, csr::stvec, csr::scounteren, csr::sscratch, csr::sepc,
                     csr::scause, csr::stval, csr::sip})
    map[n] = CsrKind::ordinary;
  map[csr::scountovf] = CsrKind::overflow;
  map[csr::senvcfg] = CsrKind::senvcfg;
  map[csr::henvcfg] = CsrKind::henvcfg;
  for (unsigned i = 0; i < 4; ++i) {
    map[csr::mstateen0 + i] = CsrKind::mstateen;
    map[csr::hstateen0 + i] = CsrKind::hstateen;
    map[csr::sstateen0 + i] = CsrKind::sstateen;
  }
  map[csr::stimecmp] = CsrKind::stimecmp;
  map[csr::satp] = CsrKind::satp;
  for (unsigned n :
       {csr::hstatus,  csr::hedeleg, csr::hideleg, csr::hie,       csr::htimedelta, csr::hcounteren,
        csr::hgeie,    csr::htval,   csr::hip,     csr::hvip,      csr::htinst,     csr::hgeip,
        csr::vsstatus, csr::vsie,    csr::vstvec,  csr::vsscratch, csr::vsepc,      csr::vscause,
        csr::vstval,   csr::vsip,    csr::vsatp,   csr::mtinst,    csr::mtval2})
    map[n] = CsrKind::hypervisor;
  map[csr::vstimecmp] = CsrKind::vstimecmp;
  map[csr::hgatp] = CsrKind::hgatp;
  for (unsigned n :
       {csr::mvendorid, csr::marchid,       csr::mimpid,   csr::mhartid, csr::mconfigptr, csr::mstatus,
        csr::misa,      csr::medeleg,       csr::mideleg,  csr::mie,     csr::mtvec,      csr::mcounteren,
        csr::menvcfg,   csr::mcountinhibit, csr::mscratch, csr::mepc,    csr::mcause,     csr::mtval,
        csr::mip,       csr::mcycle,        csr::minstret})
    map[n] = CsrKind::ordinary;
  for (unsigned number = kTselect; number <= kTdata3; ++number) map[number] = CsrKind::ordinary;
  for (unsigned i = 3; i < 32; ++i) {
    map[csr::mcountinhibit + i] = CsrKind::ordinary;  // mhpmevent3..31
    map[csr::mcycle + i] = CsrKind::ordinary;         // mhpmcounter3..31
  }
  for (unsigned i = 0; i < 4; i += 2) map[csr::pmpcfg0 + i] = CsrKind::pmp_config;  // odd ones: RV32 only
  for (unsigned i = 0; i < 16; ++i) map[csr::pmpaddr0 + i] = CsrKind::pmp_address;
  return map;
}
inline constexpr std::array<CsrKind, 4096> kCsrMap = make_csr_map();

// Which event counter hpmcounter3.. and mhpmcounter3.., or mhpmevent3.., belong to; 0: it is none of them.
constexpr unsigned event_counter_number(unsigned number) {
  const unsigned counter = number & 31;
  const bool in_range = number - isa::csr::cycle < 32 || number - isa::csr::mcycle < 32;
  return in_range && counter >= 3 ? counter : 0;
}
constexpr unsigned event_selector_number(unsigned number) {
  return number - isa::csr::mhpmevent3 < 29 ? number - isa::csr::mhpmevent3 + 3 : 0;
}

// Fields of a CSR number (privileged manual, section "CSR Address Mapping Conventions").
constexpr bool csr_read_only(unsigned number) { return number >> 10 == 3; }
constexpr unsigned csr_level(unsigned number) { return number >> 8 & 3; }  // 0 U, 1 S, 2 HS, 3 M

// The VS CSR that stands in for a supervisor CSR while V=1; some have none.
constexpr unsigned virtual_csr(unsigned number) {
  namespace csr = isa::csr;
  const bool shared = number == csr::scounteren || number == csr::senvcfg || number == csr::scountovf ||
                      number - csr::sstateen0 < 4;
  return csr_level(number) != 1 || shared ? number : number + 0x100;
}

}  // namespace hvsim::cpu
