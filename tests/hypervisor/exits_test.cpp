// Exits, switching and time: the claims' order, lazy floating point, timers, reflection and ends.
#include <algorithm>

#include "tests/hypervisor/bench.h"

namespace hv {
namespace {

using abi::Hypercall;
using hvsim::isa::HypervisorPhase;
using hvsim::isa::MarkKind;
namespace csr = hvsim::isa::csr;

constexpr std::uint64_t kVssip = 4, kVstip = 64;

BundleDescription vms(std::vector<BundleVm> list, abi::Delivery delivery = abi::Delivery::dlh) {
  BundleDescription description;
  description.delivery = delivery;
  description.vms = std::move(list);
  return description;
}

std::vector<HypervisorPhase> phases(const Bench& bench) {
  std::vector<HypervisorPhase> result;
  for (const auto& [kind, value] : bench.machine.marks)
    if (kind == MarkKind::phase) result.push_back(static_cast<HypervisorPhase>(value));
  return result;
}

TEST(Exits, HaveTheNamesThatPerfPrints) {
  EXPECT_EQ(exit_name(exit_reason(10)), "SUPERVISOR_SYSCALL");
  EXPECT_EQ(exit_name(exit_reason(20)), "INST_GUEST_PAGE_FAULT");
  EXPECT_EQ(exit_name(exit_reason(21)), "LOAD_GUEST_PAGE_FAULT");
  EXPECT_EQ(exit_name(exit_reason(22)), "VIRTUAL_INST_FAULT");
  EXPECT_EQ(exit_name(exit_reason(23)), "STORE_GUEST_PAGE_FAULT");
  EXPECT_EQ(exit_reason(kInterrupt | 5), ExitReason::timer_interrupt);
  EXPECT_EQ(exit_reason(kInterrupt | 63), ExitReason::other);
  EXPECT_EQ(exit_reason(24), ExitReason::other);
  EXPECT_EQ(make_exit(21, 0x1003, 0x40000401).guest_physical, 0x100001007u);
}

TEST(Claims, TheSelectedVcpusVmIsDrainedAfterSchedulingAndBeforeTheContextIsRestored) {
  Bench bench(1);
  auto description = vms({small_vm("a"), small_vm("b")});
  description.drain_budget_cycles = 0;  // calls stay queued ...
  bench.machine.cost[static_cast<std::size_t>(Work::drain_entry)] = 1;
  bench.start(description);
  bench.call(0, Hypercall::console_write, {2, 'a' | '\n' << 8, 0, 0, 0});
  ASSERT_EQ(bench.core->vm(0).queue.size(), 1u);
  bench.machine.marks.clear();
  bench.call(0, Hypercall::yield);  // ... except that yield is a barrier
  EXPECT_EQ(bench.machine.console, "[a] a\n");

  // VM b is entered with an empty queue, so nothing of a's is drained for it.
  ASSERT_EQ(bench.on[0]->vm, 1);
  bench.machine.marks.clear();
  bench.call(0, Hypercall::console_write, {2, 'b' | '\n' << 8, 0, 0, 0});
  EXPECT_EQ(phases(bench),
            (std::vector{HypervisorPhase::exit, HypervisorPhase::enqueue, HypervisorPhase::schedule,
                         HypervisorPhase::drain, HypervisorPhase::restore}));
}

TEST(Claims, AnotherVmsQueueIsNotDrainedForTheSelectedVcpu) {
  Bench bench(1);
  auto description = vms({small_vm("a"), small_vm("b")});
  description.drain_budget_cycles = 0;
  description.max_deferred_entries = 100;
  bench.start(description);
  bench.call(0, Hypercall::console_write, {2, 'a' | '\n' << 8, 0, 0, 0});
  bench.machine.ticks += 20000;
  bench.timer(0);
  ASSERT_EQ(bench.on[0]->vm, 1);
  for (unsigned i = 0; i < 50; ++i) bench.software(0);
  EXPECT_EQ(bench.machine.console, "");
  EXPECT_EQ(bench.core->vm(0).queue.size(), 1u);
}

TEST(Claims, TheVcpuIsAnnouncedBeforeItsVmsDrainSoThatTheCostIsItsOwn) {
  Bench bench(1);
  auto description = vms({small_vm("a"), small_vm("b")});
  description.max_deferred_entries = 1;
  description.drain_budget_cycles = 0;
  bench.start(description);
  bench.call(0, Hypercall::statistics_update, {0, 1});
  bench.machine.ticks += 20000;
  bench.timer(0);  // b
  bench.machine.ticks += 20000;
  bench.machine.marks.clear();
  bench.timer(0);  // a again: its second entry since, so it drains
  std::vector<std::pair<MarkKind, std::uint64_t>> tail(bench.machine.marks.end() - 8,
                                                       bench.machine.marks.end());
  using Marks = std::vector<std::pair<MarkKind, std::uint64_t>>;
  EXPECT_EQ(
      tail,
      (Marks{{MarkKind::vcpu, hvsim::isa::mark_vcpu(0, 0)},
             {MarkKind::phase, static_cast<std::uint64_t>(HypervisorPhase::drain)},
             {MarkKind::serving, 0},
             {MarkKind::calls_ran, hvsim::isa::mark_calls(0, 1)},
             {MarkKind::hypercall_done, hvsim::isa::mark_calls(0, 1)},
             {MarkKind::serving, hvsim::isa::kMarkNoVm},
             {MarkKind::delivery, hvsim::isa::mark_delivery(0, hvsim::isa::DeliveryEvent::forced_drain, 0)},
             {MarkKind::phase, static_cast<std::uint64_t>(HypervisorPhase::restore)}}));
}

TEST(Exits, ABlockedVmsQueueIsDrainedBeforeItBlocks) {
  Bench bench(1);
  auto description = vms({small_vm("a")});
  description.drain_budget_cycles = 0;
  description.max_deferred_entries = 100;
  bench.start(description);
  bench.call(0, Hypercall::console_write, {2, 'a' | '\n' << 8, 0, 0, 0});
  EXPECT_EQ(bench.machine.console, "");
  bench.wfi(0);
  EXPECT_EQ(bench.on[0], nullptr);
  EXPECT_EQ(bench.machine.console, "[a] a\n");
  EXPECT_EQ(bench.core->vm(0).statistics.blocking_drains, 1u);
}

TEST(Timer, IsPresentedAtItsTimeAndClearedByTheNextSetting) {
  Bench bench(1);
  bench.start(vms({small_vm("a")}));
  bench.ecall(0, 0x54494D45, 0, {bench.machine.ticks + 500});
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + 500);
  bench.machine.ticks += 499;
  bench.software(0);
  EXPECT_EQ(bench.on[0]->general.hvip & kVstip, 0u);
  bench.machine.ticks += 1;
  bench.timer(0);
  EXPECT_EQ(bench.on[0]->general.hvip & kVstip, kVstip);
  bench.ecall(0, 0x54494D45, 0, {~std::uint64_t{0}});
  EXPECT_EQ(bench.on[0]->general.hvip & kVstip, 0u);
}

TEST(Timer, WakesASleepingVcpu) {
  Bench bench(1);
  bench.start(vms({small_vm("a")}));
  bench.on[0]->vs.vsie = bench.harts[0].registers.vs.vsie = 0x20;
  bench.ecall(0, 0x54494D45, 0, {bench.machine.ticks + 500});
  bench.wfi(0);
  ASSERT_EQ(bench.on[0], nullptr);
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + 500);
  bench.machine.ticks += 100;
  bench.interrupt_idle(0);
  EXPECT_EQ(bench.on[0], nullptr);
  bench.machine.ticks += 400;
  bench.interrupt_idle(0);
  ASSERT_NE(bench.on[0], nullptr);
  EXPECT_EQ(bench.on[0]->general.hvip, kVstip);
  bench.wfi(0);  // pending and enabled: returns at once
  EXPECT_NE(bench.on[0], nullptr);
}

TEST(Timer, SlackMovesTheTrapButNotTheDeadline) {
  Bench bench(1);
  auto description = vms({small_vm("a")});
  description.time_slice_us = 10'000'000;
  bench.start(description);
  bench.call(0, Hypercall::timer_slack, {100});  // 1000 ticks
  bench.call(0, Hypercall::dlh_fence);
  bench.ecall(0, 0x54494D45, 0, {bench.machine.ticks + 500});
  EXPECT_EQ(bench.harts[0].timer, bench.machine.ticks + 1500);
  bench.machine.ticks += 500;
  bench.software(0);  // an exit that happens anyway presents it
  EXPECT_EQ(bench.on[0]->general.hvip & kVstip, kVstip);
}

TEST(FloatingPoint, MovesOnlyWhenUsedAndOnlyWhenTheVcpuChanges) {
  Bench bench(1);
  bench.start(vms({small_vm("a"), small_vm("b")}));
  const auto next_slice = [&] {
    bench.machine.ticks += 20000;
    bench.timer(0);
  };
  Vcpu& a = *bench.on[0];
  EXPECT_EQ(a.general.sstatus & csr::kFs, 0u);
  bench.exit(0, make_exit(2, 0x02a5f553, 0));  // fadd.d with FP off
  EXPECT_EQ(bench.on[0], &a);
  EXPECT_EQ(a.general.sstatus & csr::kFs, std::uint64_t{2} << 13);
  EXPECT_EQ(a.general.sepc, 0x80000000u);  // tried again
  bench.harts[0].registers.fp.f[3] = 42;
  a.general.sstatus |= csr::kFs;  // dirty
  next_slice();
  ASSERT_NE(bench.on[0], &a);
  EXPECT_EQ(a.fp.f[3], 42u);
  EXPECT_EQ(bench.on[0]->general.sstatus & csr::kFs, 0u);
  next_slice();  // b never used it: a's are still in the hart
  ASSERT_EQ(bench.on[0], &a);
  EXPECT_EQ(a.general.sstatus & csr::kFs, std::uint64_t{2} << 13);
  next_slice();
  bench.exit(0, make_exit(2, 0x02a5f553, 0));  // now b does
  EXPECT_EQ(bench.harts[0].registers.fp.f[3], 0u);
  next_slice();
  ASSERT_EQ(bench.on[0], &a);
  EXPECT_EQ(a.general.sstatus & csr::kFs, 0u);
  bench.exit(0, make_exit(2, 0x02a5f553, 0));
  EXPECT_EQ(bench.harts[0].registers.fp.f[3], 42u);
}

TEST(Switching, MovesVsRegistersOnlyWhenTheVcpuChanges) {
  Bench bench(1);
  bench.start(vms({small_vm("a"), small_vm("b")}));
  bench.harts[0].registers.vs.vsscratch = 1234;
  bench.software(0);
  EXPECT_EQ(bench.on[0]->vs.vsscratch, 0u);  // not saved: nobody else ran
  Vcpu& a = *bench.on[0];
  bench.call(0, Hypercall::yield);
  EXPECT_EQ(a.vs.vsscratch, 1234u);
  EXPECT_EQ(bench.harts[0].registers.vs.vsscratch, 0u);
  EXPECT_NE(bench.harts[0].registers.vs.hgatp, a.vs.hgatp);
  bench.call(0, Hypercall::yield);
  EXPECT_EQ(bench.harts[0].registers.vs.vsscratch, 1234u);
}

TEST(Switching, FencesWhenAVcpuComesBackFromAnotherHartOrItsSiblingRanHere) {
  Bench bench(2);
  bench.start(vms({small_vm("a", 2, {0}), small_vm("b", 1, {1})}));
  bench.ecall(0, 0x48534D, 0, {1, 0x80000000, 0});
  bench.machine.fences.clear();
  bench.call(0, Hypercall::yield);
  EXPECT_EQ(bench.on[0]->number, 1);
  ASSERT_EQ(bench.machine.fences.size(), 2u);
  EXPECT_EQ(bench.machine.fences[0].kind, GuestFence::Kind::vs_stage);
  EXPECT_EQ(bench.machine.fences[0].harts, 1u);
  EXPECT_EQ(bench.machine.fences[1].kind, GuestFence::Kind::instructions);  // it has never run here
}

TEST(Switching, ARemoteFenceOfInstructionsIsJustThat) {
  Bench bench(2);
  bench.start(vms({small_vm("a", 3)}));
  for (const std::uint64_t vcpu : {1u, 2u}) bench.ecall(0, 0x48534D, 0, {vcpu, 0x80000000, 0});
  bench.interrupt_idle(1);
  bench.machine.fences.clear();
  EXPECT_EQ(bench.ecall(0, 0x52464E43, 0, {0b110, 0}).error, 0);
  ASSERT_EQ(bench.machine.fences.size(), 1u);
  EXPECT_EQ(bench.machine.fences[0].kind, GuestFence::Kind::instructions);
  EXPECT_EQ(bench.machine.fences[0].harts, 0b10u);
  bench.call(0, Hypercall::yield);
  EXPECT_EQ(bench.machine.fences.back().kind, GuestFence::Kind::instructions);
  EXPECT_EQ(bench.machine.fences.back().harts, 0b01u);
}

TEST(Switching, ARemoteFenceReachesRunningVcpusAtOnceAndOthersAtTheirNextEntry) {
  Bench bench(2);
  bench.start(vms({small_vm("a", 3)}));
  for (const std::uint64_t vcpu : {1u, 2u}) bench.ecall(0, 0x48534D, 0, {vcpu, 0x80000000, 0});
  bench.interrupt_idle(1);
  ASSERT_EQ(bench.on[1]->number, 1);
  bench.machine.fences.clear();
  EXPECT_EQ(bench.ecall(0, 0x52464E43, 1, {0b110, 0}).error, 0);
  ASSERT_EQ(bench.machine.fences.size(), 1u);
  EXPECT_EQ(bench.machine.fences[0].harts, 0b10u);  // VCPU 2 waits for a hart
  bench.call(0, Hypercall::yield);
  ASSERT_EQ(bench.on[0]->number, 2);
  EXPECT_EQ(bench.machine.fences.back().harts, 0b01u);
  const std::size_t fences = bench.machine.fences.size();
  bench.software(0);  // once is enough
  EXPECT_EQ(bench.machine.fences.size(), fences);
}

TEST(Switching, FencesEverythingWhenVmidsAreTooFew) {
  Bench bench(1);
  bench.platform.vmid_bits = 1;
  bench.start(vms({small_vm("a"), small_vm("b")}));
  bench.machine.fences.clear();
  bench.call(0, Hypercall::yield);
  ASSERT_EQ(bench.machine.fences.size(), 2u);
  EXPECT_EQ(bench.machine.fences[0].kind, GuestFence::Kind::everything);
  EXPECT_EQ(bench.machine.fences[1].kind, GuestFence::Kind::instructions);
}

TEST(Reflection, AnIllegalInstructionGoesToTheGuestsOwnHandler) {
  Bench bench(1);
  bench.start(vms({small_vm("a")}));
  Vcpu& vcpu = *bench.on[0];
  bench.harts[0].registers.vs.vstvec = 0x80000100;
  bench.harts[0].registers.vs.vsstatus |= csr::kSie;
  vcpu.general.sstatus = (vcpu.general.sstatus | csr::kFs) & ~csr::kSpp;  // from VU-mode, FP in use
  bench.exit(0, make_exit(2, 0xffffffff, 0));
  EXPECT_EQ(vcpu.general.sepc, 0x80000100u);
  EXPECT_NE(vcpu.general.sstatus & csr::kSpp, 0u);
  const VsRegisters& vs = bench.harts[0].registers.vs;
  EXPECT_EQ(vs.vsepc, 0x80000000u);
  EXPECT_EQ(vs.vscause, 2u);
  EXPECT_EQ(vs.vstval, 0xffffffffu);
  EXPECT_EQ(vs.vsstatus & (csr::kSie | csr::kSpie | csr::kSpp), csr::kSpie);
}

TEST(Kill, EndsOnlyTheVmThatMisbehaved) {
  Bench bench(2);
  bench.start(vms({small_vm("bad", 1, {0}), small_vm("good", 1, {1})}));
  bench.call(0, Hypercall::console_write, {3, 'e' | 'n' << 8 | 'd' << 16, 0, 0, 0});
  bench.exit(0, make_exit(21, 0xffffffc000001000, 0x10000000 >> 2));
  EXPECT_EQ(bench.machine.console,
            "[bad] end\n[hv] bad: killed: LOAD_GUEST_PAGE_FAULT at pc 0x80000004, guest-physical 0x10000000, "
            "cause 0x15, value 0xffffffc000001000\n");
  EXPECT_EQ(bench.on[0], nullptr);
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::off);
  EXPECT_EQ(bench.call(1, Hypercall::vm_info).error, 0);
  bench.call(1, Hypercall::power_off, {0});
  EXPECT_TRUE(bench.core->all_off());
  EXPECT_EQ(bench.core->exit_code(), Hypervisor::kKilled);
}

TEST(Kill, CoversEveryExitThatNoGuestMayCause) {
  for (const std::uint64_t cause : {1u, 5u, 7u, 20u, 21u, 23u, 0u, 3u, 8u, 9u, 12u, 24u, 63u}) {
    Bench bench(1);
    bench.start(vms({small_vm("bad")}));
    bench.exit(0, make_exit(cause, 0, 0));
    EXPECT_TRUE(bench.core->all_off()) << cause;
  }
}

TEST(Kill, AnIllegalInstructionWithoutAHandlerEndsTheVm) {
  Bench bench(1);
  bench.start(vms({small_vm("bad")}));
  bench.exit(0, make_exit(2, 0, 0));  // might have been floating point
  EXPECT_FALSE(bench.core->all_off());
  bench.exit(0, make_exit(2, 0, 0));
  EXPECT_TRUE(bench.core->all_off());
  EXPECT_NE(bench.machine.console.find("killed: INST_ILLEGAL at pc 0x80000000"), std::string::npos);
}

TEST(Kill, TakesAllVcpusOfTheVmOffTheirHarts) {
  Bench bench(2);
  bench.start(vms({small_vm("bad", 2)}));
  bench.ecall(0, 0x48534D, 0, {1, 0x80000000, 0});
  bench.interrupt_idle(1);
  ASSERT_NE(bench.on[1], nullptr);
  bench.machine.ipis.clear();
  bench.exit(0, make_exit(23, 0, 0));
  EXPECT_FALSE(bench.core->all_off());  // VCPU 1 still is on hart 1
  EXPECT_EQ(bench.machine.ipis, (std::vector<unsigned>{1}));
  bench.software(1);
  EXPECT_EQ(bench.on[1], nullptr);
  EXPECT_TRUE(bench.core->all_off());
}

}  // namespace
}  // namespace hv
