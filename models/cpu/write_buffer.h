// Where stores wait on their way to memory: a queue of committed stores, then words that collect stores until
// they are sent. Times only; what is written is the engine's business.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "models/cpu/isa/types.h"
#include "models/cpu/pipeline_config.h"
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

// So many things in the order of a time that each has; one that gets a new time mostly becomes the last.
template <class T, isa::Cycles T::*time, unsigned kMost>
class InOrderOfTime {
 public:
  explicit InOrderOfTime(unsigned count) : count_(count) {}

  const T& first() const { return things_[first_]; }
  void replace_first(const T& by) {
    unsigned place = first_;
    first_ = after(first_);
    for (; place != first_ && things_[before(place)].*time > by.*time; place = before(place))
      things_[place] = things_[before(place)];
    things_[place] = by;
  }
  // Another one than the first.
  void replace(unsigned place, const T& by) {
    for (; place != first_; place = before(place)) things_[place] = things_[before(place)];
    replace_first(by);
  }
  // In no particular order.
  std::span<T> all() { return std::span(things_).first(count_); }
  std::span<const T> all() const { return std::span(things_).first(count_); }

  void persist(state::Archive& archive);

 private:
  unsigned after(unsigned place) const { return place + 1 == count_ ? 0 : place + 1; }
  unsigned before(unsigned place) const { return (place == 0 ? count_ : place) - 1; }

  std::array<T, kMost> things_{};
  unsigned count_, first_ = 0;
};

class WriteBuffer {
 public:
  static constexpr unsigned kMax = 32;

  WriteBuffer(const PipelineConfig& config, isa::Cycles write_latency)
      : entries_(config.write_buffer_words),
        transactions_(config.write_transactions),
        busy_(config.write_transaction + write_latency) {}

  // A store's word arrives at `at` or later, and later than those before it: when it is in. A word that was
  // not sent yet takes it along; one that is on its way is sent once more when its answer is there.
  isa::Cycles accept(std::uint64_t word, isa::Cycles at) {
    if (at < empty_at_) {
      const auto entries = entries_.all();
      for (unsigned place = 0; place < entries.size(); ++place) {
        const Entry& entry = entries[place];
        if (entry.word != word || at >= entry.answered) continue;
        if (at >= entry.sent) entries_.replace(place, send(word, entry.answered));
        return at;
      }
      at = std::max(at, entries_.first().answered);
    }
    entries_.replace_first(send(word, at));
    return at;
  }

  // A load's miss needs one of the transactions too, and goes before words that wait: when it can begin.
  isa::Cycles read(isa::Cycles at, isa::Cycles cycles) {
    if (at < empty_at_) at = when_a_transaction_is_free(at);
    transactions_.replace_first({std::max(transactions_.first().free, at + cycles)});
    return at;
  }

  isa::Cycles empty_at() const { return empty_at_; }
  void shift(isa::Cycles cycles) {
    for (Entry& entry : entries_.all()) entry.sent += cycles, entry.answered += cycles;
    for (Transaction& transaction : transactions_.all()) transaction.free += cycles;
    empty_at_ += cycles;
  }
  void persist(state::Archive& archive);

 private:
  struct Entry {
    std::uint64_t word = ~std::uint64_t{0};
    isa::Cycles sent = 0, answered = 0;
    void persist(state::Archive& archive);
  };

  struct Transaction {
    isa::Cycles free = 0;  // when it can be used again
    void persist(state::Archive& archive);
  };

  // Each word under way has a transaction of its own.
  isa::Cycles when_a_transaction_is_free(isa::Cycles at) const {
    if (transactions_.first().free <= at) return at;
    unsigned under_way = 0;
    isa::Cycles first_answer = ~isa::Cycles{0};
    for (const Entry& entry : entries_.all()) {
      const bool sent = (entry.sent <= at) & (entry.answered > at);
      under_way += sent;
      first_answer = sent ? std::min(first_answer, entry.answered) : first_answer;
    }
    return under_way >= transactions_.all().size() ? first_answer : at;
  }
  Entry send(std::uint64_t word, isa::Cycles at) {
    const isa::Cycles sent = std::max(at, transactions_.first().free), answered = sent + busy_;
    transactions_.replace_first({answered});
    empty_at_ = std::max(empty_at_, answered);
    return {word, sent, answered};
  }

  InOrderOfTime<Entry, &Entry::answered, kMax> entries_;
  InOrderOfTime<Transaction, &Transaction::free, kMax> transactions_;
  isa::Cycles busy_;
  isa::Cycles empty_at_ = 0;
};

// The `fast` mode's stores on their way: from their issue over the two queues to the write buffer.
class StoreQueue {
 public:
  StoreQueue(const PipelineConfig& config, isa::Cycles write_latency)
      : buffer_(config, write_latency),
        store_queue_(config.store_queue),
        commit_queue_(config.commit_queue),
        drain_(config.store_drain) {}

  // Whether nothing is on its way that a store or a load at that time could wait for.
  bool idle(isa::Cycles at) const { return busy_until_ <= at; }

  struct Store {
    isa::Cycles access = 0;  // when there is room for it
    isa::Cycles commit = 0;  // when there is room behind that
  };
  // A store that would access memory at a time, and not commit before another.
  Store add(std::uint64_t address, isa::Cycles at, isa::Cycles earliest_commit) {
    const isa::Cycles access = std::max(at, commits_[(stores_ - store_queue_) % kMost] + 1);
    const isa::Cycles room = drains_[(stores_ - commit_queue_) % kMost] + 1;
    const isa::Cycles commit = std::max({access + kAccessToCommit, room, earliest_commit});
    drained_ = buffer_.accept(address >> 3, std::max(commit + drain_, drained_ + 1));
    const unsigned place = stores_++ % kMost;
    words_[place] = word_of(address);
    commits_[place] = commit;
    drains_[place] = drained_;
    busy_until_ = std::max(drained_, buffer_.empty_at());
    return {access, commit};
  }
  // The last store's line comes so much later, or at a time.
  void hold(isa::Cycles cycles) { hold_until(drained_ + cycles); }
  void hold_until(isa::Cycles time) {
    drains_[(stores_ - 1) % kMost] = drained_ = std::max(drained_, time);
    busy_until_ = std::max(busy_until_, drained_);
  }
  // A load waits for stores to its word of whatever page to be in the write buffer, and its miss for a
  // transaction.
  bool may_conflict(std::uint64_t address) const {
    const std::uint16_t wanted = word_of(address);
    std::uint16_t any = 0;
    for (const std::uint16_t word : words_) any |= static_cast<std::uint16_t>(word == wanted);
    return any != 0;
  }
  isa::Cycles conflict(std::uint64_t address, isa::Cycles at) const {
    isa::Cycles until = at;
    for (unsigned i = 0; i < kMost; ++i)
      until = std::max(until, words_[i] == word_of(address) ? drains_[i] + 1 : 0);
    return until - at;
  }
  isa::Cycles read_stall(isa::Cycles at, isa::Cycles cycles) { return buffer_.read(at, cycles) - at; }
  // Until all have been answered.
  isa::Cycles drain(isa::Cycles at) const { return std::max(at, buffer_.empty_at()) - at; }

  void persist(state::Archive& archive);

  static constexpr isa::Cycles kAccessToCommit = 2;

 private:
  static constexpr unsigned kMost = 16;
  static constexpr std::uint16_t word_of(std::uint64_t address) {  // of its page
    return static_cast<std::uint16_t>(address >> 3 & 0x1FF);
  }
  WriteBuffer buffer_;
  unsigned store_queue_, commit_queue_, stores_ = 0;
  isa::Cycles drain_;
  std::array<isa::Cycles, kMost> commits_{}, drains_{};
  std::array<std::uint16_t, kMost> words_{};
  isa::Cycles drained_ = 0, busy_until_ = 0;
};

}  // namespace hvsim::cpu
