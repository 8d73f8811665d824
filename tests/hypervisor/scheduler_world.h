// A world of harts and VCPUs around the scheduler alone: VCPUs compute and sleep by the clock, harts do with
// the scheduler what the hypervisor does, and somebody watches who had what.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "hypervisor/scheduler.h"
#include "tests/hypervisor/random.h"

namespace hv {

class World {
 public:
  static constexpr std::uint64_t kSlice = 1000, kPeriod = 10 * kSlice;

  // Computes for `busy` ticks, then sleeps for `idle`; idle 0: never sleeps. Both are drawn anew each time
  // from 1 to twice the value.
  struct Behaviour {
    std::uint64_t busy = 1, idle = 0;
    std::uint64_t overrun = 0;  // time beyond the slice before the hart looks at its timer, up to so much
  };

  World(unsigned harts, SchedulerPolicy policy, unsigned seed)
      : machine_(4096), random_(seed), scheduler_(std::make_unique<Scheduler>()), harts_(harts) {
    for (unsigned hart = 0; hart < harts; ++hart) arch_.emplace_back(machine_, hart);
    configure(policy);
  }
  void configure(SchedulerPolicy policy) {
    scheduler_->configure(arch_[0], {.policy = policy, .slice_ticks = kSlice, .cap_period_ticks = kPeriod});
  }

  // The VM's number.
  unsigned add_vm(SchedulerShare share, std::uint64_t harts, std::vector<Behaviour> vcpus) {
    const unsigned vm = vms_++;
    scheduler_->set_share(arch_[0], static_cast<std::uint16_t>(vm), share);
    for (const Behaviour& behaviour : vcpus) {
      const auto id = static_cast<VcpuId>(vcpus_.size());
      vcpus_.push_back({.behaviour = behaviour, .vm = vm, .harts = harts});
      scheduler_->add(id, static_cast<std::uint16_t>(vm), harts);
      begin_work(vcpus_.back());
      scheduler_->start(arch_[0], id);
    }
    return vm;
  }

  // Runs up to that time, and checks after each step that nobody idles while there is work.
  void run_until(std::uint64_t end, bool audit = false) {
    while (machine_.ticks < end && !testing::Test::HasFatalFailure()) {
      deliver_interrupts();
      advance(std::min(end, next_event()));
      for (unsigned hart = 0; hart < harts_.size(); ++hart) step(hart);
      deliver_interrupts();
      expect_no_idle_hart_beside_work();
      if (audit) expect_sound();
    }
  }

  std::uint64_t now() const { return machine_.ticks; }
  std::uint64_t had(unsigned vm) const {
    std::uint64_t sum = 0;
    for (const Guest& guest : vcpus_)
      if (guest.vm == vm) sum += guest.had;
    return sum;
  }
  std::uint64_t longest_wait(unsigned vm) const {
    std::uint64_t longest = 0;
    for (const Guest& guest : vcpus_)
      if (guest.vm == vm) longest = std::max(longest, guest.longest_wait);
    return longest;
  }
  void expect_sound() {
    Text why;
    ASSERT_TRUE(scheduler_->audit(arch_[0], why)) << why.view();
  }
  Scheduler::Times times(unsigned vm) { return scheduler_->times(arch_[0], static_cast<std::uint16_t>(vm)); }
  Random& random() { return random_; }

 private:
  struct Guest {
    Behaviour behaviour;
    unsigned vm = 0;
    std::uint64_t harts = 0;
    std::uint64_t left = 0;  // to compute before it sleeps
    std::uint64_t had = 0, waits_since = 0, longest_wait = 0;
  };
  struct Hart {
    VcpuId on = kNoVcpu;
    std::uint64_t slice_end = kNever;
    bool started = false;
  };

  void begin_work(Guest& guest) {
    guest.left = guest.behaviour.idle == 0 ? kNever : 1 + random_() % (2 * guest.behaviour.busy);
  }

  std::uint64_t next_event() {
    std::uint64_t next = kNever;
    for (unsigned hart = 0; hart < harts_.size(); ++hart) {
      const Hart& h = harts_[hart];
      if (!h.started) return machine_.ticks;
      next = std::min(next, scheduler_->next_wake(arch_[hart]));
      if (h.on == kNoVcpu) continue;
      next = std::min(next, h.slice_end);
      if (vcpus_[h.on].left != kNever) next = std::min(next, machine_.ticks + vcpus_[h.on].left);
    }
    return std::max(next, machine_.ticks);
  }

  void advance(std::uint64_t to) {
    const std::uint64_t ticks = to - machine_.ticks;
    for (const Hart& hart : harts_) {
      if (hart.on == kNoVcpu) continue;
      Guest& guest = vcpus_[hart.on];
      guest.had += ticks;
      if (guest.left != kNever) guest.left -= std::min(guest.left, ticks);
    }
    machine_.ticks = to;
  }

  void step(unsigned hart) {
    Hart& h = harts_[hart];
    Arch& arch = arch_[hart];
    if (machine_.ticks >= scheduler_->next_wake(arch)) scheduler_->wake_expired(arch, machine_.ticks);
    h.started = true;
    if (h.on == kNoVcpu) {
      enter(hart, scheduler_->take(arch));
      return;
    }
    Guest& guest = vcpus_[h.on];
    if (guest.left == 0) {
      scheduler_->begin_block(arch, h.on);
      const std::uint64_t nap = 1 + random_() % (2 * guest.behaviour.idle);
      begin_work(guest);
      if (scheduler_->finish_block(arch, h.on, machine_.ticks + nap)) enter(hart, scheduler_->take(arch));
      return;
    }
    if (machine_.ticks >= h.slice_end || scheduler_->should_preempt(arch)) preempt(hart);
  }

  // As Hypervisor::preempt does.
  void preempt(unsigned hart) {
    Hart& h = harts_[hart];
    Arch& arch = arch_[hart];
    if (scheduler_->over_cap(arch, h.on)) {
      wait_from_now(h.on);
      scheduler_->park(arch, h.on);
      enter(hart, scheduler_->take(arch));
      return;
    }
    const VcpuId next = scheduler_->take_instead(arch, h.on);
    if (next == kNoVcpu) {
      new_slice(hart);
      return;
    }
    wait_from_now(h.on);
    scheduler_->put_back(arch, h.on);
    enter(hart, next);
  }

  void wait_from_now(VcpuId vcpu) { vcpus_[vcpu].waits_since = machine_.ticks; }

  void enter(unsigned hart, VcpuId vcpu) {
    Hart& h = harts_[hart];
    h.on = vcpu;
    h.slice_end = kNever;
    if (vcpu == kNoVcpu) return;
    Guest& guest = vcpus_[vcpu];
    ASSERT_NE(guest.harts >> hart & 1, 0u) << "VCPU " << vcpu << " on hart " << hart;
    for (unsigned other = 0; other < harts_.size(); ++other) {
      if (other != hart) {
        ASSERT_NE(harts_[other].on, vcpu) << "on two harts";
      }
    }
    if (guest.waits_since != 0)
      guest.longest_wait = std::max(guest.longest_wait, machine_.ticks - guest.waits_since);
    guest.waits_since = 0;
    new_slice(hart);
  }

  void new_slice(unsigned hart) {
    Hart& h = harts_[hart];
    const std::uint64_t overrun = vcpus_[h.on].behaviour.overrun;
    h.slice_end = machine_.ticks + scheduler_->slice(arch_[hart], h.on) +
                  (overrun == 0 ? 0 : random_() % (overrun + 1));
  }

  void deliver_interrupts() {
    while (!machine_.ipis.empty()) {
      const std::vector<unsigned> targets = std::exchange(machine_.ipis, {});
      for (const unsigned hart : targets) {
        if (harts_[hart].on == kNoVcpu)
          enter(hart, scheduler_->take(arch_[hart]));
        else if (scheduler_->should_preempt(arch_[hart]))
          preempt(hart);
      }
    }
  }

  void expect_no_idle_hart_beside_work() {
    for (unsigned hart = 0; hart < harts_.size(); ++hart) {
      if (harts_[hart].on != kNoVcpu) continue;
      for (VcpuId vcpu = 0; vcpu < vcpus_.size(); ++vcpu) {
        ASSERT_FALSE(scheduler_->state(vcpu) == Scheduler::State::ready &&
                     (vcpus_[vcpu].harts >> hart & 1) != 0)
            << "hart " << hart << " idles while VCPU " << vcpu << " waits at " << machine_.ticks;
      }
    }
  }

  FakeMachine machine_;
  Random random_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<Arch> arch_;
  std::vector<Hart> harts_;
  std::vector<Guest> vcpus_;
  unsigned vms_ = 0;
};

}  // namespace hv
