// messages without a machine: groups of tasks that send each other messages through small mailboxes, as the
// benchmark hackbench does. Tasks are dealt out to VCPUs; what is received does not depend on how they run.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/kernels/checksum.h"

namespace workload::messages {

struct Parameters {
  std::uint64_t groups;    // that have nothing to do with each other
  std::uint64_t pairs;     // senders and as many receivers in a group
  std::uint64_t messages;  // from each sender to each receiver of its group
  std::uint64_t seed;
};

inline constexpr std::uint64_t kMostTasks = 256;

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  return {.groups = arguments.number("groups", 4, 1, 16),
          .pairs = arguments.number("pairs", 4, 1, 8),
          .messages = arguments.number("messages", 100, 1, 1'000'000'000),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

struct Message {
  std::uint64_t sender = 0, number = 0;
  std::array<std::uint64_t, 10> text{};  // about hackbench's 100 bytes
};

constexpr Message write_message(std::uint64_t seed, std::uint64_t sender, std::uint64_t receiver,
                                std::uint64_t number) {
  Message message{.sender = sender, .number = number, .text = {}};
  Checksum words;
  words.add(seed ^ sender << 32 ^ receiver);
  for (std::uint64_t& word : message.text) {
    words.add(number);
    word = words.value();
  }
  return message;
}

// Of one message for its receiver; summed over all of them, so that their order does not matter.
constexpr std::uint64_t read_message(const Message& message, std::uint64_t receiver) {
  Checksum sum;
  sum.add(receiver);
  sum.add(message.sender);
  sum.add(message.number);
  for (const std::uint64_t word : message.text) sum.add(word);
  return sum.value();
}

// A receiver's mailbox, for all senders of its group.
class Mailbox {
 public:
  static constexpr std::uint64_t kCapacity = 8;

  // False: it is full.
  bool put(const Message& message) {
    const Locked locked(taken_);
    if (put_ - got_ == kCapacity) return false;
    slots_[put_++ % kCapacity] = message;
    return true;
  }
  bool get(Message& message) {  // false: it is empty
    const Locked locked(taken_);
    if (put_ == got_) return false;
    message = slots_[got_++ % kCapacity];
    return true;
  }

 private:
  struct Locked {
    explicit Locked(std::atomic_flag& flag) : taken(flag) {
      while (taken.test_and_set(std::memory_order_acquire)) {
      }
    }
    ~Locked() { taken.clear(std::memory_order_release); }
    std::atomic_flag& taken;
  };
  std::atomic_flag taken_;
  std::uint64_t put_ = 0, got_ = 0;
  std::array<Message, kCapacity> slots_{};
};

struct Task {
  std::uint64_t done = 0;  // messages sent or received
  std::uint64_t sum = 0;
  Mailbox mailbox;  // of a receiver
};

class Exchange {
 public:
  Exchange(const Parameters& parameters, std::span<Task> tasks) : parameters_(parameters), tasks_(tasks) {}
  static constexpr std::uint64_t tasks(const Parameters& parameters) {
    return parameters.groups * parameters.pairs * 2;
  }

  // Plays the tasks first, first + step, ... until all have sent and received everything. `peers(task)`:
  // something happened that this task may be waiting for. `pause()`: none of them can go on.
  template <class Peers, class Pause>
  void run(std::uint64_t first, std::uint64_t step, Peers&& peers, Pause&& pause) {
    for (;;) {
      bool moved = false, finished = true;
      for (std::uint64_t task = first; task < tasks(parameters_); task += step) {
        moved |= play(task, peers);
        finished &= tasks_[task].done == wanted();
      }
      if (finished) return;
      if (!moved) pause();
    }
  }

  std::uint64_t checksum() const {
    Checksum all;
    for (const Task& task : tasks_.first(tasks(parameters_))) all.add(task.sum);
    return all.value();
  }
  std::uint64_t total() const { return wanted() * parameters_.groups * parameters_.pairs; }

 private:
  bool sends(std::uint64_t task) const { return task / parameters_.pairs % 2 == 0; }
  // The first task of the other side in its group.
  std::uint64_t others_of(std::uint64_t task) const {
    return task / (2 * parameters_.pairs) * 2 * parameters_.pairs + (sends(task) ? parameters_.pairs : 0);
  }
  std::uint64_t wanted() const { return parameters_.pairs * parameters_.messages; }

  template <class Peers>
  bool play(std::uint64_t task, Peers& peers) {
    return sends(task) ? send(task, peers) : receive(task, peers);
  }
  template <class Peers>
  bool send(std::uint64_t task, Peers& peers) {
    Task& self = tasks_[task];
    bool moved = false;
    while (self.done != wanted()) {
      const std::uint64_t receiver = others_of(task) + self.done % parameters_.pairs;
      if (!tasks_[receiver].mailbox.put(write_message(parameters_.seed, task, receiver, self.done))) break;
      ++self.done;
      moved = true;
      peers(receiver);
    }
    return moved;
  }
  template <class Peers>
  bool receive(std::uint64_t task, Peers& peers) {
    Task& self = tasks_[task];
    bool moved = false;
    for (Message message; self.done != wanted() && self.mailbox.get(message);) {
      self.sum += read_message(message, task);
      ++self.done;
      moved = true;
    }
    if (moved)
      for (std::uint64_t i = 0; i < parameters_.pairs; ++i) peers(others_of(task) + i);
    return moved;
  }

  Parameters parameters_;
  std::span<Task> tasks_;
};

}  // namespace workload::messages
