// The canary of sharing_test.cpp with harts that use what they once translated until a fence takes it away:
// whatever they reach holds zeroes or what its VM wrote, and no frame is free while one can reach it. Without
// the second fence of sharing both break, so the test sees what it looks for.
#include <gtest/gtest.h>

#include <array>
#include <tuple>

#include "tests/hypervisor/held_translations.h"
#include "tests/hypervisor/random.h"
#include "tests/hypervisor/sharing_audit.h"
#include "tests/hypervisor/sharing_guests.h"

namespace hv {
namespace {

constexpr unsigned kVms = 3, kSteps = 1200;

struct Found {
  std::uint64_t foreign = 0;     // words of another VM that a translation reached
  std::uint64_t too_early = 0;   // frames that became free while one reached them
  std::uint64_t lost = 0;        // words that are not what their VM wrote there last
  std::uint64_t given_back = 0;  // pages whose frames went to the pool
};

class StaleCanary {
 public:
  StaleCanary(const BundleDescription& description, unsigned harts, bool maps, bool releases)
      : guests_(description, 256 << 10, kVms, 1, harts),
        held_(guests_.bench),
        maps_(maps),
        releases_(releases) {
    for (unsigned vm = 0; vm < kVms && maps; ++vm) guests_.publish(vm);
  }

  Found run() {
    for (unsigned step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      act(random_() % kVms, random_() % guests_.pages());
      look_at_all();
      audit_memory(guests_.bench);
    }
    for (unsigned vm = 0; vm < kVms; ++vm) {
      found_.given_back += guests_.count(vm, SharingCounter::peak_shared_pages);
      EXPECT_TRUE(guests_.run(vm));
      guests_.bench.call(*guests_.hart_of(vm), abi::Hypercall::power_off);
    }
    found_.too_early = held_.freed_too_early();
    return found_;
  }

 private:
  static std::uint64_t tag(std::uint64_t vm) { return (vm + 1) << 32; }

  void act(std::uint64_t number, std::uint64_t page) {
    const auto vm = static_cast<unsigned>(number);
    switch (random_() % 4) {
      case 0:
      case 1:
        if (maps_) guests_.set_map(vm, page, false);
        fill(vm, page, tag(vm) | random_() % 3);  // few values, so that contents meet
        break;
      case 2:
        expected_[vm][page] = 0;  // anything of its own
        if (maps_) guests_.set_map(vm, page, true);
        if (releases_ && guests_.run(vm))
          guests_.bench.call(*guests_.hart_of(vm), abi::Hypercall::page_release,
                             {Guests::page(page).value, 0});
        break;
      default:
        guests_.scan(3);
    }
    if (!guests_.run(vm)) return;
    const std::uint64_t offset = 8 * (random_() % 512);
    const unsigned hart = *guests_.hart_of(vm);
    const std::uint64_t seen =
        guests_.bench.harts[hart].read_word(held_.use(hart, vm, Guests::page(page)).frame + offset);
    if (expected_[vm][page] != 0 && seen != expected_[vm][page]) ++found_.lost;
  }

  void fill(unsigned vm, std::uint64_t page, std::uint64_t value) {
    std::array<std::uint64_t, 512> words;
    words.fill(value);
    for (unsigned tries = 0; tries < 4 && guests_.run(vm); ++tries) {
      const unsigned hart = *guests_.hart_of(vm);
      const auto to = held_.use(hart, vm, Guests::page(page));
      if (to.writable) {
        guests_.bench.harts[hart].copy_out(to.frame, words.data(), sizeof words);
        expected_[vm][page] = value;
        return;
      }
      ASSERT_TRUE(guests_.fault(vm, Guests::page(page)));
    }
    ADD_FAILURE() << "the store faults again and again";
  }

  // What each VM would read on each hart.
  void look_at_all() {
    Arch& arch = guests_.bench.harts[0];
    const std::uint64_t offset = 8 * (random_() % 512);
    held_.for_each([&](unsigned vm, const HeldTranslations::Translation& held) {
      const std::uint64_t seen = arch.read_word(held.frame + offset);
      if (seen != 0 && seen >> 32 != vm + 1) ++found_.foreign;
    });
  }

  Guests guests_;
  HeldTranslations held_;
  Random random_{7};
  std::array<std::array<std::uint64_t, 64>, kVms> expected_{};
  Found found_;
  bool maps_, releases_;
};

Found watch(SharingPolicy policy, unsigned harts, SharingAblation ablation = SharingAblation::none) {
  BundleDescription description = with_policy(policy);
  description.sharing.demand = policy != SharingPolicy::none;
  description.sharing.ablation = ablation;
  return StaleCanary(description, harts, scans_maps(policy), takes_back(policy)).run();
}

using Case = std::tuple<SharingPolicy, unsigned>;
class StaleTranslations : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Policies, StaleTranslations,
    testing::Combine(testing::Values(SharingPolicy::none, SharingPolicy::content_scan, SharingPolicy::balloon,
                                     SharingPolicy::free_page_reporting, SharingPolicy::memory_map,
                                     SharingPolicy::memory_map_and_content_scan, SharingPolicy::oracle),
                     testing::Values(1u, 2u)));

TEST_P(StaleTranslations, NeverReachWhatAnotherVmWrote) {
  const auto [policy, harts] = GetParam();
  const Found found = watch(policy, harts);
  EXPECT_EQ(found.foreign, 0u);
  EXPECT_EQ(found.too_early, 0u);
  EXPECT_EQ(found.lost, 0u);
  if (policy != SharingPolicy::none) {
    EXPECT_GT(found.given_back, 0u);
  }
}

class WithoutTheSecondFence : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Policies, WithoutTheSecondFence,
    testing::Combine(testing::Values(SharingPolicy::content_scan, SharingPolicy::balloon,
                                     SharingPolicy::free_page_reporting, SharingPolicy::memory_map,
                                     SharingPolicy::memory_map_and_content_scan, SharingPolicy::oracle),
                     testing::Values(1u, 2u)));

TEST_P(WithoutTheSecondFence, TheyDo) {
  const auto [policy, harts] = GetParam();
  const Found found = watch(policy, harts, SharingAblation::no_second_fence);
  EXPECT_GT(found.foreign, 0u);
  EXPECT_GT(found.too_early, 0u);
}

TEST(StaleTranslationsWhilePoliciesChange, NeverReachWhatAnotherVmWrote) {
  for (const bool demand : {false, true}) {
    BundleDescription description;
    description.sharing.demand = demand;
    Random random(demand ? 3 : 2);
    for (std::uint32_t at = 0; description.switches.size() < kMaxPolicySwitches; at += 1500)
      description.switches.push_back({at, SchedulerPolicy::round_robin,
                                      static_cast<SharingPolicy>(random() % kSharingPolicyNames.size())});
    const Found found = StaleCanary(description, 2, true, true).run();
    EXPECT_EQ(found.foreign, 0u);
    EXPECT_EQ(found.too_early, 0u);
    EXPECT_EQ(found.lost, 0u);
  }
}

}  // namespace
}  // namespace hv
