// Memory that is shared: each policy gives frames back and takes writes apart again, no frame ever shows one
// VM what another wrote, and VMs that find no frame wait for one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/hypervisor/random.h"
#include "tests/hypervisor/sharing_audit.h"
#include "tests/hypervisor/sharing_guests.h"

namespace hv {
namespace {

TEST(Sharing, FreePagesByTheMapShareOneFrameAndTheirsReturnToThePool) {
  Guests guests(with_policy(SharingPolicy::memory_map));
  guests.publish(0);
  for (std::uint64_t n = 0; n < guests.pages(); ++n) guests.fill(0, n, n + 1);
  const std::uint64_t before = guests.bench.core->page_pool().free_pages();
  for (std::uint64_t n = 0; n < guests.pages(); n += 2) guests.set_map(0, n, true);
  guests.scan();
  const std::uint64_t free = (guests.pages() + 1) / 2;
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), free);
  EXPECT_EQ(guests.bench.core->page_pool().free_pages(), before + free);
  for (std::uint64_t n = 0; n < guests.pages(); ++n)
    EXPECT_EQ(guests.load(0, Guests::page(n)), n % 2 == 0 ? 0 : n + 1);
  audit_memory(guests.bench);
  guests.set_map(0, 0, false);
  EXPECT_TRUE(guests.store(0, Guests::page(0) + 8, 5));
  EXPECT_EQ(guests.load(0, Guests::page(0)), 0u);
  EXPECT_EQ(guests.load(0, Guests::page(0) + 8), 5u);
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), free - 1);
  audit_memory(guests.bench);
}

TEST(Sharing, TheReserveIsLeftAlone) {
  BundleDescription description = with_policy(SharingPolicy::memory_map);
  description.sharing.reserve_pages = 10;
  Guests guests(description);
  guests.publish(0);
  for (std::uint64_t n = 0; n < 50; ++n) guests.set_map(0, n, true);
  guests.scan();
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 40u);
}

TEST(Sharing, ABlockIsSplinteredOnlyIfEnoughOfItIsFree) {
  for (const std::uint32_t least : {40u, 60u}) {
    BundleDescription description = with_policy(SharingPolicy::memory_map);
    description.sharing.splinter_free_pages = least;
    Guests guests(description, 4 << 20, 1);
    guests.publish(0);
    for (std::uint64_t n = 0; n < 50; ++n) guests.set_map(0, n, true);
    guests.scan();
    EXPECT_EQ(guests.count(0, SharingCounter::splintered_blocks), least == 40 ? 1u : 0u);
    EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), least == 40 ? 50u : 0u);
    audit_memory(guests.bench);
  }
}

TEST(Sharing, AFaultOfTheGuestsWalkerUnsharesLikeAStore) {
  Guests guests(with_policy(SharingPolicy::memory_map));
  guests.publish(0);
  guests.set_map(0, 3, true);
  guests.scan();
  ASSERT_EQ(guests.count(0, SharingCounter::shared_pages), 1u);
  ASSERT_TRUE(guests.run(0));
  const std::uint64_t at = Guests::page(3).value;  // a load whose walk sets A: cause 21, pseudoinstruction
  guests.bench.exit(0, make_exit(21, 0, at >> 2, 0x3020));
  EXPECT_EQ(guests.bench.core->vm(0).table.leaf(guests.bench.harts[0], Gpa{at})->right, LeafRight::write);
}

TEST(Sharing, PagesOfOneContentMeetInOneFrame) {
  Guests guests(with_policy(SharingPolicy::content_scan));
  for (unsigned vm = 0; vm < 2; ++vm)
    for (std::uint64_t n = 0; n < 40; ++n) guests.fill(vm, n, n < 20 ? 0xABCD : vm * 1000 + n);
  const std::uint64_t before = guests.bench.core->page_pool().free_pages();
  guests.scan(400);
  EXPECT_GE(guests.count(0, SharingCounter::merged_pages), 20u);
  EXPECT_GE(guests.count(1, SharingCounter::merged_pages), 20u);
  EXPECT_GT(guests.bench.core->page_pool().free_pages(), before);
  audit_memory(guests.bench);
  const std::uint64_t sharers = guests.count(1, SharingCounter::merged_pages);
  EXPECT_TRUE(guests.store(1, Guests::page(3) + 16, 0x1234));
  EXPECT_EQ(guests.load(1, Guests::page(3)), 0xABCDu);  // the rest of the page was copied
  EXPECT_EQ(guests.load(1, Guests::page(3) + 16), 0x1234u);
  EXPECT_EQ(guests.load(0, Guests::page(3) + 16), 0xABCDu);
  EXPECT_EQ(guests.count(1, SharingCounter::merged_pages), sharers - 1);
  audit_memory(guests.bench);
}

TEST(Sharing, ReleasedPagesAreSharedAtOnce) {
  for (const SharingPolicy policy : {SharingPolicy::balloon, SharingPolicy::free_page_reporting}) {
    Guests guests(with_policy(policy), 4 << 20, 1);
    for (std::uint64_t n = 0; n < 600; ++n) guests.fill(0, n, 7);
    const std::uint64_t at = kBase + (2 << 20);
    EXPECT_EQ(guests.bench.call(0, abi::Hypercall::page_release, {Guests::page(2).value, 0}).error, 0);
    EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 1u);
    EXPECT_EQ(guests.load(0, Guests::page(2)), 0u);
    EXPECT_EQ(guests.bench.call(0, abi::Hypercall::page_release, {at, 8}).error, 0);
    EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 257u);
    audit_memory(guests.bench);
  }
}

TEST(Sharing, MoreMemoryMayBePromisedThanThereIs) {
  BundleDescription description = with_policy(SharingPolicy::memory_map);
  description.sharing.demand = true;
  Guests guests(description, 16 << 20, 2);  // of 24 MiB, part of which is the hypervisor's
  ASSERT_EQ(guests.count(0, SharingCounter::shared_pages) + guests.count(0, SharingCounter::private_pages),
            4096u);
  guests.publish(0);
  guests.publish(1);
  for (std::uint64_t n = 1000; n < 1100; ++n) guests.set_map(0, n, false);  // who frees needs its map's page
  audit_memory(guests.bench);
  std::uint64_t filled = 0;
  for (unsigned vm = 0; vm < 2; ++vm)
    for (std::uint64_t n = 200; n < 4000; ++n) {
      if (!guests.store(vm, Guests::page(n), n)) goto starved;
      ++filled;
    }
starved:
  EXPECT_GT(filled, 4000u);
  EXPECT_EQ(guests.count(1, SharingCounter::pauses), 1u);
  audit_memory(guests.bench);
  // The first VM frees some; the second goes on with exactly the store that waited.
  const std::uint64_t next = filled - 3800 + 200;
  for (std::uint64_t n = 1000; n < 1100; ++n) guests.set_map(0, n, true);
  guests.scan(200);
  EXPECT_TRUE(guests.store(1, Guests::page(next), 77));
  EXPECT_EQ(guests.load(1, Guests::page(next)), 77u);
  EXPECT_GT(guests.count(1, SharingCounter::pause_ticks), 0u);
  for (std::uint64_t n = 200; n < 1000; ++n) EXPECT_EQ(guests.load(0, Guests::page(n)), n);
  audit_memory(guests.bench);
}

// Two VMs take all frames that there are.
void take_all_frames(Guests& guests) {
  for (unsigned vm = 0; vm < 2; ++vm)
    for (std::uint64_t n = 0; n < 4000 && guests.store(vm, Guests::page(n), n + 1); ++n) {
    }
}

// One of the two takes more, and one of them is given up.
void take_more_than_there_is(Guests& guests) {
  ASSERT_TRUE(guests.run(0));
  for (std::uint64_t n = 4000; n < 4070 && guests.store(0, Guests::page(n), 1); ++n) {
  }
  guests.scan(200);
  const bool first_off = guests.bench.core->vm(0).state == Vm::State::off;
  const bool second_off = guests.bench.core->vm(1).state == Vm::State::off;
  EXPECT_NE(first_off, second_off);
}

TEST(Sharing, WhenAllWaitForMemoryOneIsGivenUp) {
  BundleDescription description;
  description.sharing.demand = true;
  Guests guests(description, 16 << 20, 2);
  take_all_frames(guests);
  ASSERT_TRUE(guests.store(0, Guests::page(0), 1));  // it has all of its own, and goes on
  guests.scan(100);
  EXPECT_EQ(guests.bench.core->vm(1).state, Vm::State::alive);
  take_more_than_there_is(guests);
  EXPECT_NE(guests.bench.machine.console.find("no memory is left"), std::string::npos);
  audit_memory(guests.bench);
}

// A third VM sleeps for ever: nobody who runs could wake it, so it is no hope.
TEST(Sharing, AVmThatSleepsForEverKeepsNobodyFromBeingGivenUp) {
  BundleDescription description;
  description.sharing.demand = true;
  Guests guests(description, 16 << 20, 3);
  ASSERT_TRUE(guests.run(2));
  guests.bench.wfi(0);
  take_all_frames(guests);
  take_more_than_there_is(guests);
  EXPECT_EQ(guests.bench.core->vm(2).state, Vm::State::alive);
}

// A VCPU that waits for a frame is sent an interrupt by its sibling, whose timer rings. Whatever it does
// then, it does not wait for memory.
TEST(Sharing, WhoIsWokenByAnInterruptWaitsForNoFrame) {
  constexpr std::uint64_t kTime = 0x54494D45, kIpi = 0x735049, kHsm = 0x48534D, kTicks = 20'000'000;
  BundleDescription description;
  description.sharing.demand = true;
  Guests guests(description, 16 << 20, 2, 2);
  Bench& bench = guests.bench;
  ASSERT_TRUE(guests.run(1));
  const VcpuId first = bench.on[0]->id;
  ASSERT_EQ(bench.ecall(0, kHsm, 0, {1, kBase, 0}).error, 0);
  const auto sibling_runs = [&] { return bench.on[0] != nullptr && bench.on[0]->id == first + 1; };
  for (unsigned i = 0; i < 64 && !sibling_runs(); ++i) guests.pass(2000);
  ASSERT_TRUE(sibling_runs());
  bench.on[0]->vs.vsie = 1 << 5;
  ASSERT_EQ(bench.ecall(0, kTime, 0, {bench.machine.ticks + kTicks}).error, 0);
  bench.wfi(0);
  take_all_frames(guests);
  EXPECT_EQ(bench.core->vcpu(first).starved, 1u);
  for (std::uint64_t i = 0; i < 2 * kTicks / 20'000 && !sibling_runs(); ++i) guests.pass(2000);
  ASSERT_TRUE(sibling_runs());
  ASSERT_EQ(bench.ecall(0, kIpi, 0, {1, 0}).error, 0);
  for (unsigned i = 0; i < 64 && (bench.on[0] == nullptr || bench.on[0]->id != first); ++i) guests.pass(2000);
  ASSERT_EQ(bench.on[0]->id, first);
  EXPECT_EQ(bench.core->vcpu(first).starved, 0u);
  EXPECT_GT(guests.count(1, SharingCounter::pause_ticks), 0u);
}

// Under `credit`, and with a cap: what the scan takes is not what the VM has had.
TEST(Sharing, AScanIsNotTheTimeOfTheVmThatItInterrupts) {
  for (const bool scans : {false, true}) {
    BundleDescription description = with_policy(scans ? SharingPolicy::content_scan : SharingPolicy::none);
    description.scheduler = SchedulerPolicy::credit;
    description.cap_period_us = 10'000;
    Bench bench;
    bench.machine.cycles_per_tick = 4;
    bench.machine.cost[static_cast<std::size_t>(Work::content_word)] = 1;  // 128 ticks a page
    description.sharing.pages_per_second = 40'000;                         // every 250 ticks
    description.sharing.content_step_pages = 4;
    BundleVm vm = small_vm("capped");
    vm.share.cap_percent = 40;
    description.vms = {vm};
    bench.start(description);
    std::uint64_t had = 0;
    while (bench.machine.ticks < 10'000'000) {
      const std::uint64_t until = bench.next_interrupt(0);
      if (bench.on[0] != nullptr) had += until - bench.machine.ticks;
      bench.machine.ticks = until;
      bench.on[0] != nullptr ? bench.timer(0) : bench.interrupt_idle(0);
    }
    EXPECT_GE(bench.core->vm(0).sharing[SharingCounter::content_scanned_pages], scans ? 1000u : 0u);
    EXPECT_NEAR(static_cast<double>(had) / 10e6, 0.4, 0.01) << (scans ? "with scans" : "without");
  }
}

// A guest that says what is not: it loses what it had there, and nobody else does.
TEST(Sharing, AMapThatLiesHarmsItsOwnVmOnly) {
  Guests guests(with_policy(SharingPolicy::memory_map_and_content_scan));
  for (std::uint64_t n = 0; n < guests.pages(); ++n) guests.fill(1, n, 0x1111 + n);
  guests.publish(0);
  Random random(4);
  abi::MemoryMapDescriptor descriptor{};
  for (unsigned round = 0; round < 300; ++round) {
    descriptor = {.magic = abi::kMemoryMapMagic,
                  .entries = kBase + (random() % 3 == 0 ? random() : random() % (1 << 20)),
                  .first_page = kBase + random() % 300 * kPageBytes,
                  .pages = random() % 2 == 0 ? random() : random() % 300,
                  .entry_bytes = static_cast<std::uint32_t>(random() % 17 * 4),
                  .state_offset = static_cast<std::uint32_t>(random() % 70),
                  .state_mask = static_cast<std::uint32_t>(random() % 4),
                  .state_free = static_cast<std::uint32_t>(random() % 4),
                  .order_offset = static_cast<std::uint32_t>(random() % 70),
                  .order_mask = static_cast<std::uint32_t>(random() % 32),
                  .since_offset = static_cast<std::uint32_t>(random() % 70),
                  .reserved = 0};
    if (!guests.store(0, Gpa{kDescriptorAt}, &descriptor, sizeof descriptor)) break;
    guests.scan(6);
    audit_memory(guests.bench);
    if (testing::Test::HasFailure()) return;
  }
  for (std::uint64_t n = 0; n < guests.pages(); ++n) EXPECT_EQ(guests.load(1, Guests::page(n)), 0x1111 + n);
}

// The hypervisor's own audit of memory, which soak tests rely on, finds what a test plants, and nothing else.
TEST(Sharing, TheAuditOfMemoryFindsAWritableSharedPageAndNothingElse) {
  BundleDescription description = with_policy(SharingPolicy::memory_map_and_content_scan);
  description.audit_exits = 1;
  Guests guests(description);
  guests.publish(0);
  for (std::uint64_t n = 0; n < guests.pages(); ++n) guests.fill(n % 2, n, 0x2222);
  for (std::uint64_t n = 0; n < guests.pages(); n += 3) guests.set_map(0, n, true);
  guests.scan(600);
  EXPECT_GT(guests.count(0, SharingCounter::shared_pages), 0u);
  EXPECT_GT(guests.count(1, SharingCounter::merged_pages), 0u);
  EXPECT_EQ(guests.bench.machine.console.find("audit failed"), std::string::npos)
      << guests.bench.machine.console;
  Arch& arch = guests.bench.harts[0];
  const auto leaf = guests.bench.core->vm(0).table.leaf(arch, Guests::page(0));
  ASSERT_TRUE(leaf && leaf->right == LeafRight::shared);
  arch.write_word(leaf->entry, arch.read_word(leaf->entry) | hvsim::isa::pte::w);
  guests.scan(600);
  EXPECT_NE(guests.bench.machine.console.find("audit failed: "), std::string::npos);
}

// What leaves all sums as they were.
struct Planted : testing::Test {
  Guests guests{description()};
  static BundleDescription description() {
    BundleDescription all = with_policy(SharingPolicy::memory_map_and_content_scan);
    all.audit_exits = 1;
    return all;
  }
  Planted() {
    guests.publish(0);
    for (std::uint64_t n = 0; n < guests.pages(); ++n) guests.fill(n % 2, n, n % 16 < 4 ? n : 0x2222 + n % 4);
    for (std::uint64_t n = 0; n < guests.pages(); n += 6) guests.set_map(0, n, true);
    guests.scan(1500);
    EXPECT_EQ(found(), "");
  }
  std::string found() {
    guests.scan(600);
    const std::string& console = guests.bench.machine.console;
    const auto at = console.find("audit failed");
    return at == std::string::npos ? "" : console.substr(at, console.find('\n', at) - at);
  }
  std::vector<StageTwoTable::Leaf> leaves(LeafRight right) {
    std::vector<StageTwoTable::Leaf> all;
    for (std::uint64_t n = 0; n < guests.pages(); ++n) {
      const auto leaf = guests.bench.core->vm(1).table.leaf(guests.bench.harts[0], Guests::page(n));
      if (leaf && leaf->level == 0 && leaf->right == right &&
          !guests.bench.core->frames().is_zero(leaf->frame))
        all.push_back(*leaf);
    }
    return all;
  }
  void map(const StageTwoTable::Leaf& leaf, Hpa frame) {
    Arch& arch = guests.bench.harts[0];
    const std::uint64_t flags = arch.read_word(leaf.entry) & 0x3FF;
    arch.write_word(leaf.entry, frame.value >> 12 << 10 | flags);
  }
};

TEST_F(Planted, AFrameThatIsOwnedTwiceIsFoundThoughAnotherIsLost) {
  const auto own = leaves(LeafRight::write);
  ASSERT_GE(own.size(), 2u);
  map(own[0], own[1].frame);
  EXPECT_THAT(found(), testing::HasSubstr("a frame has two owners"));
}

TEST_F(Planted, ReferencesAreFoundThatAreRightOnlyInSum) {
  const auto merged = leaves(LeafRight::shared);
  ASSERT_GE(merged.size(), 2u);
  std::size_t other = 1;
  while (other < merged.size() && merged[other].frame == merged[0].frame) ++other;
  ASSERT_LT(other, merged.size());
  map(merged[0], merged[other].frame);
  EXPECT_THAT(found(), testing::HasSubstr("references to shared frames"));
}

TEST_F(Planted, AWriteToThePageOfZeroesIsFound) {
  Arch& arch = guests.bench.harts[0];
  const auto leaf = guests.bench.core->vm(0).table.leaf(arch, Guests::page(0));
  ASSERT_TRUE(guests.bench.core->frames().is_zero(leaf->frame));
  for (std::uint64_t n = 0; n < guests.pages(); ++n) {
    const auto at = guests.bench.core->vm(0).table.lookup(arch, Guests::page(n))->at;
    if (guests.bench.core->frames().is_zero(at)) arch.write_word(at + 8, 1);
  }
  EXPECT_THAT(found(), testing::HasSubstr("the page of zeroes"));
}

// The canary: every word that a VM ever reads is zero or its own.
void watch_canary(const BundleDescription& description, bool maps, bool releases) {
  Guests guests(description, 256 << 10, 3);
  for (unsigned vm = 0; vm < 3; ++vm)
    if (maps) guests.publish(vm);
  Random random(7);
  std::array<std::array<std::uint64_t, 64>, 3> expected{};
  for (unsigned step = 0; step < 1500; ++step) {
    const unsigned vm = static_cast<unsigned>(random() % 3);
    const std::uint64_t n = random() % guests.pages();
    const std::uint64_t owner = std::uint64_t{vm + 1} << 32;
    switch (random() % 4) {
      case 0:
      case 1:
        if (maps) guests.set_map(vm, n, false);
        expected[vm][n] = owner | random() % 3;  // few values, so that contents meet
        guests.fill(vm, n, expected[vm][n]);
        break;
      case 2:
        expected[vm][n] = 0;  // anything of its own
        if (maps) guests.set_map(vm, n, true);
        if (releases && guests.run(vm))
          guests.bench.call(0, abi::Hypercall::page_release, {Guests::page(n).value, 0});
        break;
      default:
        guests.scan(3);
    }
    const std::uint64_t seen = guests.load(vm, Guests::page(n) + 8 * (random() % 512));
    ASSERT_TRUE(seen == 0 || seen >> 32 == vm + 1) << "VM " << vm << " sees " << std::hex << seen;
    ASSERT_TRUE(expected[vm][n] == 0 || seen == expected[vm][n]) << "VM " << vm << " lost page " << n;
    audit_memory(guests.bench);
    if (testing::Test::HasFailure()) return;
  }
}

class Canary : public testing::TestWithParam<SharingPolicy> {};
INSTANTIATE_TEST_SUITE_P(Policies, Canary,
                         testing::Values(SharingPolicy::none, SharingPolicy::content_scan,
                                         SharingPolicy::balloon, SharingPolicy::free_page_reporting,
                                         SharingPolicy::memory_map,
                                         SharingPolicy::memory_map_and_content_scan, SharingPolicy::oracle));

TEST_P(Canary, NoFrameEverShowsWhatAnotherVmWrote) {
  BundleDescription description = with_policy(GetParam());
  description.sharing.demand = GetParam() != SharingPolicy::none;
  watch_canary(description, scans_maps(GetParam()), takes_back(GetParam()));
}

TEST(ChangingPolicies, NoFrameEverShowsWhatAnotherVmWrote) {
  for (const bool demand : {false, true}) {
    BundleDescription description;
    description.sharing.demand = demand;
    Random random(demand ? 3 : 2);
    for (std::uint32_t at = 0; description.switches.size() < kMaxPolicySwitches; at += 1500)
      description.switches.push_back(
          {at, random() % 2 == 0 ? SchedulerPolicy::credit : SchedulerPolicy::round_robin,
           static_cast<SharingPolicy>(random() % kSharingPolicyNames.size())});
    watch_canary(description, true, true);
  }
}

}  // namespace
}  // namespace hv
