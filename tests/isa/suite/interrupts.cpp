// Interrupt registers in all their views, VS-level interrupts, WFI, and what a guest may not do: what
// riscv-hyp-tests and riscv-tests look at.
#include "tests/isa/suite/harness.h"

namespace suite {
namespace {

constexpr uint64_t kAll = ~uint64_t{0}, kMti = 0x80, kInterrupt = uint64_t{1} << 63;
constexpr uint64_t kIllegal = 2, kVirtual = 22;

uint64_t read_sip(uint64_t) { return get<csr::sip>(); }

void check_views(std::string_view name, uint64_t hip, uint64_t sip, uint64_t mip, uint64_t vsip) {
  check(name, get<csr::hip>(), hip);
  check(name, get<csr::sip>(), sip);
  check(name, get<csr::mip>() & ~kMti, mip);
  check(name, get<csr::vsip>(), vsip);
  check(name, run_in(kVs, read_sip, 0), vsip);
}

uint64_t do_nothing(uint64_t) { return 0; }
uint64_t enable_supervisor_software(uint64_t) {
  set<csr::sie>(2);
  set<csr::sstatus>(csr::kSie);
  clear<csr::sstatus>(csr::kSie);
  return 0;
}
uint64_t do_wfi(uint64_t) {
  asm volatile("wfi");
  return 0;
}
uint64_t do_hfence_vvma(uint64_t) {
  hfence_vvma();
  return 0;
}
uint64_t do_hfence_gvma(uint64_t) {
  hfence_gvma();
  return 0;
}
uint64_t do_hlv(uint64_t address) { return hlv(address); }
uint64_t write_satp(uint64_t) {
  put<csr::satp>(0);
  return 0;
}
uint64_t read_time(uint64_t) { return get<csr::time>(); }
uint64_t read_sscratch(uint64_t) { return get<csr::sscratch>(); }

void expect(std::string_view name, Mode mode, Function function, uint64_t cause) {
  forget();
  run_in(mode, function, 0x8000'0000);
  if (cause == 0) return check_no_trap(name);
  check_trap(name, cause);
}

}  // namespace

void interrupt_registers() {
  put<csr::stimecmp>(kAll);
  put<csr::vstimecmp>(kAll);
  put<csr::mideleg>(0);
  check("mideleg: VS-level interrupts are always delegated", get<csr::mideleg>() & 0x444, 0x444);
  put<csr::mideleg>(kAll);
  put<csr::hideleg>(kAll);
  put<csr::vsip>(kAll);
  check("vsip: all ones", get<csr::vsip>(), 2);
  put<csr::vsip>(0);
  put<csr::vsie>(kAll);
  check("vsie: all ones", get<csr::vsie>(), 0x222);
  put<csr::vsie>(0);
  put<csr::mip>(kAll);
  check_views("all ones in mip", 0x4, 0x222, 0x226, 0x2);
  put<csr::mip>(0);
  check_views("zero in mip", 0, 0, 0, 0);
  put<csr::hedeleg>(kAll);
  check("hedeleg: all ones", get<csr::hedeleg>() | 1, 0xC'B1FF);  // bit 0 may be either with C
  put<csr::hedeleg>(0);
  put<csr::hvip>(kAll);
  check("hvip: all ones", get<csr::hvip>(), 0x444);
  check_views("all ones in hvip", 0x444, 0, 0x444, 0x222);
  put<csr::hvip>(0);
  check_views("zero in hvip", 0, 0, 0, 0);
  check_no_trap("interrupt registers");

  reset();
  set<csr::hie>(4);
  set<csr::hip>(4);
  run_in(kVs, do_nothing, 0);
  check_trap("VSSI that hideleg keeps in HS-mode", kInterrupt | 2, kHs);
  reset();
  set<csr::hideleg>(4);
  set<csr::hip>(4);
  run_in(kVs, enable_supervisor_software, 0);
  check_trap("VSSI that hideleg hands on is the guest's SSI", kInterrupt | 1, kVs);
}

void virtual_instructions() {
  expect("hfence.vvma in VS-mode", kVs, do_hfence_vvma, kVirtual);
  expect("hfence.gvma in VS-mode", kVs, do_hfence_gvma, kVirtual);
  expect("hlv.d in VS-mode", kVs, do_hlv, kVirtual);
  expect("hlv.d in VU-mode", kVu, do_hlv, kVirtual);
  expect("hlv.d in U-mode", kU, do_hlv, kIllegal);
  expect("sret in VS-mode", kVs, do_sret, 0);
  expect("sfence.vma in VS-mode", kVs, do_sfence, 0);
  expect("satp in VS-mode", kVs, write_satp, 0);
  put<csr::hstatus>(csr::kVtsr | csr::kVtvm);
  expect("sret in VS-mode with VTSR", kVs, do_sret, kVirtual);
  expect("sfence.vma in VS-mode with VTVM", kVs, do_sfence, kVirtual);
  expect("satp in VS-mode with VTVM", kVs, write_satp, kVirtual);
  put<csr::hstatus>(0);
  expect("sscratch in VU-mode", kVu, read_sscratch, kVirtual);

  struct Enables {
    std::string_view name;
    uint64_t m, h, time, cycle;
  };
  constexpr Enables cases[] = {{"neither mcounteren nor hcounteren", 0, 0, kIllegal, kIllegal},
                               {"mcounteren alone", 7, 0, kVirtual, kVirtual},
                               {"hcounteren alone", 0, 7, kIllegal, kIllegal},
                               {"mcounteren and hcounteren", 7, 7, 0, 0}};
  for (const Enables& each : cases) {
    put<csr::mcounteren>(each.m);
    put<csr::hcounteren>(each.h);
    expect(each.name, kVs, read_time, each.time);
    expect(each.name, kVs, read_cycle, each.cycle);
  }
  expect("cycle in VU-mode without scounteren", kVu, read_cycle, kVirtual);
  put<csr::scounteren>(7);
  expect("cycle in VU-mode", kVu, read_cycle, 0);
}

void waiting() {
  expect("wfi in U-mode", kU, do_wfi, kIllegal);
  expect("wfi in VU-mode", kVu, do_wfi, kVirtual);
  // Something pending that nobody takes, so that it does not wait.
  put<csr::hideleg>(4);
  put<csr::hie>(4);
  put<csr::hip>(4);
  forget();
  do_wfi(0);
  check_no_trap("wfi in M-mode");
  expect("wfi in HS-mode", kHs, do_wfi, 0);
  expect("wfi in VS-mode", kVs, do_wfi, 0);
  set<csr::mstatus>(csr::kTw);
  expect("wfi in HS-mode with TW", kHs, do_wfi, kIllegal);
  expect("wfi in VS-mode with TW", kVs, do_wfi, kIllegal);
  clear<csr::mstatus>(csr::kTw);
  set<csr::hstatus>(csr::kVtw);
  expect("wfi in VS-mode with VTW", kVs, do_wfi, kVirtual);
  expect("wfi in HS-mode with VTW", kHs, do_wfi, 0);
}

}  // namespace suite
