// Two harts in the hypervisor at the same time on a fake machine, in an order that the test chooses. Each is
// a thread, but only one of them runs; the other goes on at an operation (FakeMachine::on_operation) of the
// first. Same schedule, same run.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <semaphore>
#include <span>
#include <thread>

#include "arch.h"

namespace hv {

class TwoHarts {
 public:
  explicit TwoHarts(FakeMachine& machine) : machine_(machine) {}

  // Harts change after so many operations each, the first of `turns` being one of `first`; at the end of
  // `turns` each runs to its end. Whoever waits for the other lets it go on. The results are the operations
  // of each.
  std::array<std::uint64_t, 2> run(std::function<void()> first, std::function<void()> second,
                                   std::span<const std::uint64_t> turns) {
    turns_ = turns;
    operations_ = {};
    done_ = {};
    running_ = 0;
    begin_turn();
    machine_.on_operation = [this] { operation(); };
    machine_.on_wait = [this] { wait(); };
    std::thread one([&] { live(0, first); }), two([&] { live(1, second); });
    go_[0].release();
    one.join();
    two.join();
    machine_.on_operation = nullptr;
    machine_.on_wait = nullptr;
    return operations_;
  }

 private:
  static constexpr std::uint64_t kToTheEnd = ~std::uint64_t{0};

  void live(unsigned hart, const std::function<void()>& work) {
    go_[hart].acquire();
    work();
    done_[hart] = true;
    if (!done_[1 - hart]) hand_over();
  }
  void begin_turn() {
    left_ = turns_.empty() ? kToTheEnd : turns_[0];
    if (!turns_.empty()) turns_ = turns_.subspan(1);
  }
  void hand_over() {
    running_ = 1 - running_;
    begin_turn();
    go_[running_].release();
  }
  void operation() {
    ++operations_[running_];
    if (left_ == kToTheEnd || left_-- != 0 || done_[1 - running_]) return;
    change();
  }
  void wait() {
    if (done_[1 - running_]) {
      ADD_FAILURE() << "hart " << running_ << " waits for nobody";
      std::abort();  // it would wait for ever
    }
    change();
  }
  void change() {
    const unsigned hart = running_;
    hand_over();
    go_[hart].acquire();
  }

  FakeMachine& machine_;
  std::array<std::binary_semaphore, 2> go_{std::binary_semaphore{0}, std::binary_semaphore{0}};
  std::span<const std::uint64_t> turns_{};
  std::uint64_t left_ = 0;
  std::array<std::uint64_t, 2> operations_{};
  std::array<bool, 2> done_{};
  unsigned running_ = 0;
};

}  // namespace hv
