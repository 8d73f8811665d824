// What delivery of deferrable hypercalls should do, as lists and nothing else.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "hypervisor/abi/hypercall.h"

namespace hv {

class DeliveryModel {
 public:
  struct Limits {
    abi::Delivery delivery = abi::Delivery::dlh;
    std::uint32_t capacity = 64, budget = 20000, max_deferred = 4, call_cycles = 100;
    bool drain_at_entry = true;
  };
  struct Call {
    unsigned vm, id;
    std::uint32_t slot;
  };
  struct Queue {
    std::deque<Call> calls;
    unsigned deferred_entries = 0;
  };
  struct Vm {
    std::vector<unsigned> ran;  // ids in order
    std::map<std::uint32_t, abi::Status> status;
    std::array<std::deque<Call>, abi::kMaxRings> rings;
    std::array<std::uint64_t, abi::kMaxRings> heads{};
    std::uint64_t overflows = 0, barriers = 0, blocks = 0, budget_stops = 0, forced = 0, notifications = 0;
  };

  DeliveryModel(const Limits& limits, unsigned vms, unsigned harts)
      : vms_(vms), queues_(std::max(vms, harts)), limits_(limits), harts_(harts) {}

  const Vm& vm(unsigned number) const { return vms_[number]; }
  const Queue& queue(unsigned number) const { return queues_[number]; }
  bool per_hart() const { return limits_.delivery == abi::Delivery::softirq; }
  bool in_trap() const {
    return limits_.delivery == abi::Delivery::immediate || limits_.delivery == abi::Delivery::multicall ||
           limits_.delivery == abi::Delivery::free;
  }

  // By a trap: one call or a list.
  void trap(unsigned hart, unsigned vm, const std::vector<Call>& calls) {
    ++vms_[vm].notifications;
    for (const Call& call : calls) {
      if (in_trap()) {
        run(call);
        continue;
      }
      Queue& into = queue_of(hart, vm);
      if (call.slot != 0) vms_[vm].status[call.slot] = abi::Status::queued;
      if (into.calls.size() == limits_.capacity) {
        ++vms_[vm].overflows;
        run_all(into);
        if (call.slot != 0) vms_[vm].status[call.slot] = abi::Status::queued;  // its own: not run yet
      }
      into.calls.push_back(call);
    }
  }
  // Through a ring with room.
  void append(unsigned vm, unsigned ring, const Call& call) {
    vms_[vm].rings[ring].push_back(call);
    if (call.slot != 0) vms_[vm].status[call.slot] = abi::Status::queued;  // by the guest itself
  }
  bool full(unsigned vm, unsigned ring) const { return vms_[vm].rings[ring].size() == limits_.capacity; }
  void kick(unsigned vm, unsigned ring) {
    ++vms_[vm].notifications;
    if (!full(vm, ring)) return;
    ++vms_[vm].overflows;
    settle(vm);
  }

  void barrier(unsigned vm) { vms_[vm].barriers += settle(vm) ? 1 : 0; }
  void last_blocks(unsigned vm) {
    if (per_hart() || limits_.delivery == abi::Delivery::polling) return;
    vms_[vm].blocks += settle(vm) ? 1 : 0;
  }
  void idle(unsigned hart) {
    if (per_hart()) run_all(queues_[hart]);
  }
  void poll() {
    for (unsigned vm = 0; vm < vms_.size(); ++vm) settle(vm);
  }

  void entry(unsigned hart, unsigned vm) {
    using abi::Delivery;
    const bool drains =
        limits_.delivery == Delivery::dlh || per_hart() || limits_.delivery == Delivery::dlh_ring;
    if (!drains || !limits_.drain_at_entry || !waits(hart, vm)) return;
    Queue& from = queue_of(hart, vm);
    if (from.deferred_entries >= limits_.max_deferred) {
      ++vms_[vm].forced;
      run_all(from);
      if (!per_hart()) run_rings(vm);
      return;
    }
    for (unsigned ring = 0; ring < abi::kMaxRings; ++ring) take(vm, ring);
    for (std::uint64_t used = 0; !from.calls.empty() && used < limits_.budget; used += limits_.call_cycles)
      run_front(from);
    const bool left_over = !from.calls.empty() || rings_hold(vm);
    from.deferred_entries = left_over ? from.deferred_entries + 1 : 0;
    vms_[vm].budget_stops += left_over ? 1 : 0;
  }

 private:
  Queue& queue_of(unsigned hart, unsigned vm) { return queues_[per_hart() ? hart : vm]; }
  void run(const Call& call) {
    vms_[call.vm].ran.push_back(call.id);
    if (call.slot != 0) vms_[call.vm].status[call.slot] = abi::Status::done;
  }
  void run_front(Queue& from) {
    run(from.calls.front());
    from.calls.pop_front();
  }
  void run_all(Queue& from) {
    if (from.calls.empty()) return;
    while (!from.calls.empty()) run_front(from);
    from.deferred_entries = 0;
  }
  bool rings_hold(unsigned vm) const {
    return !per_hart() && std::ranges::any_of(vms_[vm].rings, [](const auto& ring) { return !ring.empty(); });
  }
  bool waits(unsigned hart, unsigned vm) { return !queue_of(hart, vm).calls.empty() || rings_hold(vm); }
  void take(unsigned vm, unsigned ring) {
    auto& from = vms_[vm].rings[ring];
    for (; !from.empty() && queues_[vm].calls.size() < limits_.capacity; from.pop_front()) {
      queues_[vm].calls.push_back(from.front());
      ++vms_[vm].heads[ring];
    }
  }
  void run_rings(unsigned vm) {
    for (unsigned ring = 0; ring < abi::kMaxRings; ++ring)
      while (!vms_[vm].rings[ring].empty()) {
        take(vm, ring);
        run_all(queues_[vm]);
      }
    queues_[vm].deferred_entries = 0;
  }
  bool settle(unsigned vm) {
    if (per_hart()) {
      const auto is_ours = [&](const Call& call) { return call.vm == vm; };
      bool any = false;
      for (unsigned hart = 0; hart < harts_; ++hart) any |= std::ranges::any_of(queues_[hart].calls, is_ours);
      for (unsigned hart = 0; any && hart < harts_; ++hart) run_all(queues_[hart]);
      return any;
    }
    const bool any = !queues_[vm].calls.empty() || rings_hold(vm);
    if (!any) return false;
    run_all(queues_[vm]);
    run_rings(vm);
    return true;
  }

  std::vector<Vm> vms_;
  std::vector<Queue> queues_;  // by VM, or by hart
  Limits limits_;
  unsigned harts_;
};

}  // namespace hv
