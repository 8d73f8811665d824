// Matches each VM's calls with their completions in order, and adds up the rest.
#include "models/cpu/delivery_meter.h"

#include <algorithm>

namespace hvsim::cpu {
namespace {

constexpr std::size_t kMostIssues = 1 << 16;  // far beyond any queue; a guest that lies is forgotten

}  // namespace

void DeliveryMeter::issued(std::uint32_t vm, isa::Cycles now, std::uint64_t calls) {
  if (vm == kNoVm || calls == 0) return;
  Vm& known = vms_[vm];
  known.issued += calls;
  known.waiting.push_back({now, calls});
  if (known.waiting.size() > kMostIssues) known.waiting.pop_front();
}

void DeliveryMeter::ran(std::uint32_t vm, isa::Cycles now, std::uint64_t calls) {
  Vm& known = vms_[vm];
  known.ran += calls;
  while (calls != 0 && !known.waiting.empty()) {
    Vm::Issue& first = known.waiting.front();
    const std::uint64_t matched = std::min(calls, first.calls);
    const isa::Cycles latency = now > first.at ? now - first.at : 0;
    for (std::uint64_t i = 0; i < matched; ++i) known.latency.add(latency);
    calls -= matched;
    first.calls -= matched;
    if (first.calls == 0) known.waiting.pop_front();
  }
}

namespace {
std::uint64_t vcpu_key(std::uint32_t vm, std::uint32_t vcpu) { return std::uint64_t{vm} << 32 | vcpu; }
}  // namespace

void DeliveryMeter::entry_interrupted(std::uint32_t vm, std::uint32_t vcpu, isa::Cycles decided) {
  if (vm != kNoVm) interrupted_.emplace(vcpu_key(vm, vcpu), decided);
}

void DeliveryMeter::entry_given_up(std::uint32_t vm, std::uint32_t vcpu) {
  if (!interrupted_.empty()) interrupted_.erase(vcpu_key(vm, vcpu));
}

void DeliveryMeter::entered(std::uint32_t vm, std::uint32_t vcpu, isa::Cycles decided, isa::Cycles now) {
  if (vm == kNoVm) return;
  if (!interrupted_.empty())
    if (const auto first = interrupted_.extract(vcpu_key(vm, vcpu)); !first.empty())
      decided = std::min(decided, first.mapped());
  vms_[vm].entry.add(now - std::min(now, decided));
}

void DeliveryMeter::happened(std::uint32_t vm, isa::DeliveryEvent event, std::uint64_t amount) {
  if (event >= isa::DeliveryEvent::count) return;
  Vm& known = vms_[vm];
  ++known.events[static_cast<std::size_t>(event)];
  if (event == isa::DeliveryEvent::notification) known.announced += amount;
  if (event == isa::DeliveryEvent::depth) known.depth.add(amount);
}

void DeliveryMeter::served(std::uint32_t vm, std::uint32_t by, isa::Cycles took) {
  if (by == vm) {
    vms_[vm].served_by_own += took;
  } else if (by == kNoVm) {
    vms_[vm].served_by_nobody += took;
  } else {
    vms_[vm].served_by_others += took;
    vms_[by].paid_for_others += took;
  }
}

void DeliveryMeter::reset() {
  for (auto& [number, vm] : vms_) {
    Vm fresh;
    fresh.waiting = std::move(vm.waiting);
    vm = std::move(fresh);
  }
}

}  // namespace hvsim::cpu
