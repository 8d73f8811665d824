// A VCPU's registers, grouped by when they move between hart and memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv {

// Saved at every exit and loaded at every entry. The world switch knows these offsets.
struct GeneralRegisters {
  std::uint64_t x[32] = {};
  std::uint64_t sepc = 0;     // where the guest continues
  std::uint64_t sstatus = 0;  // SPP: the guest's privilege; FS: off until it uses floating point
  std::uint64_t hstatus = 0;  // SPV, SPVP, VTW
  std::uint64_t hvip = 0;     // virtual interrupts pending; the guest itself clears VSSIP
  std::uint64_t port = 0;     // for the port's own use
};
static_assert(offsetof(GeneralRegisters, sepc) == 256 && offsetof(GeneralRegisters, sstatus) == 264 &&
              offsetof(GeneralRegisters, hstatus) == 272 && offsetof(GeneralRegisters, hvip) == 280 &&
              offsetof(GeneralRegisters, port) == 288);

// Moved only when another VCPU gets the hart.
struct VsRegisters {
  std::uint64_t vsstatus = 0, vsie = 0, vstvec = 0, vsscratch = 0, vsepc = 0, vscause = 0, vstval = 0,
                vsatp = 0;
  std::uint64_t vstimecmp = ~std::uint64_t{0};  // moved when henvcfg.STCE is set
  std::uint64_t scounteren = 0, senvcfg = 0;    // not banked by V: the guest writes the hart's own
  std::uint64_t hgatp = 0, henvcfg = 0;         // the VM's; only loaded
};
inline constexpr unsigned kVsSavedCsrs = 10;   // without vstimecmp
inline constexpr unsigned kVsLoadedCsrs = 13;  // vsatp twice

// Moved when a VCPU that used floating point gives the hart away, and at its first use afterwards.
struct FpRegisters {
  std::uint64_t f[32] = {};
  std::uint64_t fcsr = 0;
};
static_assert(offsetof(FpRegisters, fcsr) == 256);

enum class RegisterGroup : std::uint8_t { vs, fp };

}  // namespace hv
