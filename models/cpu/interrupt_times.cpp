// Which wait began when.
#include "models/cpu/interrupt_times.h"

#include <bit>

#include "models/cpu/interrupts.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {
namespace {

using isa::bit;
using isa::Interrupt;

constexpr std::uint64_t kGuests = bit(Interrupt::virtual_supervisor_software) |
                                  bit(Interrupt::virtual_supervisor_timer) |
                                  bit(Interrupt::virtual_supervisor_external);
constexpr std::uint64_t kSupervisors = bit(Interrupt::supervisor_software) |
                                       bit(Interrupt::supervisor_timer) | bit(Interrupt::supervisor_external);
constexpr isa::Mode kHypervisor{isa::Privilege::supervisor, false};

// Whether M-mode has interrupted HS-mode, which may find an interrupt that is now made pending by polling.
bool came_from_hypervisor(const HartState& hart) {
  const std::uint64_t previous = hart.csr.mstatus >> isa::csr::kMppShift & 3;
  return previous == static_cast<std::uint64_t>(isa::Privilege::supervisor) &&
         (hart.csr.mstatus & isa::csr::kMpv) == 0;
}

}  // namespace

void InterruptTimes::changed(const HartState& hart, std::uint64_t pending, bool entering) {
  for (std::uint64_t left = pending & ~pending_; left != 0; left &= left - 1)
    rise(hart, static_cast<unsigned>(std::countr_zero(left)), entering);
  pending_ = pending;
  // Loaded with the VCPU while another one's timer was pending: there was no edge to be seen.
  constexpr auto timer = static_cast<unsigned>(Interrupt::virtual_supervisor_timer);
  if (entering && (pending >> timer & 1) != 0 && (injected_ >> timer & 1) == 0) rise(hart, timer, true);
}

void InterruptTimes::rise(const HartState& hart, unsigned code, bool entering) {
  if (code >= kCodes) return;
  const std::uint64_t mask = std::uint64_t{1} << code;
  const bool injected = (kGuests & hart.csr.hvip & mask) != 0;
  const bool by_machine_mode = (kSupervisors & hart.csr.mip & ~hart.lines & mask) != 0 &&
                               hart.mode.privilege == isa::Privilege::machine;
  injected_ = injected || by_machine_mode ? injected_ | mask : injected_ & ~mask;
  if (injected) {
    since_[code] = handling_supervisor_ != kNothing ? handling_supervisor_ : trapped_to_supervisor_;
    return;
  }
  if (by_machine_mode && handling_machine_ != kNothing) {
    since_[code] = handling_machine_;
    if (came_from_hypervisor(hart)) handling_supervisor_ = since_[code];
    return;
  }
  since_[code] = hart.cycle;
  if (const auto due = timer_due_since(hart, static_cast<Interrupt>(code))) {
    // A comparison that came true before the hart last looked was made then, unless it is a VCPU's that was
    // not on the hart.
    const bool of_absent_vcpu = (mask & kGuests) != 0 && (entering || !hart.mode.virtualized);
    if (*due >= looked_ || of_absent_vcpu) since_[code] = *due;
  }
  // A hypervisor that polls with interrupts off handles it without a trap.
  if ((mask & kSupervisors) != 0 && hart.mode == kHypervisor) handling_supervisor_ = since_[code];
}

void InterruptTimes::trapped(const HartState& hart, const TrapTaken& taken, std::uint32_t vm) {
  const unsigned code = taken.trap.code;
  const bool known = taken.trap.interrupt && code < kCodes;
  const isa::Cycles began = known ? since_[code] : kNothing;
  if (known) {
    const auto path = (injected_ >> code & 1) != 0 ? InterruptPath::trapped : InterruptPath::direct;
    latencies_[{vm, taken.to, taken.trap.code, path}].add(hart.cycle - began);
    since_[code] = hart.cycle;  // if it stays pending, its next wait begins now
  }
  if (taken.to.privilege == isa::Privilege::machine) handling_machine_ = began;
  if (taken.to != kHypervisor) return;
  handling_supervisor_ = began;
  trapped_to_supervisor_ = hart.cycle;
}

void InterruptTimes::vcpu_changed() { pending_ &= ~kGuests; }

}  // namespace hvsim::cpu
