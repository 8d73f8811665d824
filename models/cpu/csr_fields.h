// Which bits of the CSRs are writable, fixed or derived, and the views made of them.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa_config.h"

namespace hvsim::cpu {

// Interrupt bits by level.
inline constexpr std::uint64_t kMachineInterrupts = bit(isa::Interrupt::machine_software) |
                                                    bit(isa::Interrupt::machine_timer) |
                                                    bit(isa::Interrupt::machine_external),
                               kSupervisorInterrupts = bit(isa::Interrupt::supervisor_software) |
                                                       bit(isa::Interrupt::supervisor_timer) |
                                                       bit(isa::Interrupt::supervisor_external),
                               kVirtualInterrupts = bit(isa::Interrupt::virtual_supervisor_software) |
                                                    bit(isa::Interrupt::virtual_supervisor_timer) |
                                                    bit(isa::Interrupt::virtual_supervisor_external),
                               kHypervisorInterrupts =
                                   kVirtualInterrupts | bit(isa::Interrupt::supervisor_guest_external);

// LCOFI, on harts that have it; it can be delegated to HS-mode and no further.
constexpr std::uint64_t local_interrupts(const IsaConfig& isa) {
  return isa.sscofpmf ? bit(isa::Interrupt::counter_overflow) : 0;
}
inline constexpr std::uint64_t kDelegatedInterrupts =
    kSupervisorInterrupts | bit(isa::Interrupt::counter_overflow);

// medeleg: everything that can happen below M-mode. hedeleg: table "Bits of hedeleg that must be writable or
// must be read-only zero".
inline constexpr std::uint64_t kNeverRaised = 3u << 18,  // software check and hardware error: not here
    kHedelegWritable = 0x1FF | kNeverRaised | bit(isa::Exception::instruction_page_fault) |
                       bit(isa::Exception::load_page_fault) | bit(isa::Exception::store_page_fault),
                               kMedelegWritable = kHedelegWritable | bit(isa::Exception::ecall_from_s),
                               kMedelegWritableH = kMedelegWritable | bit(isa::Exception::ecall_from_vs) |
                                                   bit(isa::Exception::instruction_guest_page_fault) |
                                                   bit(isa::Exception::load_guest_page_fault) |
                                                   bit(isa::Exception::virtual_instruction) |
                                                   bit(isa::Exception::store_guest_page_fault);

inline constexpr std::uint64_t kVsstatusWritable = isa::csr::kSie | isa::csr::kSpie | isa::csr::kSpp |
                                                   isa::csr::kFs | isa::csr::kSum | isa::csr::kMxr,
                               kSstatusWritable = kVsstatusWritable,
                               kMstatusWritable = kSstatusWritable | isa::csr::kMie | isa::csr::kMpie |
                                                  isa::csr::kMprv | isa::csr::kTvm | isa::csr::kTw |
                                                  isa::csr::kTsr,  // MPP is legalised apart
    kMstatusWritableH = kMstatusWritable | isa::csr::kGva | isa::csr::kMpv,
                               // VGEIN is read-only zero (GEILEN = 0), and so is VSBE.
    kHstatusWritable = isa::csr::kHGva | isa::csr::kSpv | isa::csr::kSpvp | isa::csr::kHu | isa::csr::kVtvm |
                       isa::csr::kVtw | isa::csr::kVtsr;

inline constexpr std::uint64_t kUxl64 = std::uint64_t{2} << 32, kSxl64 = std::uint64_t{2} << 34,
                               kVsxl64 = std::uint64_t{2} << 32;

// SD says that some extension's state is dirty; FS is the only such field here.
constexpr std::uint64_t with_sd(std::uint64_t status) {
  return (status & isa::csr::kFs) == isa::csr::kFs ? status | isa::csr::kSd : status;
}

// VS-level interrupts, and guest external ones, are always delegated past M-mode.
inline std::uint64_t effective_mideleg(const HartState& hart) {
  return hart.csr.mideleg | (hart.isa_config.h ? kHypervisorInterrupts : 0);
}

// menvcfg and henvcfg have these fields where the hart has what they control; senvcfg those of U-mode.
constexpr std::uint64_t senvcfg_writable(const IsaConfig& isa) {
  return isa::csr::kFiom | (isa.zicbom ? isa::csr::kCbie | isa::csr::kCbcfe : 0) |
         (isa.zicboz ? isa::csr::kCbze : 0);
}
constexpr std::uint64_t menvcfg_writable(const IsaConfig& isa) {
  return senvcfg_writable(isa) | (isa.ad_updates == AdUpdates::svadu ? isa::csr::kAdue : 0) |
         (isa.svpbmt ? isa::csr::kPbmte : 0) | (isa.sstc ? isa::csr::kStce : 0);
}
// Fields of henvcfg that are read-only zero while menvcfg's are zero, and henvcfg with that in mind.
inline constexpr std::uint64_t kHenvcfgGranted = isa::csr::kAdue | isa::csr::kPbmte | isa::csr::kStce;
inline std::uint64_t effective_henvcfg(const HartState& hart) {
  return hart.csr.henvcfg & (hart.csr.menvcfg | ~kHenvcfgGranted);
}

// mstateen and hstateen 0 to 3. Nothing else that they could guard is there.
constexpr std::uint64_t stateen_writable(unsigned index) {
  return index == 0 ? isa::csr::kStateenSe | isa::csr::kStateenEnvcfg : isa::csr::kStateenSe;
}

// Sstc: does the comparison with stimecmp (vstimecmp) drive STIP (VSTIP)?
inline bool supervisor_timer_compares(const HartState& hart) {
  return (hart.csr.menvcfg & isa::csr::kStce) != 0;
}
inline bool virtual_timer_compares(const HartState& hart) {
  return (effective_henvcfg(hart) & isa::csr::kStce) != 0;
}

// FP state is off if either status register in effect says so (sections on mstatus.FS and vsstatus).
inline bool float_is_off(const HartState& hart) {
  return (hart.csr.mstatus & isa::csr::kFs) == 0 ||
         (hart.mode.virtualized && (hart.csr.vsstatus & isa::csr::kFs) == 0);
}
inline void make_float_dirty(HartState& hart) {
  hart.csr.mstatus |= isa::csr::kFs;
  if (hart.mode.virtualized) hart.csr.vsstatus |= isa::csr::kFs;
}

}  // namespace hvsim::cpu
