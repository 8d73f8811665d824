// The scheduler: round robin is fair, pinning holds, nobody sleeps while there is work, nothing is woken
// twice.
#include "hypervisor/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "tests/hypervisor/random.h"

namespace hv {
namespace {

constexpr std::uint64_t kAnywhere = ~std::uint64_t{0};

struct Harts {
  FakeMachine machine{4096};
  std::vector<Arch> arch;
  Scheduler scheduler;
  explicit Harts(unsigned count) {
    for (unsigned hart = 0; hart < count; ++hart) arch.emplace_back(machine, hart);
  }
  VcpuId take(unsigned hart) { return scheduler.take(arch[hart]); }
  // A time slice ends.
  VcpuId next(unsigned hart, VcpuId current) {
    const VcpuId other = scheduler.take_instead(arch[hart], current);
    if (other == kNoVcpu) return current;
    scheduler.put_back(arch[hart], current);
    return other;
  }
};

TEST(Scheduler, GivesEachVcpuEveryNthSliceOfOneHart) {
  Harts h(1);
  for (VcpuId vcpu = 0; vcpu < 3; ++vcpu) {
    h.scheduler.add(vcpu, vcpu, kAnywhere);
    EXPECT_TRUE(h.scheduler.start(h.arch[0], vcpu));
  }
  VcpuId current = h.take(0);
  for (unsigned slice = 0; slice < 30; ++slice) {
    EXPECT_EQ(current, slice % 3);
    current = h.next(0, current);
  }
}

TEST(Scheduler, SharesTwoHartsEvenlyAmongThreeVcpus) {
  Harts h(2);
  for (VcpuId vcpu = 0; vcpu < 3; ++vcpu) {
    h.scheduler.add(vcpu, vcpu, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
  }
  std::array<VcpuId, 2> on{h.take(0), h.take(1)};
  std::map<VcpuId, unsigned> slices;
  for (unsigned slice = 0; slice < 3000; ++slice) {
    VcpuId& current = on[slice % 2];
    ASSERT_NE(on[0], on[1]);
    ++slices[current];
    current = h.next(slice % 2, current);
  }
  for (const auto& [vcpu, count] : slices) EXPECT_EQ(count, 1000u) << vcpu;
}

TEST(Scheduler, PassesOverADebtorUntilItsTurnsArePaid) {
  Harts h(1);
  for (VcpuId vcpu = 0; vcpu < 3; ++vcpu) {
    h.scheduler.add(vcpu, vcpu, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
  }
  VcpuId current = h.take(0);
  h.scheduler.owe(h.arch[0], 0, 4);
  std::string order;
  for (unsigned slice = 0; slice < 16; ++slice) order += std::to_string(current = h.next(0, current));
  EXPECT_EQ(order, "1212121212012012");  // four whole rounds of the others more
}

TEST(Scheduler, ForgivesTurnsThatNobodyWaitsFor) {
  Harts h(2);
  h.scheduler.add(0, 0, kAnywhere);
  h.scheduler.add(1, 1, 0b10);
  for (VcpuId vcpu = 0; vcpu < 2; ++vcpu) h.scheduler.start(h.arch[0], vcpu);
  EXPECT_EQ(h.take(0), 0);
  h.scheduler.owe(h.arch[0], 0, 1'000'000);
  EXPECT_EQ(h.next(0, 0), 0);  // the other one may not run here
  EXPECT_FALSE(h.scheduler.put_back(h.arch[0], 0));
  h.scheduler.owe(h.arch[0], 0, 5);
  EXPECT_EQ(h.take(0), 0);
}

TEST(Scheduler, SharesAHartOfDebtorsByWhatTheyOwe) {
  Harts h(1);
  for (VcpuId vcpu = 0; vcpu < 2; ++vcpu) {
    h.scheduler.add(vcpu, vcpu, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
  }
  VcpuId current = h.take(0);
  std::array<unsigned, 2> ran{};
  for (unsigned slice = 0; slice < 1000; ++slice) {  // 0 takes 4 slices each time, 1 takes 2
    ran[current] += current == 0 ? 4 : 2;
    h.scheduler.owe(h.arch[0], current, current == 0 ? 3 : 1);
    current = h.next(0, current);
  }
  EXPECT_NEAR(ran[0], ran[1], 4);
}

TEST(Scheduler, KeepsPinnedVcpusOnTheirHarts) {
  Harts h(3);
  for (VcpuId vcpu = 0; vcpu < 6; ++vcpu) {
    h.scheduler.add(vcpu, vcpu, std::uint64_t{1} << (vcpu % 3));
    h.scheduler.start(h.arch[0], vcpu);
  }
  std::array<VcpuId, 3> on{h.take(0), h.take(1), h.take(2)};
  for (unsigned slice = 0; slice < 300; ++slice) {
    const unsigned hart = slice % 3;
    EXPECT_EQ(on[hart] % 3, hart);
    EXPECT_EQ(on[hart] / 3, (slice / 3) % 2);  // its two take turns
    on[hart] = h.next(hart, on[hart]);
  }
}

TEST(Scheduler, InterruptsOneIdleHartPerVcpuThatBecomesReady) {
  Harts h(3);
  h.scheduler.add(0, 0, kAnywhere);
  h.scheduler.add(1, 1, 0b100);
  EXPECT_EQ(h.take(1), kNoVcpu);
  EXPECT_EQ(h.take(2), kNoVcpu);
  h.scheduler.start(h.arch[0], 0);
  EXPECT_EQ(h.machine.ipis, (std::vector<unsigned>{1}));
  h.scheduler.start(h.arch[0], 1);
  EXPECT_EQ(h.machine.ipis, (std::vector<unsigned>{1, 2}));
  EXPECT_EQ(h.take(1), 0);
  EXPECT_EQ(h.take(2), 1);
}

TEST(Scheduler, WakesAVcpuOnTheHartWhereItRanLastIfThatIsIdle) {
  Harts h(3);
  h.scheduler.add(0, 0, kAnywhere);
  h.scheduler.start(h.arch[0], 0);
  EXPECT_EQ(h.take(2), 0);
  h.scheduler.begin_block(h.arch[2], 0);
  EXPECT_TRUE(h.scheduler.finish_block(h.arch[2], 0, kNever));
  EXPECT_EQ(h.take(1), kNoVcpu);
  EXPECT_EQ(h.take(2), kNoVcpu);
  h.scheduler.wake(h.arch[0], 0);
  EXPECT_EQ(h.machine.ipis, (std::vector<unsigned>{2}));
}

TEST(Scheduler, DoesNotBlockAVcpuThatWasWokenMeanwhile) {
  Harts h(2);
  h.scheduler.add(0, 0, kAnywhere);
  h.scheduler.start(h.arch[0], 0);
  h.take(0);
  EXPECT_TRUE(h.scheduler.begin_block(h.arch[0], 0));
  h.scheduler.wake(h.arch[1], 0);
  EXPECT_FALSE(h.scheduler.finish_block(h.arch[0], 0, kNever));
  EXPECT_EQ(h.scheduler.state(0), Scheduler::State::running);
  EXPECT_TRUE(h.machine.ipis.empty());
}

TEST(Scheduler, InterruptsTheHartThatRunsAWokenVcpu) {
  Harts h(2);
  h.scheduler.add(0, 0, kAnywhere);
  h.scheduler.start(h.arch[0], 0);
  h.take(1);
  h.scheduler.wake(h.arch[0], 0);
  EXPECT_EQ(h.machine.ipis, (std::vector<unsigned>{1}));
  h.scheduler.wake(h.arch[1], 0);  // by itself: it looks at its next entry anyway
  EXPECT_EQ(h.machine.ipis.size(), 1u);
}

TEST(Scheduler, TellsOnlyTheLastVcpuOfAVmThatItIsTheLastToBlock) {
  Harts h(3);
  for (VcpuId vcpu = 0; vcpu < 3; ++vcpu) {
    h.scheduler.add(vcpu, vcpu == 2 ? 1 : 0, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
    h.take(vcpu);
  }
  EXPECT_FALSE(h.scheduler.begin_block(h.arch[0], 0));
  EXPECT_TRUE(h.scheduler.begin_block(h.arch[1], 1));  // 0 is only blocking, but will not run the queue
  EXPECT_TRUE(h.scheduler.begin_block(h.arch[2], 2));
}

TEST(Scheduler, LetsAllVcpusOfAVmButOneStopEvenIfTheyWishToAtOnce) {
  Harts h(3);
  for (VcpuId vcpu = 0; vcpu < 4; ++vcpu) {
    h.scheduler.add(vcpu, vcpu == 3 ? 1 : 0, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
    if (vcpu < 3) h.take(vcpu);
  }
  EXPECT_TRUE(h.scheduler.begin_stop(h.arch[0], 0));
  EXPECT_EQ(h.scheduler.state(0), Scheduler::State::stopping);
  EXPECT_TRUE(h.scheduler.begin_stop(h.arch[1], 1));  // before 0 has left its hart
  EXPECT_FALSE(h.scheduler.begin_stop(h.arch[2], 2));
  EXPECT_EQ(h.scheduler.state(2), Scheduler::State::running);
  EXPECT_FALSE(h.scheduler.start(h.arch[2], 0));  // not yet
  EXPECT_FALSE(h.scheduler.stop(h.arch[0], 0));
  EXPECT_TRUE(h.scheduler.start(h.arch[2], 0));
  EXPECT_TRUE(h.scheduler.begin_stop(h.arch[2], 2));  // now there is another one
}

TEST(Scheduler, DoesNotCountOnAStoppingVcpuToDrain) {
  Harts h(2);
  for (VcpuId vcpu = 0; vcpu < 2; ++vcpu) {
    h.scheduler.add(vcpu, 0, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
    h.take(vcpu);
  }
  EXPECT_TRUE(h.scheduler.begin_stop(h.arch[0], 0));
  EXPECT_TRUE(h.scheduler.begin_block(h.arch[1], 1));
}

TEST(Scheduler, ReapsACondemnedVmOnlyWhenItsStoppingVcpuHasLeft) {
  Harts h(2);
  for (VcpuId vcpu = 0; vcpu < 2; ++vcpu) {
    h.scheduler.add(vcpu, 0, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
    h.take(vcpu);
  }
  EXPECT_TRUE(h.scheduler.begin_stop(h.arch[0], 0));
  h.scheduler.condemn(h.arch[1], 0);
  EXPECT_TRUE(h.scheduler.begin_stop(h.arch[1], 1));  // a VM that ends has no use for a last one
  EXPECT_FALSE(h.scheduler.stop(h.arch[1], 1));
  EXPECT_TRUE(h.scheduler.stop(h.arch[0], 0));
}

TEST(Scheduler, NamesTheHartsOfTheRunningOnesOfAGroup) {
  Harts h(3);
  for (VcpuId vcpu = 0; vcpu < 4; ++vcpu) {
    h.scheduler.add(vcpu, 0, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
  }
  h.take(2), h.take(0), h.take(1);  // VCPUs 0, 1, 2; 3 waits
  EXPECT_EQ(h.scheduler.running_harts(h.arch[0], 0, 0b1111), 0b111u);
  EXPECT_EQ(h.scheduler.running_harts(h.arch[0], 0, 0b1001), 0b100u);
  EXPECT_EQ(h.scheduler.running_harts(h.arch[0], 1, 0b101), 0b001u);
  h.scheduler.begin_block(h.arch[0], 1);  // it looks for a fence at its next entry
  EXPECT_EQ(h.scheduler.running_harts(h.arch[0], 1, 0b1), 0u);
}

TEST(Scheduler, WakesSleepersAtTheirTimeAndNotBefore) {
  Harts h(1);
  for (VcpuId vcpu = 0; vcpu < 2; ++vcpu) {
    h.scheduler.add(vcpu, vcpu, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
    h.take(0);
    h.scheduler.begin_block(h.arch[0], vcpu);
    h.scheduler.finish_block(h.arch[0], vcpu, 200 - 50u * vcpu);
  }
  EXPECT_EQ(h.scheduler.next_wake(h.arch[0]), 150u);
  h.scheduler.wake_expired(h.arch[0], 149);
  EXPECT_EQ(h.take(0), kNoVcpu);
  h.scheduler.wake_expired(h.arch[0], 150);
  EXPECT_EQ(h.take(0), 1);
  EXPECT_EQ(h.scheduler.next_wake(h.arch[0]), 200u);
}

TEST(Scheduler, ReapsACondemnedVmOnceWhenItsLastVcpuLeaves) {
  Harts h(3);
  for (VcpuId vcpu = 0; vcpu < 4; ++vcpu) {
    h.scheduler.add(vcpu, 0, kAnywhere);
    h.scheduler.start(h.arch[0], vcpu);
  }
  h.take(0), h.take(1), h.take(2);  // VCPU 3 waits
  h.scheduler.condemn(h.arch[1], 0);
  EXPECT_EQ(h.machine.ipis, (std::vector<unsigned>{0, 2}));
  EXPECT_EQ(h.scheduler.state(3), Scheduler::State::stopped);
  EXPECT_FALSE(h.scheduler.stop(h.arch[1], 1));
  EXPECT_FALSE(h.scheduler.put_back(h.arch[0], 0));  // a slice that ended just then
  EXPECT_EQ(h.take(0), kNoVcpu);
  EXPECT_TRUE(h.scheduler.stop(h.arch[2], 2));
  EXPECT_FALSE(h.scheduler.start(h.arch[0], 0));
}

// Random events; after each, no VCPU is on two harts and no hart is idle while a VCPU that may run there
// waits without that hart having been interrupted.
TEST(Scheduler, LosesNoWakeUpUnderRandomEvents) {
  constexpr unsigned harts = 3, vcpus = 7;
  Random random(3);
  Harts h(harts);
  std::array<std::uint64_t, vcpus> mask{};
  for (VcpuId vcpu = 0; vcpu < vcpus; ++vcpu) {
    mask[vcpu] = vcpu % 2 == 0 ? kAnywhere : 1 + random() % 7;
    h.scheduler.add(vcpu, vcpu / 2, mask[vcpu]);
    h.scheduler.start(h.arch[0], vcpu);
  }
  std::array<VcpuId, harts> on{};
  std::array<bool, harts> interrupted{};
  for (unsigned hart = 0; hart < harts; ++hart) on[hart] = h.take(hart);
  for (unsigned step = 0; step < 50000; ++step) {
    const unsigned hart = random() % harts;
    VcpuId& current = on[hart];
    switch (random() % 4) {
      case 0:  // whoever executes this is not asleep
        h.scheduler.wake(h.arch[hart], static_cast<VcpuId>(random() % vcpus));
        if (current == kNoVcpu) current = h.take(hart);
        break;
      case 1:
        if (current != kNoVcpu) current = h.next(hart, current);
        break;
      case 2:
        if (current == kNoVcpu) break;
        h.scheduler.begin_block(h.arch[hart], current);
        if (h.scheduler.finish_block(h.arch[hart], current, kNever)) current = h.take(hart);
        break;
      default:
        if (interrupted[hart] && current == kNoVcpu) current = h.take(hart);
        interrupted[hart] = false;
    }
    for (const unsigned target : h.machine.ipis) interrupted[target] = true;
    h.machine.ipis.clear();
    std::array<unsigned, vcpus> places{};
    for (const VcpuId vcpu : on)
      if (vcpu != kNoVcpu) ++places[vcpu];
    for (const unsigned count : places) ASSERT_LE(count, 1u);
    unsigned waiting_for_idle = 0, announced = 0;
    for (unsigned idle = 0; idle < harts; ++idle) {
      if (on[idle] != kNoVcpu) continue;
      announced += interrupted[idle] ? 1 : 0;
      for (VcpuId vcpu = 0; vcpu < vcpus; ++vcpu)
        if (h.scheduler.state(vcpu) == Scheduler::State::ready && ((mask[vcpu] >> idle) & 1) != 0 &&
            !interrupted[idle])
          ++waiting_for_idle;
    }
    ASSERT_TRUE(waiting_for_idle == 0 || announced != 0) << "step " << step;
  }
}

}  // namespace
}  // namespace hv
