// Both schedulers in random worlds: fair by weight within a stated bound, caps kept, no hart idle beside
// work, nobody starved, tables sound after each step.
#include <numeric>

#include "tests/hypervisor/scheduler_world.h"

namespace hv {
namespace {

constexpr std::uint64_t kAnywhere = ~std::uint64_t{0}, kSlice = World::kSlice;
constexpr World::Behaviour kBusy{};

double number(std::uint64_t value) { return static_cast<double>(value); }

struct Contender {
  std::uint32_t weight;
  unsigned vcpus;
  unsigned vm;
};

// What each gets of `harts` when time is handed out by weight and nobody can use more harts than it has
// VCPUs; what those cannot use is shared out again.
std::vector<double> fair_shares(const std::vector<Contender>& all, double harts) {
  std::vector<double> shares(all.size(), 0);
  std::vector<bool> full(all.size(), false);
  for (bool changed = true; changed;) {
    changed = false;
    double left = harts, weights = 0;
    for (std::size_t i = 0; i < all.size(); ++i) (full[i] ? left -= all[i].vcpus : weights += all[i].weight);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (full[i]) continue;
      shares[i] = left * all[i].weight / weights;
      if (shares[i] <= all[i].vcpus) continue;
      shares[i] = all[i].vcpus;
      full[i] = changed = true;
    }
  }
  return shares;
}

// VMs that always want to run, on harts that all of them may use, get their share up to so many slices per
// VCPU of their own, however long it lasts.
constexpr double kBound = 2;

void expect_fair(const World& world, const std::vector<Contender>& all, double harts, std::uint64_t length,
                 double slice) {
  const auto shares = fair_shares(all, harts);
  for (std::size_t i = 0; i < all.size(); ++i)
    ASSERT_NEAR(number(world.had(all[i].vm)), shares[i] * number(length), kBound * slice * all[i].vcpus)
        << "VM " << i << " of " << all.size() << ", weight " << all[i].weight << ", " << all[i].vcpus
        << " VCPUs, share " << shares[i];
}

TEST(Credit, SharesHartsByWeightWithinTwoSlicesPerVcpu) {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const unsigned harts = 1 + random() % 16;
    // Every third world has VCPUs that overrun their slices by up to half (drains, long hypercalls).
    const std::uint64_t overrun = seed % 3 == 0 ? kSlice / 2 : 0;
    World world(harts, SchedulerPolicy::credit, seed);
    std::vector<Contender> all;
    for (unsigned total = 0; total <= harts || all.size() < 2;) {
      const unsigned vcpus = 1 + random() % 4;
      const std::uint32_t weight = 50 + random() % 1000;
      all.push_back({weight, vcpus,
                     world.add_vm({.weight = weight, .cap_percent = 0}, kAnywhere,
                                  std::vector<World::Behaviour>(vcpus, {.overrun = overrun}))});
      total += vcpus;
    }
    const std::uint64_t length = 1000 * kSlice, from = world.now();
    world.run_until(from + length);
    expect_fair(world, all, harts, length, number(kSlice + overrun));
    if (HasFatalFailure()) return;
    world.expect_sound();
  }
}

TEST(Credit, HonoursWeightsOnEachHartThatVmsArePinnedTo) {
  World world(2, SchedulerPolicy::credit, 1);
  std::vector<Contender> first, second;
  for (const std::uint32_t weight : {100u, 300u, 600u}) {
    first.push_back({weight, 1, world.add_vm({.weight = weight, .cap_percent = 0}, 0b01, {kBusy})});
    second.push_back(
        {1000 - weight, 1, world.add_vm({.weight = 1000 - weight, .cap_percent = 0}, 0b10, {kBusy})});
  }
  const std::uint64_t length = 1000 * kSlice, from = world.now();
  world.run_until(from + length);
  expect_fair(world, first, 1, length, kSlice);
  expect_fair(world, second, 1, length, kSlice);
}

TEST(Credit, GivesASleeperNoMoreThanItsShareAndOneSlicePerNap) {
  World world(1, SchedulerPolicy::credit, 5);
  const unsigned sleeper =
      world.add_vm({}, kAnywhere, {{.busy = 2 * kSlice, .idle = kSlice / 4}});  // wants eight ninths
  const unsigned busy = world.add_vm({}, kAnywhere, {kBusy});
  const std::uint64_t length = 2000 * kSlice, from = world.now();
  world.run_until(from + length);
  EXPECT_LT(number(world.had(sleeper)), 0.60 * number(length));
  EXPECT_GT(number(world.had(busy)), 0.40 * number(length));
}

// Round robin lets the woken one wait for the slices of all others.
TEST(Credit, LetsOneThatSleptMostOfTheTimeRunAtOnce) {
  std::uint64_t waited[2];
  for (const auto policy : {SchedulerPolicy::round_robin, SchedulerPolicy::credit}) {
    World world(1, policy, 7);
    const unsigned sleeper = world.add_vm({}, kAnywhere, {{.busy = kSlice / 20, .idle = 20 * kSlice}});
    for (unsigned i = 0; i < 3; ++i) world.add_vm({}, kAnywhere, {kBusy});
    world.run_until(world.now() + 4000 * kSlice);
    waited[static_cast<unsigned>(policy)] =
        world.times(sleeper)[static_cast<std::size_t>(Scheduler::Activity::ready)];
  }
  EXPECT_GT(waited[0], 100 * kSlice);
  EXPECT_EQ(waited[1], 0u);
}

// A cap may be overdrawn by the slices that are under way when it is used up, and that is taken off later.
TEST(Credit, KeepsCapsOverEveryNumberOfPeriods) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const unsigned harts = 1 + random() % 4;
    World world(harts, SchedulerPolicy::credit, seed);
    struct Capped {
      unsigned vm, vcpus;
      std::uint32_t percent;
    };
    std::vector<Capped> all;
    for (unsigned i = 0; i < 6; ++i) {
      const unsigned vcpus = 1 + random() % 3;
      const std::uint32_t percent = random() % 3 == 0 ? 0 : 5 + random() % 150;
      const World::Behaviour behaviour =
          random() % 2 == 0 ? kBusy
                            : World::Behaviour{.busy = 1 + random() % 5000, .idle = 1 + random() % 5000};
      all.push_back({world.add_vm({.weight = 256, .cap_percent = percent}, kAnywhere,
                                  std::vector<World::Behaviour>(vcpus, behaviour)),
                     vcpus, percent});
    }
    for (std::uint64_t periods = 1; periods <= 64; periods *= 2) {
      world.run_until(world.now() / World::kPeriod * World::kPeriod + World::kPeriod, true);
      std::vector<std::uint64_t> before;
      for (const Capped& capped : all) before.push_back(world.had(capped.vm));
      world.run_until(world.now() + periods * World::kPeriod, true);
      if (HasFatalFailure()) return;
      for (const Capped& capped : all) {
        if (capped.percent == 0) continue;
        const std::uint64_t allowed = periods * World::kPeriod * capped.percent / 100;
        ASSERT_LE(world.had(capped.vm) - before[capped.vm], allowed + capped.vcpus * kSlice)
            << capped.percent << " % over " << periods << " periods";
      }
    }
  }
}

TEST(Credit, GivesACappedVmItsWholeCapWhenHartsAreFree) {
  World world(2, SchedulerPolicy::credit, 3);
  const unsigned half = world.add_vm({.weight = 1, .cap_percent = 50}, kAnywhere, {kBusy});
  const unsigned most = world.add_vm({.weight = 1, .cap_percent = 140}, kAnywhere, {kBusy, kBusy});
  const std::uint64_t length = 1000 * kSlice, from = world.now();
  world.run_until(from + length);
  EXPECT_NEAR(number(world.had(half)), 0.5 * number(length), 2 * kSlice);
  EXPECT_NEAR(number(world.had(most)), 1.4 * number(length), 4 * kSlice);
}

// Nobody waits longer than twice the time in which each could have a slice by weight, and a slice.
TEST(Schedulers, StarveNobody) {
  for (const auto policy : {SchedulerPolicy::round_robin, SchedulerPolicy::credit})
    for (unsigned seed = 1; seed <= 30; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Random random(seed);
      const unsigned harts = 1 + random() % 4, vms = harts + 1 + random() % 12;
      World world(harts, policy, seed);
      std::uint64_t weights = 0;
      std::vector<std::uint32_t> weight;
      for (unsigned i = 0; i < vms; ++i) {
        weight.push_back(64 + random() % 960);
        weights += weight.back();
        const World::Behaviour behaviour =
            random() % 3 == 0 ? World::Behaviour{.busy = 1 + random() % 3000, .idle = 1 + random() % 3000}
                              : kBusy;
        world.add_vm({.weight = weight.back(), .cap_percent = 0}, kAnywhere, {behaviour});
      }
      world.run_until(world.now() + 3000 * kSlice);
      for (unsigned vm = 0; vm < vms; ++vm) {
        const std::uint64_t turn =
            policy == SchedulerPolicy::credit ? kSlice * weights / weight[vm] : kSlice * vms;
        ASSERT_LE(world.longest_wait(vm), 2 * turn + kSlice) << vm;
      }
    }
}

// Everything at once, tables audited after each step, and the policy changed in full run.
TEST(Schedulers, StaySoundInRandomWorldsWhosePolicyChanges) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const unsigned harts = 1 + random() % 6;
    World world(harts, seed % 2 == 0 ? SchedulerPolicy::credit : SchedulerPolicy::round_robin, seed);
    for (unsigned vm = 0; vm < 4 + random() % 12; ++vm) {
      const std::uint64_t anywhere = (std::uint64_t{1} << harts) - 1;
      const std::uint64_t mask = random() % 2 == 0 ? kAnywhere : 1 + random() % anywhere;
      std::vector<World::Behaviour> vcpus;
      for (unsigned i = 0; i <= random() % 4; ++i)
        vcpus.push_back({.busy = 1 + random() % 3000,
                         .idle = random() % 3 == 0 ? 0 : 1 + random() % 6000,
                         .overrun = random() % 2 * kSlice});
      world.add_vm({.weight = 1 + random() % 2000, .cap_percent = random() % 3 == 0 ? 1 + random() % 200 : 0},
                   mask, vcpus);
    }
    for (unsigned round = 0; round < 40; ++round) {
      world.run_until(world.now() + (1 + random() % 20) * kSlice, true);
      if (random() % 2 == 0)
        world.configure(random() % 2 == 0 ? SchedulerPolicy::credit : SchedulerPolicy::round_robin);
      world.expect_sound();
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace hv
