// A hart stops its slice timer because nobody waits for it, while another hart makes somebody ready for it,
// on real threads: one of the two must notice, or whoever waits gets no hart for as long as the VCPU there
// likes. The orders that TwoHarts explores are those of one memory; this is about what processors reorder.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "hypervisor/scheduler.h"

namespace hv {
namespace {

// Two VCPUs that may run on hart 0 only: one does, the other has blocked. Hart 1 wakes it up.
class Race {
 public:
  Race() {
    for (const VcpuId vcpu : {kSleeps, kRuns}) {
      scheduler_->add(vcpu, vcpu, 1);
      scheduler_->start(first_, vcpu);
    }
    EXPECT_EQ(scheduler_->take(first_), kSleeps);
    block();
  }

  void stop_timer() {
    scheduler_->set_untimed(first_, true);
    seen_ = !scheduler_->alone(first_);
  }
  void wake() { scheduler_->wake(second_, kSleeps); }

  bool seen() const { return seen_; }
  bool told() const { return !machine_.ipis.empty(); }

  // As before: the one that was woken gets the hart and blocks.
  void rest() {
    scheduler_->set_untimed(first_, false);
    EXPECT_EQ(scheduler_->take_instead(first_, kRuns), kSleeps);
    scheduler_->put_back(first_, kRuns);
    block();
    machine_.ipis.clear();
    machine_.marks.clear();
  }

 private:
  static constexpr VcpuId kSleeps = 0, kRuns = 1;

  void block() {
    scheduler_->begin_block(first_, kSleeps);
    EXPECT_TRUE(scheduler_->finish_block(first_, kSleeps, kNever));
    EXPECT_EQ(scheduler_->take(first_), kRuns);
  }

  FakeMachine machine_{4096};
  Arch first_{machine_, 0}, second_{machine_, 1};
  std::unique_ptr<Scheduler> scheduler_ = std::make_unique<Scheduler>();
  bool seen_ = false;
};

// Keeps two threads side by side while both have a processor. Whoever waited for long goes on alone.
class Pace {
 public:
  void step(unsigned thread, std::size_t number) {
    at_[thread].store(number, std::memory_order_relaxed);
    for (; patience_[thread] != 0 && at_[1 - thread].load(std::memory_order_relaxed) < number;
         --patience_[thread]) {
    }
  }

 private:
  static constexpr std::uint64_t kLooks = 5'000'000;  // a few milliseconds
  std::array<std::atomic<std::size_t>, 2> at_{};
  std::array<std::uint64_t, 2> patience_{kLooks, kLooks};
};

TEST(UntimedRace, SomebodyNoticesWhoBecomesReady) {
  constexpr std::size_t races = 256;
  std::vector<Race> all(races);
  std::size_t both = 0, seen = 0, told = 0, neither = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  do {
    Pace pace;
    std::thread waker([&] {
      for (std::size_t i = 0; i < races; ++i) {
        pace.step(1, i + 1);
        all[i].wake();
      }
    });
    for (std::size_t i = 0; i < races; ++i) {
      pace.step(0, i + 1);
      // Waking takes longer than stopping a timer: the moments that matter are tried one after the other.
      for (std::size_t left = i * 2; left != 0; --left) std::atomic_signal_fence(std::memory_order_seq_cst);
      all[i].stop_timer();
    }
    waker.join();
    for (Race& race : all) {
      ++(race.seen() && race.told() ? both : race.seen() ? seen : race.told() ? told : neither);
      race.rest();
    }
  } while (std::chrono::steady_clock::now() < end);
  EXPECT_EQ(neither, 0u) << both << " noticed by both, " << seen << " by the hart, " << told
                         << " by the waker";
  RecordProperty("both", std::to_string(both));
  RecordProperty("seen", std::to_string(seen));
  RecordProperty("told", std::to_string(told));
}

}  // namespace
}  // namespace hv
