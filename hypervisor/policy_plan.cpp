// Policies that change while VMs run.
#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"

namespace hv {

bool Hypervisor::plans(SharingPolicy policy) const {
  const auto* const end = settings_.plan.switches.begin() + settings_.plan.count;
  return settings_.sharing.policy == policy ||
         std::any_of(settings_.plan.switches.begin(), end,
                     [=](const PolicySwitch& one) { return one.sharing == policy; });
}

void Hypervisor::configure_scheduler(Arch& arch) {
  scheduler_.configure(arch, {.policy = settings_.scheduler,
                              .slice_ticks = ticks_of_us(settings_.time_slice_us),
                              .tick_when_alone = settings_.tick_when_alone,
                              .cap_period_ticks = ticks_of_us(settings_.cap_period_us)});
}

// On the hart that scans, between two rounds over the maps, so that no page stays marked. What is shared
// stays so until somebody writes to it, and what guests gave back until they write to it again. How calls are
// delivered does not change: guests have learned that at boot.
void Hypervisor::switch_policies(Arch& arch) {
  const PolicySwitch& next = settings_.plan.switches[next_switch_++];
  due_.other = next_switch_ == settings_.plan.count
                   ? kNever
                   : booted_ + ticks_of_us(settings_.plan.switches[next_switch_].at_us);
  if (next.scheduler != settings_.scheduler) {
    settings_.scheduler = next.scheduler;
    configure_scheduler(arch);
  }
  if (next.sharing != settings_.sharing.policy) {
    const auto tell = [&](bool ask) {
      for (unsigned id = 0; id < vm_count_; ++id) {
        const Locked locked(arch, vms_[id].memory_lock);
        if (vms_[id].state == Vm::State::alive) ask_for_pages(arch, vms_[id], ask);
      }
    };
    tell(false);
    store_release(settings_.sharing.policy, next.sharing);
    tell(true);
    begin_scans(arch.ticks());
  }
  Text line;
  line.add("[hv] policies from now on: ").add(scheduler_name(next.scheduler));
  line.add(", ").add(kSharingPolicyNames[static_cast<std::size_t>(next.sharing)]).add("\n");
  arch.console(line.view());
}

}  // namespace hv
