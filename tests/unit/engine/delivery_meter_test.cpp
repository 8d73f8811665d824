// What the marks of guests and hypervisor come to.
#include "models/cpu/delivery_meter.h"

#include <gtest/gtest.h>

#include "models/cpu/accountant.h"

namespace hvsim::cpu {
namespace {

using isa::DeliveryEvent;
using isa::MarkKind;

// A hart that only marks.
class Marker {
 public:
  explicit Marker(DeliveryMeter& meter) { accountant.report_to(meter); }
  void guest(MarkKind kind, std::uint64_t value) { mark(true, kind, value); }
  void hypervisor(MarkKind kind, std::uint64_t value) { mark(false, kind, value); }
  void enter_vm(unsigned vm) { hypervisor(MarkKind::vcpu, isa::mark_vcpu(vm, 0)); }

  HartState state;
  Accountant accountant;

 private:
  void mark(bool virtualized, MarkKind kind, std::uint64_t value) {
    state.mode = {isa::Privilege::supervisor, virtualized};
    accountant.marked(state, static_cast<std::uint16_t>(kind), value);
  }
};

TEST(DeliveryMeter, LatencyIsFromTheCallUntilItHasRunInOrder) {
  DeliveryMeter meter;
  Marker hart(meter);
  hart.enter_vm(2);
  for (const isa::Cycles at : {100, 200, 300}) {
    hart.state.cycle = at;
    hart.guest(MarkKind::call_issued, 1);
  }
  hart.state.cycle = 310;
  hart.hypervisor(MarkKind::calls_ran, isa::mark_calls(2, 2));
  hart.state.cycle = 1000;
  hart.hypervisor(MarkKind::calls_ran, isa::mark_calls(2, 1));
  const DeliveryMeter::Vm& vm = meter.vms().at(2);
  EXPECT_EQ(vm.issued, 3u);
  EXPECT_EQ(vm.ran, 3u);
  EXPECT_EQ(vm.latency.count(), 3u);
  EXPECT_EQ(vm.latency.sum(), 210u + 110 + 700);
  EXPECT_EQ(vm.latency.max(), 700u);
}

// VM 1 is selected, drains and gives way; VM 2 is entered; then VM 1 goes on and is entered.
TEST(DeliveryMeter, AnEntryWhoseDrainGaveWayBeganAtTheFirstDecision) {
  DeliveryMeter meter;
  Marker hart(meter);
  const auto begin = [&](isa::Cycles at, isa::HypervisorPhase phase) {
    hart.state.cycle = at;
    hart.hypervisor(MarkKind::phase, static_cast<std::uint64_t>(phase));
  };
  const auto enter = [&](isa::Cycles at) {
    hart.state.cycle = at;
    hart.state.mode.virtualized = true;
    hart.accountant.mode_changed(hart.state);
  };
  using Phase = isa::HypervisorPhase;
  begin(100, Phase::schedule);
  hart.enter_vm(1);
  begin(110, Phase::drain);
  begin(5000, Phase::schedule);
  hart.enter_vm(2);
  enter(5100);
  EXPECT_EQ(meter.vms().at(2).entry.max(), 100u);
  begin(9000, Phase::schedule);
  hart.enter_vm(1);
  begin(9010, Phase::drain);
  enter(9500);
  EXPECT_EQ(meter.vms().at(1).entry.count(), 1u);
  EXPECT_EQ(meter.vms().at(1).entry.max(), 9400u);
  // A call that goes on is no entry, and who blocks begins anew.
  begin(10'000, Phase::schedule);
  hart.enter_vm(1);
  begin(10'010, Phase::exit);
  begin(10'020, Phase::drain);
  begin(20'000, Phase::schedule);
  enter(20'100);
  EXPECT_EQ(meter.vms().at(1).entry.sum(), 9400u + 100);
  begin(30'000, Phase::schedule);
  begin(30'010, Phase::drain);
  begin(40'000, Phase::schedule);
  hart.hypervisor(MarkKind::vcpu_activity,
                  isa::mark_activity(1, 0, isa::VcpuActivity::running, isa::VcpuActivity::blocked));
  begin(50'000, Phase::schedule);
  enter(50'050);
  EXPECT_EQ(meter.vms().at(1).entry.sum(), 9400u + 100 + 50);
}

TEST(DeliveryMeter, TimeIsChargedToWhoeverIsAnnounced) {
  DeliveryMeter meter;
  Marker hart(meter);
  hart.enter_vm(1);
  hart.hypervisor(MarkKind::serving, 0);
  hart.state.cycle += 30;
  hart.hypervisor(MarkKind::serving, 1);
  hart.state.cycle += 40;
  hart.hypervisor(MarkKind::serving, isa::kMarkNoVm);
  hart.state.cycle += 1000;
  hart.hypervisor(MarkKind::vcpu, isa::kMarkNoVcpu);
  hart.hypervisor(MarkKind::serving, 0);
  hart.state.cycle += 5;
  hart.hypervisor(MarkKind::serving, isa::kMarkNoVm);
  EXPECT_EQ(meter.vms().at(0).served_by_others, 30u);
  EXPECT_EQ(meter.vms().at(0).served_by_nobody, 5u);
  EXPECT_EQ(meter.vms().at(1).served_by_own, 40u);
  EXPECT_EQ(meter.vms().at(1).paid_for_others, 30u);
}

TEST(DeliveryMeter, EventsAndDepthsAreCounted) {
  DeliveryMeter meter;
  Marker hart(meter);
  hart.hypervisor(MarkKind::delivery, isa::mark_delivery(3, DeliveryEvent::notification, 8));
  hart.hypervisor(MarkKind::delivery, isa::mark_delivery(3, DeliveryEvent::depth, 12));
  hart.hypervisor(MarkKind::delivery, isa::mark_delivery(3, DeliveryEvent::depth, 7));
  hart.hypervisor(MarkKind::delivery, ~std::uint64_t{0});  // no such event
  const DeliveryMeter::Vm& vm = meter.vms().at(3);
  EXPECT_EQ(vm.events[static_cast<std::size_t>(DeliveryEvent::notification)], 1u);
  EXPECT_EQ(vm.announced, 8u);
  EXPECT_EQ(vm.depth.max(), 12u);
}

TEST(DeliveryMeter, AnEntryLastsFromTheDecisionUntilTheGuestRuns) {
  DeliveryMeter meter;
  Marker hart(meter);
  hart.enter_vm(0);
  hart.state.cycle = 500;
  hart.hypervisor(MarkKind::phase, static_cast<std::uint64_t>(isa::HypervisorPhase::schedule));
  hart.state.cycle = 900;
  hart.hypervisor(MarkKind::phase, static_cast<std::uint64_t>(isa::HypervisorPhase::restore));
  hart.state.cycle = 950;
  hart.state.mode = {isa::Privilege::supervisor, true};
  hart.accountant.mode_changed(hart.state);
  EXPECT_EQ(meter.vms().at(0).entry.sum(), 450u);
}

TEST(DeliveryMeter, AGuestsWordCountsForItsOwnCallsOnly) {
  DeliveryMeter meter;
  Marker hart(meter);
  hart.enter_vm(0);
  for (const MarkKind kind :
       {MarkKind::calls_ran, MarkKind::serving, MarkKind::delivery, MarkKind::hypercall_done})
    hart.guest(kind, isa::mark_calls(1, 5));
  EXPECT_TRUE(meter.vms().empty());
  EXPECT_TRUE(hart.accountant.marks().empty());
  for (unsigned i = 0; i < 200'000; ++i) hart.guest(MarkKind::call_issued, 1);  // none of which it makes
  EXPECT_LE(meter.vms().at(0).waiting.size(), 1u << 16);
  EXPECT_EQ(meter.vms().size(), 1u);
}

}  // namespace
}  // namespace hvsim::cpu
