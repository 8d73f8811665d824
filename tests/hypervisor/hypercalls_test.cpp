// Hypercalls and SBI calls: what each does, and that a hostile guest gets an error and nothing else.
#include <cstring>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

using abi::Hypercall;

constexpr std::uint64_t kTime = 0x54494D45, kIpi = 0x735049, kRfence = 0x52464E43, kHsm = 0x48534D,
                        kSrst = 0x53525354, kDbcn = 0x4442434E;

BundleDescription two_vms(abi::Delivery delivery) {
  BundleDescription description;
  description.delivery = delivery;
  description.calls_per_notification = 4;
  description.vms = {small_vm("zero", 2, {0}), small_vm("one", 1, {1})};
  return description;
}

class Calls : public testing::TestWithParam<abi::Delivery> {
 protected:
  void SetUp() override { bench.start(two_vms(GetParam())); }
  bool immediate() const { return GetParam() == abi::Delivery::immediate; }
  const VmStatistics& statistics(unsigned vm = 0) { return bench.core->vm(vm).statistics; }
  Bench bench{2};
};

TEST_P(Calls, BootInfoTellsTheGuestWhatItHas) {
  abi::BootInfo info;
  bench.harts[0].copy_in(&info, bench.host_address(0, bench.on[0]->general.x[11]), sizeof info);
  EXPECT_EQ(info.magic, abi::kBootMagic);
  EXPECT_EQ(info.vm, 0u);
  EXPECT_EQ(info.vcpus, 2u);
  EXPECT_EQ(info.memory_base, 0x80000000u);
  EXPECT_EQ(info.memory_bytes, (64u << 10) - 8192);
  EXPECT_EQ(info.shared_page, 0x80000000u + (60 << 10));
  EXPECT_EQ(info.timebase_hz, 10'000'000u);
  EXPECT_EQ(info.delivery, static_cast<std::uint32_t>(GetParam()));
  EXPECT_EQ(info.calls_per_notification, 4u);
  EXPECT_EQ(bench.on[0]->general.x[10], 0u);
  EXPECT_EQ(bench.on[0]->general.sepc, 0x80000000u);
}

TEST_P(Calls, VmInfoAndQueryAnswer) {
  EXPECT_EQ(bench.call(0, Hypercall::vm_info).value, (2u << 16) | 2u);
  EXPECT_EQ(bench.call(1, Hypercall::vm_info).value, (std::uint64_t{1} << 32) | (2u << 16) | 1u);
  EXPECT_EQ(bench.call(0, Hypercall::query, {100}).value, abi::routine_value(100));
  EXPECT_EQ(bench.call(0, Hypercall::query, {abi::kMaxRoutineIterations + 1}).error,
            abi::kErrorInvalidParameter);
  EXPECT_EQ(bench.on[0]->general.sepc, 0x80000000u + 3 * 4);
}

TEST_P(Calls, DeferrableCallsHaveTheSameEffectInBothModes) {
  std::uint64_t text = 0;
  std::memcpy(&text, "ab\ncd\n", 6);
  EXPECT_EQ(bench.call(0, Hypercall::console_write, {6, text, 0, 0, 0}).error, 0);
  EXPECT_EQ(bench.call(0, Hypercall::statistics_update, {3, 5}).error, 0);
  EXPECT_EQ(bench.call(0, Hypercall::routine, {10}).error, 0);
  EXPECT_EQ(bench.call(0, Hypercall::dlh_fence).error, 0);
  EXPECT_EQ(bench.machine.console, "[zero] ab\n[zero] cd\n");
  EXPECT_EQ(statistics().counters[3], 5u);
  EXPECT_EQ(bench.shared_page(0).completed, 3u);
  EXPECT_EQ(statistics().queued, immediate() ? 0u : 3u);
}

TEST_P(Calls, NotifyIsForDeferredDeliveryOnly) {
  const abi::Notification entry{static_cast<std::uint32_t>(Hypercall::statistics_update), 5, {1, 2, 0, 0, 0}};
  bench.write_guest(0, 0x80001000, &entry, sizeof entry);
  const auto answer = bench.call(0, Hypercall::notify, {0x80001000, 1});
  EXPECT_EQ(answer.error, immediate() ? abi::kErrorNotSupported : abi::kSuccess);
  bench.call(0, Hypercall::dlh_fence);
  EXPECT_EQ(statistics().counters[1], immediate() ? 0u : 2u);
  EXPECT_EQ(bench.shared_page(0).status[5],
            static_cast<std::uint32_t>(immediate() ? abi::Status::idle : abi::Status::done));
}

TEST_P(Calls, ACallOfItsOwnNamesItsStatusSlotInA5) {
  EXPECT_EQ(bench.call(0, Hypercall::statistics_update, {2, 3, 0, 0, 0, 7}).error, 0);
  EXPECT_EQ(bench.call(0, Hypercall::statistics_update, {16, 3, 0, 0, 0, 8}).error,
            immediate() ? abi::kErrorInvalidParameter : abi::kSuccess);
  EXPECT_EQ(bench.call(0, Hypercall::statistics_update, {2, 3, 0, 0, 0, 64}).error,
            abi::kErrorInvalidParameter);
  EXPECT_EQ(bench.call(0, Hypercall::statistics_update, {2, 3, 0, 0, 0, ~std::uint64_t{0}}).error,
            abi::kErrorInvalidParameter);
  bench.call(0, Hypercall::dlh_fence);
  EXPECT_EQ(statistics().counters[2], 3u);
  EXPECT_EQ(bench.shared_page(0).status[7], static_cast<std::uint32_t>(abi::Status::done));
  EXPECT_EQ(bench.shared_page(0).status[8], static_cast<std::uint32_t>(abi::Status::failed));
}

TEST_P(Calls, NotifyStopsAtTheFirstBadEntryAndSaysHowManyItTook) {
  if (immediate()) return;
  abi::Notification list[3] = {};
  for (auto& entry : list) entry = {static_cast<std::uint32_t>(Hypercall::statistics_update), 0, {0, 1}};
  const auto with_second = [&](std::uint32_t call, std::uint32_t slot) {
    list[1].call = call;
    list[1].completion = slot;
    bench.write_guest(0, 0x80001000, list, sizeof list);
    return bench.call(0, Hypercall::notify, {0x80001000, 3});
  };
  for (const std::uint32_t call : {0u, 2u, 3u, 6u, 15u, 27u, 0xffffffffu}) {
    const auto answer = with_second(call, 0);
    EXPECT_EQ(answer.error, abi::kErrorInvalidParameter) << call;
    EXPECT_EQ(answer.value, 1u);
  }
  EXPECT_EQ(with_second(18, 64).error, abi::kErrorInvalidParameter);
  EXPECT_EQ(with_second(18, abi::completion_with_interrupt(1, 2)).error, abi::kErrorInvalidParameter);
  EXPECT_EQ(with_second(18, 1u << 16).error, abi::kErrorInvalidParameter);
  EXPECT_EQ(with_second(18, 63).error, abi::kSuccess);
}

TEST_P(Calls, NotifyRefusesBadListsAndLengths) {
  if (immediate()) return;
  const auto notify = [&](std::uint64_t at, std::uint64_t n) {
    return bench.call(0, Hypercall::notify, {at, n}).error;
  };
  const std::uint64_t end = 0x80000000 + (64 << 10);
  EXPECT_EQ(notify(0x80001000, 0), abi::kErrorInvalidParameter);
  EXPECT_EQ(notify(0x80001000, 65), abi::kErrorInvalidParameter);
  EXPECT_EQ(notify(0x80001000, ~std::uint64_t{0}), abi::kErrorInvalidParameter);
  EXPECT_EQ(notify(0x80001001, 1), abi::kErrorInvalidParameter);
  EXPECT_EQ(notify(0, 1), abi::kErrorInvalidAddress);
  EXPECT_EQ(notify(end, 1), abi::kErrorInvalidAddress);
  EXPECT_EQ(notify(end - 40, 1), abi::kErrorInvalidAddress);
  EXPECT_EQ(notify(~std::uint64_t{7}, 1), abi::kErrorInvalidAddress);
  EXPECT_EQ(notify(std::uint64_t{1} << 41, 1), abi::kErrorInvalidAddress);
  EXPECT_EQ(statistics().queued, 0u);
}

TEST_P(Calls, BadArgumentsOfADeferredCallFailItAndNothingElse) {
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{33}, ~std::uint64_t{0}})
    bench.call(0, Hypercall::console_write, {bytes, 0, 0, 0, 0});
  bench.call(0, Hypercall::event_send, {2, 0});
  bench.call(0, Hypercall::event_send, {~std::uint64_t{0}, 0});
  bench.call(0, Hypercall::event_send, {1, 64});
  bench.call(0, Hypercall::statistics_update, {16, 1});
  bench.call(0, Hypercall::timer_slack, {~std::uint64_t{0}});
  const auto last = bench.call(0, Hypercall::routine, {~std::uint64_t{0}});
  EXPECT_EQ(last.error, immediate() ? abi::kErrorInvalidParameter : abi::kSuccess);
  bench.call(0, Hypercall::dlh_fence);
  EXPECT_EQ(statistics().rejected_calls, 9u);
  EXPECT_EQ(bench.machine.console, "");
}

TEST_P(Calls, FailedCallsAreCompletedButNotMarkedAsDone) {
  bench.machine.marks.clear();
  bench.call(0, Hypercall::statistics_update, {0, 1});
  bench.call(0, Hypercall::statistics_update, {16, 1});  // no such counter
  bench.call(0, Hypercall::event_send, {2, 0});          // no such VM
  bench.call(0, Hypercall::dlh_fence);
  bench.call(0, Hypercall::query, {abi::kMaxRoutineIterations + 1});
  bench.call(0, Hypercall::query, {1});
  std::uint64_t marked = 0;
  for (const auto& [kind, value] : bench.machine.marks)
    if (kind == hvsim::isa::MarkKind::hypercall_done) {
      EXPECT_NE(value, 0u);
      marked += value;
    }
  EXPECT_EQ(marked, 2u);
  EXPECT_EQ(bench.shared_page(0).completed, 3u);
}

TEST_P(Calls, UnknownNumbersAreNotSupported) {
  for (const std::uint64_t number : {7u, 15u, 27u, 1000u})
    EXPECT_EQ(bench.call(0, static_cast<Hypercall>(number)).error, abi::kErrorNotSupported);
  EXPECT_EQ(bench.ecall(0, abi::kHypercallExtension, std::uint64_t{1} << 32).error, abi::kErrorNotSupported);
  EXPECT_EQ(bench.ecall(0, 0x999, 0).error, abi::kErrorNotSupported);
  EXPECT_EQ(bench.ecall(0, 0, 0).error, abi::kErrorNotSupported);
}

TEST_P(Calls, AnEventReachesVcpuZeroOfTheOtherVm) {
  bench.wfi(1);
  EXPECT_EQ(bench.on[1], nullptr);
  bench.call(0, Hypercall::event_send, {1, 7});
  bench.call(0, Hypercall::dlh_fence);
  EXPECT_EQ(bench.machine.ipis, (std::vector<unsigned>{1}));
  EXPECT_EQ(bench.shared_page(1).events, std::uint64_t{1} << 7);
  bench.interrupt_idle(1);
  ASSERT_NE(bench.on[1], nullptr);
  EXPECT_EQ(bench.on[1]->general.hvip, 4u);  // VSSIP
}

TEST_P(Calls, AnEventToAnEndedVmFails) {
  bench.call(1, Hypercall::power_off, {0});
  const std::uint64_t before = statistics().rejected_calls;
  bench.call(0, Hypercall::event_send, {1, 7});
  bench.call(0, Hypercall::dlh_fence);
  EXPECT_EQ(statistics().rejected_calls, before + 1);
}

TEST_P(Calls, RandomCallsNeverHurtTheOtherVm) {
  Random random(GetParam() == abi::Delivery::dlh ? 1 : 2);
  const auto wild = [&]() -> std::uint64_t {
    switch (random() % 5) {
      case 0:
        return random() % 70;
      case 1:
        return 0x80000000u + random() % (64u << 10);
      case 2:
        return 0x80000000u + random() % 16 * 0x1000;
      case 3:
        return (std::uint64_t{random()} << 32) | random();
      default:
        return ~std::uint64_t{random() % 16};
    }
  };
  const std::uint64_t extensions[] = {
      abi::kHypercallExtension, abi::kHypercallExtension, 0x10, kTime, kIpi, kRfence, kHsm, kDbcn, 1, wild()};
  for (unsigned step = 0; step < 20000; ++step) {
    if (bench.on[0] == nullptr) {
      bench.machine.ticks += 1000;
      bench.interrupt_idle(0);
      if (bench.on[0] == nullptr) break;
    }
    std::uint64_t function = random() % 22;
    const std::uint64_t extension = extensions[random() % 10];
    if (extension == abi::kHypercallExtension && function == 2) function = 16;  // do not end it
    std::uint64_t a[5];
    for (std::uint64_t& argument : a) argument = wild();
    if (function == 5 || function == 20) a[0] %= 2000;
    bench.ecall(0, extension, function, {a[0], a[1], a[2], a[3], a[4], random() % 2 == 0 ? 0 : wild()});
  }
  // VM 1 still does what it did before, and its memory is as it was.
  std::byte image[64];
  bench.harts[1].copy_in(image, bench.host_address(1, 0x80000000), sizeof image);
  for (const std::byte byte : image) EXPECT_EQ(byte, std::byte{0x13});
  EXPECT_EQ(bench.call(1, Hypercall::query, {50}).value, abi::routine_value(50));
  EXPECT_EQ(statistics(1).rejected_calls, 0u);
  EXPECT_EQ(bench.machine.console.find("[one]"), std::string::npos);
}

TEST_P(Calls, TheMachineEndsWithTheFirstFailingVmsCode) {
  bench.call(0, Hypercall::power_off, {0});
  EXPECT_FALSE(bench.core->all_off());
  bench.call(1, Hypercall::power_off, {9});
  EXPECT_TRUE(bench.core->all_off());
  EXPECT_EQ(bench.core->exit_code(), 9u);
  EXPECT_EQ(bench.machine.console, "[hv] zero: powered off, code 0\n[hv] one: powered off, code 9\n");
}

TEST_P(Calls, APowerOffSettlesTheQueueAndGivesTheMemoryBack) {
  const std::uint64_t before = bench.core->page_pool().free_pages();
  bench.call(0, Hypercall::console_write, {1, 'x', 0, 0, 0});
  bench.call(0, Hypercall::power_off, {0});
  EXPECT_EQ(bench.machine.console, "[zero] x\n[hv] zero: powered off, code 0\n");
  EXPECT_EQ(bench.core->page_pool().free_pages(), before + 16 + 4 + 2);  // pages, root, two tables
  ASSERT_FALSE(bench.machine.fences.empty());
  EXPECT_EQ(bench.machine.fences.back().kind, GuestFence::Kind::g_stage);
  EXPECT_EQ(bench.machine.fences.back().harts, 0b11u);
}

TEST_P(Calls, SbiServesWhatAKernelAsksFirst) {
  EXPECT_EQ(bench.ecall(0, 0x10, 0).value, 2u << 24);
  for (const std::uint64_t extension : {std::uint64_t{1}, kTime, kIpi, kRfence, kHsm, kSrst, kDbcn})
    EXPECT_EQ(bench.ecall(0, 0x10, 3, {extension}).value, 1u);
  EXPECT_EQ(bench.ecall(0, 0x10, 3, {0x504D55}).value, 0u);
  for (const char c : std::string("ok\n")) bench.ecall(0, 1, 0, {static_cast<std::uint64_t>(c)});
  bench.write_guest(0, 0x80001000, "debug\n", 6);
  EXPECT_EQ(bench.ecall(0, kDbcn, 0, {6, 0x80001000, 0}).value, 6u);
  EXPECT_EQ(bench.ecall(0, kDbcn, 0, {6, 0x70000000, 0}).error, abi::kErrorInvalidParameter);
  EXPECT_EQ(bench.machine.console, "[zero] ok\n[zero] debug\n");
}

TEST_P(Calls, HartsAreStartedStoppedAndFenced) {
  EXPECT_EQ(bench.ecall(0, kHsm, 2, {1}).value, 1u);  // stopped
  EXPECT_EQ(bench.ecall(0, kHsm, 0, {2, 0x80000000, 0}).error, abi::kErrorInvalidParameter);
  EXPECT_EQ(bench.ecall(0, kHsm, 0, {1, 0x1000, 0}).error, abi::kErrorInvalidAddress);
  EXPECT_EQ(bench.ecall(0, kHsm, 1).error, abi::kErrorFailed);  // its only running one
  EXPECT_EQ(bench.ecall(0, kHsm, 0, {1, 0x80000040, 77}).error, 0);
  EXPECT_EQ(bench.ecall(0, kHsm, 0, {1, 0x80000040, 77}).error, -6);
  EXPECT_EQ(bench.ecall(0, kHsm, 2, {1}).value, 0u);
  EXPECT_EQ(bench.ecall(0, kIpi, 0, {2, 0}).error, 0);
  EXPECT_EQ(bench.ecall(0, kIpi, 0, {4, 0}).error, abi::kErrorInvalidParameter);
  EXPECT_EQ(bench.ecall(0, kRfence, 1, {0, ~std::uint64_t{0}}).error, 0);
  EXPECT_EQ(bench.machine.fences.back().kind, GuestFence::Kind::vs_stage);
  bench.call(0, Hypercall::yield);
  EXPECT_EQ(bench.on[0]->number, 1);
  EXPECT_EQ(bench.on[0]->general.sepc, 0x80000040u);
  EXPECT_EQ(bench.on[0]->general.x[10], 1u);
  EXPECT_EQ(bench.on[0]->general.x[11], 77u);
  EXPECT_EQ(bench.on[0]->general.hvip, 4u);
  bench.ecall(0, kHsm, 1);
  EXPECT_EQ(bench.on[0]->number, 0);
}

// SBI HSM, hart_start: satp and sstatus.SIE are zero, a0 is the hart, a1 the argument; nothing else is left.
TEST_P(Calls, AHartThatIsStartedAgainRemembersNothing) {
  bench.ecall(0, kHsm, 0, {1, 0x80000040, 77});
  bench.call(0, Hypercall::yield);
  ASSERT_EQ(bench.on[0]->number, 1);
  const std::uint64_t hgatp = bench.harts[0].registers.vs.hgatp;
  Vcpu& second = *bench.on[0];
  second.general.x[5] = 0x55;
  second.general.sstatus |= 3u << 13;  // FS
  bench.harts[0].registers.vs.vsatp = 0x8000'0000'0008'0001;
  bench.harts[0].registers.vs.vsstatus |= 2;
  bench.harts[0].registers.vs.vsie = 0x222;
  bench.ecall(0, kTime, 0, {5});
  bench.ecall(0, kHsm, 1);
  ASSERT_EQ(bench.on[0]->number, 0);
  EXPECT_EQ(bench.ecall(0, kHsm, 2, {1}).value, 1u);
  EXPECT_EQ(bench.ecall(0, kIpi, 0, {2, 0}).error, 0);  // to one that is off
  EXPECT_EQ(bench.ecall(0, kHsm, 0, {1, 0x80000080, 88}).error, 0);
  bench.machine.ticks += 1000;
  bench.call(0, Hypercall::yield);
  ASSERT_EQ(bench.on[0], &second);
  EXPECT_EQ(second.general.sepc, 0x80000080u);
  for (unsigned i = 1; i < 32; ++i)
    EXPECT_EQ(second.general.x[i], i == 10 ? 1u : i == 11 ? 88u : 0u) << "x" << i;
  EXPECT_EQ(second.general.hvip, 0u);
  EXPECT_EQ(second.general.sstatus & (3u << 13), 0u);
  const VsRegisters& vs = bench.harts[0].registers.vs;
  EXPECT_EQ(vs.vsatp, 0u);
  EXPECT_EQ(vs.vsie, 0u);
  EXPECT_EQ(vs.vsstatus & 2, 0u);
  EXPECT_EQ(vs.hgatp, hgatp) << "its memory is still its own";
}

TEST_P(Calls, ShutDownEndsTheVmAndUnknownResetsAreRefused) {
  EXPECT_EQ(bench.ecall(0, kSrst, 0, {9, 0}).error, abi::kErrorInvalidParameter);
  bench.ecall(0, kSrst, 0, {0, 1});
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::off);
  EXPECT_EQ(bench.core->vm(0).exit_code, 1u);
}

// A kernel that panics reboots; nobody would start its VM again.
TEST_P(Calls, ARebootEndsTheVmAsAFailure) {
  bench.ecall(0, kSrst, 0, {1, 0});
  EXPECT_EQ(bench.core->vm(0).state, Vm::State::off);
  EXPECT_EQ(bench.core->vm(0).exit_code, 1u);
  EXPECT_EQ(bench.machine.console, "[hv] zero: wanted to reboot, reason 0\n");
}

TEST_P(Calls, WhereAHartBeginsIsLookedUpUnderTheLockOfTheTable) {
  unsigned reads = 0;
  bench.machine.after_read = [&](Hpa) { reads += bench.core->vm(0).sharing.lock.held ? 1 : 0; };
  EXPECT_EQ(bench.ecall(0, kHsm, 0, {1, 0x80000040, 0}).error, 0);
  EXPECT_GE(reads, 3u);  // the levels of the table
}

TEST_P(Calls, ASuspendedHartWaitsAndGoesOnBehindTheCall) {
  bench.ecall(0, kHsm, 0, {1, 0x80000040, 0});
  Vcpu& first = *bench.on[0];
  const std::uint64_t pc = first.general.sepc;
  EXPECT_EQ(bench.ecall(0, kHsm, 3, {0x80000000, 0, 0}).error, abi::kErrorNotSupported);
  EXPECT_EQ(bench.ecall(0, kHsm, 3, {7, 0, 0}).error, abi::kErrorInvalidParameter);
  bench.harts[0].registers.vs.vsie = 2;
  bench.ecall(0, kHsm, 3, {0, 0, 0});
  ASSERT_NE(bench.on[0], &first);
  EXPECT_EQ(bench.ecall(0, kHsm, 2, {0}).value, 4u);
  bench.ecall(0, kIpi, 0, {1, 0});
  bench.call(0, Hypercall::yield);
  ASSERT_EQ(bench.on[0], &first);
  EXPECT_EQ(first.general.sepc, pc + 12);
  EXPECT_EQ(first.general.x[10], 0u);
  EXPECT_EQ(bench.ecall(0, kHsm, 2, {0}).value, 0u);
}

INSTANTIATE_TEST_SUITE_P(Delivery, Calls, testing::Values(abi::Delivery::immediate, abi::Delivery::dlh),
                         [](const auto& mode) {
                           return mode.param == abi::Delivery::dlh ? "dlh" : "immediate";
                         });

}  // namespace
}  // namespace hv
