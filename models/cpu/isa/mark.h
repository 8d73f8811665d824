// Marks: how software announces phases to whoever watches. `sltiu x0, rs1, kind` is a HINT that the
// unprivileged manual sets aside for custom use: a no-op on QEMU and on hardware.
#pragma once

#include <cstdint>

namespace hvsim::isa {

// The immediate of the HINT; the value is in rs1.
enum class MarkKind : std::uint16_t {
  region_begin = 1,      // value: region number, chosen by the software
  region_end = 2,        // value: region number
  work_done = 3,         // value: units of useful guest work finished since the last such mark
  hypercall_done = 4,    // value: vm << 32 | hypercalls of it whose routine ran to its end
  call_issued = 5,       // value: deferrable hypercalls that the guest has made, however they are delivered
  statistics_reset = 6,  // what was counted until now is forgotten; value: ignored
  statistics_dump = 7,   // what was counted until now is written out; value: a number to tell dumps apart
  latency = 8,           // value: nanoseconds that one of the software's operations took, by its own clock
  phase = 16,            // value: HypervisorPhase now in progress
  vcpu = 17,             // value: vm << 16 | vcpu about to be entered; ~0 = none (hart idle)
  calls_ran = 18,        // value: vm << 32 | deferrable hypercalls of it that have run, in their order
  serving = 19,          // value: the VM whose deferred hypercalls run from here on; ~0 = none
  delivery = 20,         // value: vm << 48 | DeliveryEvent << 32 | amount
  statistic = 21,        // value: counter << 56 | vm << 48 | what it stands at; vm 255: of the machine
  vcpu_runnable = 22,    // value: vm << 16 | vcpu that waits for a hart from now on
  vcpu_activity = 23,    // value: mark_activity(): what a VCPU did up to now, and what it does from now on
};

// What a VCPU does as its scheduler sees it.
enum class VcpuActivity : std::uint8_t {
  off = 0,      // not started yet, or stopped
  running = 1,  // has a hart: in the guest, or in the hypervisor on its behalf
  ready = 2,    // waits for a hart that others have
  blocked = 3,  // waits for an interrupt
  capped = 4,   // wants to run, and its VM has used up its cap
  count = 5,
};
constexpr std::uint64_t mark_activity(unsigned vm, unsigned vcpu, VcpuActivity before, VcpuActivity after) {
  return std::uint64_t{vm} << 32 | std::uint64_t{vcpu} << 16 | static_cast<std::uint64_t>(before) << 8 |
         static_cast<std::uint64_t>(after);
}

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
  poll = 8,      // a dedicated hart looks whether VMs have queued something
  scan = 9,      // looking for pages to share, and sharing them
  unshare = 10,  // a write to a shared page
  count = 11,
};

// What the hypervisor tells of how deferrable hypercalls reach it and are drained.
enum class DeliveryEvent : std::uint8_t {
  notification = 0,          // a trap that announced calls; amount: how many
  depth = 1,                 // amount: calls that wait now
  overflow_drain = 2,        // a full queue was drained on the spot
  barrier_drain = 3,         // a call that is not deferrable found something to drain
  blocking_drain = 4,        // so did the last VCPU to block
  budget_stop = 5,           // a drain at entry left calls behind
  forced_drain = 6,          // a drain at entry that ignored the budget: calls had waited long enough
  ring_error = 7,            // a ring whose index could not be; what it claimed to hold was passed over
  completion_interrupt = 8,  // a completed call that had asked for one
  interrupted_drain = 9,     // a drain gave way to somebody who should have the hart
  count = 10,
};

constexpr std::uint64_t mark_vcpu(unsigned vm, unsigned vcpu) { return (std::uint64_t{vm} << 16) | vcpu; }
constexpr std::uint64_t mark_calls(unsigned vm, std::uint64_t calls) {
  return std::uint64_t{vm} << 32 | (calls & 0xFFFF'FFFF);
}
constexpr std::uint64_t mark_delivery(unsigned vm, DeliveryEvent event, std::uint64_t amount) {
  return std::uint64_t{vm} << 48 | static_cast<std::uint64_t>(event) << 32 | (amount & 0xFFFF'FFFF);
}
inline constexpr std::uint64_t kMarkNoVm = ~std::uint64_t{0};
inline constexpr std::uint64_t kMarkNoVcpu = ~std::uint64_t{0};

// The encoding, for assemblers and tests.
constexpr std::uint32_t mark_encoding(MarkKind kind, unsigned rs1) {
  return (static_cast<std::uint32_t>(kind) << 20) | (rs1 << 15) | (3u << 12) | 0x13u;
}

}  // namespace hvsim::isa
