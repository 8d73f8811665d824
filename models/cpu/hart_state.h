// The architectural state of one hart: plain data, all that a checkpoint must hold.
#pragma once

#include <array>
#include <cstdint>

#include "models/cpu/events.h"
#include "models/cpu/isa/types.h"
#include "models/cpu/isa_config.h"

namespace hvsim::cpu {

// CSRs that are storage. Aliases (sstatus, sip, hie, vsip, ...) and read-only views are made from
// these by csr_file. VS copies are always the vs* registers; swapping by V is done on access.
struct CsrState {
  // Machine
  std::uint64_t mstatus = 0, medeleg = 0, mideleg = 0, mie = 0;
  std::uint64_t mip = 0;  // bits that software may write: SSIP, STIP (when not Sstc), SEIP
  std::uint64_t mtvec = 0, mcounteren = 0, menvcfg = 0, mcountinhibit = 0;
  std::uint64_t mscratch = 0, mepc = 0, mcause = 0, mtval = 0, mtval2 = 0, mtinst = 0;
  std::array<std::uint8_t, 16> pmpcfg{};
  std::array<std::uint64_t, 16> pmpaddr{};
  // Supervisor (HS)
  std::uint64_t stvec = 0, scounteren = 0, senvcfg = 0, sscratch = 0, sepc = 0, scause = 0, stval = 0,
                satp = 0, stimecmp = ~std::uint64_t{0};
  // Hypervisor
  std::uint64_t hstatus = 0, hedeleg = 0, hideleg = 0, hvip = 0, hcounteren = 0, hgeie = 0, hgeip = 0,
                hgatp = 0, htimedelta = 0, henvcfg = 0, htval = 0, htinst = 0;
  // Virtual supervisor
  std::uint64_t vsstatus = 0, vstvec = 0, vsscratch = 0, vsepc = 0, vscause = 0, vstval = 0, vsatp = 0,
                vstimecmp = ~std::uint64_t{0};
  // State enable (Smstateen); sstateen has no field that anything here would use
  std::array<std::uint64_t, 4> mstateen{}, hstateen{};
  // Floating point
  std::uint8_t fflags = 0, frm = 0;
};

// What LR reserved: the aligned doubleword that contains the bytes read. A hart's own stores do not end it.
struct Reservation {
  static constexpr std::uint64_t kSetBytes = 8;
  static constexpr isa::Hpa set_of(isa::Hpa address) { return isa::Hpa{address.value & ~(kSetBytes - 1)}; }
  bool valid = false;
  isa::Hpa set{};
  friend constexpr bool operator==(const Reservation&, const Reservation&) = default;
};

struct HartState {
  static constexpr std::uint8_t kSink = 32;  // where writes to x0 go

  std::array<std::uint64_t, 33> x{};
  std::array<std::uint64_t, 32> f{};  // NaN-boxed
  std::uint64_t pc = 0;
  isa::Mode mode{};
  CsrState csr{};
  Reservation reservation{};
  unsigned hart_id = 0;
  IsaConfig isa_config{};

  // Time. `cycle` never stops and includes idle cycles; CSR writes go to the offsets.
  isa::Cycles cycle = 0;
  std::uint64_t retired = 0;
  std::uint64_t mcycle_offset = 0, minstret_offset = 0;
  std::uint64_t cycles_per_tick = 100;  // hart clock over the 10 MHz time base
  std::uint64_t time_offset = 0;        // software writes of mtime
  std::uint64_t mtimecmp = ~std::uint64_t{0};
  std::uint64_t time() const { return cycle / cycles_per_tick + time_offset; }

  // Levels driven by interrupt controllers: bits MSIP, MEIP, SEIP as in mip.
  std::uint64_t lines = 0;

  // Event counters (event_counters.h), by the number of the counter; 0 to 2 are unused.
  std::array<std::uint64_t, 32> mhpmcounter{}, mhpmevent{};
  std::array<std::uint64_t, 32> counted_to{};  // what mhpmcounter has seen of its event
  std::uint32_t active_counters = 0;           // neither inhibited nor without an event
  EventCounts events{};                        // as last brought up to date by the engine
};

}  // namespace hvsim::cpu
