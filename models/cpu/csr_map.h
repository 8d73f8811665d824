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
  stimecmp,    // guarded by STCE and TM (Sstc)
  vstimecmp,   // the same, and needs the H extension
  satp,        // guarded by TVM and VTVM
  hgatp,       // guarded by TVM
  pmp_config,
  pmp_address,
};

constexpr std::array<CsrKind, 4096> make_csr_map() {
  namespace csr = isa::csr;
  std::array<CsrKind, 4096> map{};
  for (unsigned n : {csr::fflags, csr::frm, csr::fcsr}) map[n] = CsrKind::floating;
  for (unsigned n = csr::cycle; n < csr::cycle + 32; ++n) map[n] = CsrKind::counter;
  for (unsigned n : {csr::sstatus, csr::sie, csr::stvec, csr::scounteren, csr::senvcfg, csr::sscratch,
                     csr::sepc, csr::scause, csr::stval, csr::sip})
    map[n] = CsrKind::ordinary;
  map[csr::stimecmp] = CsrKind::stimecmp;
  map[csr::satp] = CsrKind::satp;
  for (unsigned n : {csr::hstatus, csr::hedeleg,  csr::hideleg, csr::hie,    csr::htimedelta, csr::hcounteren,
                     csr::hgeie,   csr::henvcfg,  csr::htval,   csr::hip,    csr::hvip,       csr::htinst,
                     csr::hgeip,   csr::vsstatus, csr::vsie,    csr::vstvec, csr::vsscratch,  csr::vsepc,
                     csr::vscause, csr::vstval,   csr::vsip,    csr::vsatp,  csr::mtinst,     csr::mtval2})
    map[n] = CsrKind::hypervisor;
  map[csr::vstimecmp] = CsrKind::vstimecmp;
  map[csr::hgatp] = CsrKind::hgatp;
  for (unsigned n :
       {csr::mvendorid, csr::marchid,       csr::mimpid,   csr::mhartid, csr::mconfigptr, csr::mstatus,
        csr::misa,      csr::medeleg,       csr::mideleg,  csr::mie,     csr::mtvec,      csr::mcounteren,
        csr::menvcfg,   csr::mcountinhibit, csr::mscratch, csr::mepc,    csr::mcause,     csr::mtval,
        csr::mip,       csr::mcycle,        csr::minstret})
    map[n] = CsrKind::ordinary;
  for (unsigned i = 3; i < 32; ++i) {
    map[csr::mcountinhibit + i] = CsrKind::ordinary;  // mhpmevent3..31
    map[csr::mcycle + i] = CsrKind::ordinary;         // mhpmcounter3..31
  }
  for (unsigned i = 0; i < 4; i += 2) map[csr::pmpcfg0 + i] = CsrKind::pmp_config;  // odd ones: RV32 only
  for (unsigned i = 0; i < 16; ++i) map[csr::pmpaddr0 + i] = CsrKind::pmp_address;
  return map;
}
inline constexpr std::array<CsrKind, 4096> kCsrMap = make_csr_map();

// Fields of a CSR number (privileged manual, section "CSR Address Mapping Conventions").
constexpr bool csr_read_only(unsigned number) { return number >> 10 == 3; }
constexpr unsigned csr_level(unsigned number) { return number >> 8 & 3; }  // 0 U, 1 S, 2 HS, 3 M

// The VS CSR that stands in for a supervisor CSR while V=1; scounteren and senvcfg have none.
constexpr unsigned virtual_csr(unsigned number) {
  if (csr_level(number) != 1 || number == isa::csr::scounteren || number == isa::csr::senvcfg) return number;
  return number + 0x100;
}

}  // namespace hvsim::cpu
