// Where stores wait on their way to memory: a queue of committed stores, then words that collect stores until
// they are sent. Times only; what is written is the engine's business.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/cpu/isa/types.h"
#include "models/cpu/pipeline_config.h"

namespace hvsim::cpu {

class WriteBuffer {
 public:
  static constexpr unsigned kMax = 32;

  WriteBuffer(const PipelineConfig& config, isa::Cycles write_latency)
      : words_(config.write_buffer_words),
        transactions_(config.write_transactions),
        busy_(config.write_transaction + write_latency) {}

  // A store's word arrives at `at` or later: when it is in. A word that was not sent yet takes it along; one
  // that is on its way is sent once more when its answer is there.
  isa::Cycles accept(std::uint64_t word, isa::Cycles at) {
    Entry* oldest = entries_.data();
    for (unsigned i = 0; i < words_; ++i) {
      Entry& entry = entries_[i];
      if (entry.word == word && at < entry.answered) {
        if (at >= entry.sent) send(entry, entry.answered);
        return at;
      }
      if (entry.answered < oldest->answered) oldest = &entry;
    }
    at = std::max(at, oldest->answered);
    oldest->word = word;
    send(*oldest, at);
    return at;
  }

  // A load's miss needs one of the transactions too, and goes before words that wait: when it can begin.
  isa::Cycles read(isa::Cycles at, isa::Cycles cycles) {
    unsigned under_way = 0;
    isa::Cycles first_answer = ~isa::Cycles{0};
    for (unsigned i = 0; i < words_; ++i) {
      const Entry& entry = entries_[i];
      if (entry.sent > at || entry.answered <= at) continue;
      ++under_way;
      first_answer = std::min(first_answer, entry.answered);
    }
    if (under_way >= transactions_) at = first_answer;
    isa::Cycles& slot = *std::min_element(free_.begin(), free_.begin() + transactions_);
    slot = std::max(slot, at + cycles);
    return at;
  }

  isa::Cycles empty_at() const { return empty_at_; }
  void shift(isa::Cycles cycles) {
    for (Entry& entry : entries_) entry.sent += cycles, entry.answered += cycles;
    for (isa::Cycles& free : free_) free += cycles;
    empty_at_ += cycles;
  }

 private:
  struct Entry {
    std::uint64_t word = ~std::uint64_t{0};
    isa::Cycles sent = 0, answered = 0;
  };

  void send(Entry& entry, isa::Cycles at) {
    isa::Cycles& slot = *std::min_element(free_.begin(), free_.begin() + transactions_);
    entry.sent = std::max(at, slot);
    entry.answered = slot = entry.sent + busy_;
    empty_at_ = std::max(empty_at_, entry.answered);
  }

  std::array<Entry, kMax> entries_{};
  std::array<isa::Cycles, kMax> free_{};  // when each transaction can be used again
  unsigned words_, transactions_;
  isa::Cycles busy_;
  isa::Cycles empty_at_ = 0;
};

// The `fast` mode's stores through a write buffer: a stall where the queue before it is full.
class StoreQueue {
 public:
  StoreQueue(const PipelineConfig& config, isa::Cycles write_latency)
      : buffer_(config, write_latency), places_(config.store_queue + config.commit_queue) {}

  isa::Cycles stall(std::uint64_t address, isa::Cycles at) {
    const isa::Cycles room = std::max(at, drains_[(stores_ - places_) % kMost]);
    drained_ = buffer_.accept(address >> 3, std::max(room, drained_ + 1));
    drains_[stores_++ % kMost] = drained_;
    return room - at;
  }
  isa::Cycles read_stall(isa::Cycles at, isa::Cycles cycles) { return buffer_.read(at, cycles) - at; }

 private:
  static constexpr unsigned kMost = 32;
  WriteBuffer buffer_;
  unsigned places_, stores_ = 0;
  std::array<isa::Cycles, kMost> drains_{};
  isa::Cycles drained_ = 0;
};

}  // namespace hvsim::cpu
