// Marks: how software announces phases to whoever watches. `sltiu x0, rs1, kind` is a HINT that the
// unprivileged manual sets aside for custom use: a no-op on QEMU and on hardware.
#pragma once

#include <cstdint>

namespace hvsim::isa {

// The immediate of the HINT; the value is in rs1.
enum class MarkKind : std::uint16_t {
  region_begin = 1,    // value: region number, chosen by the software
  region_end = 2,      // value: region number
  work_done = 3,       // value: units of useful guest work finished since the last such mark
  hypercall_done = 4,  // value: hypercalls whose routine ran to its end (marked by the hypervisor)
  phase = 16,          // value: HypervisorPhase now in progress
  vcpu = 17,           // value: vm << 16 | vcpu about to be entered; ~0 = none (hart idle)
};

// Hypervisor phases: cells of the CPI stack.
enum class HypervisorPhase : std::uint8_t {
  none = 0,     // guest, firmware or boot
  save = 1,     // trap entry and context save
  exit = 2,     // exit handling, hypercalls run inside their trap
  enqueue = 3,  // putting deferrable hypercalls into the VM's queue
  schedule = 4,
  drain = 5,    // running queued hypercalls before a context is restored
  restore = 6,  // context restore and return
  idle = 7,
  count = 8,
};

constexpr std::uint64_t mark_vcpu(unsigned vm, unsigned vcpu) { return (std::uint64_t{vm} << 16) | vcpu; }
inline constexpr std::uint64_t kMarkNoVcpu = ~std::uint64_t{0};

// The encoding, for assemblers and tests.
constexpr std::uint32_t mark_encoding(MarkKind kind, unsigned rs1) {
  return (static_cast<std::uint32_t>(kind) << 20) | (rs1 << 15) | (3u << 12) | 0x13u;
}

}  // namespace hvsim::isa
