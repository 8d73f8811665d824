// A binary buddy allocator whose page descriptors are the memory map that it publishes: like Linux's, an
// entry per page, the first of a free run says that it is free and how long the run is.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

namespace workload::page_churn {

struct Entry {
  enum State : std::uint32_t { used = 0, free = 0xF0000000, inside = 1 };
  std::uint32_t state;  // written last when a run becomes free, first when it is taken
  std::uint32_t order;
  std::uint32_t next, previous;  // in the list of free runs of this order
  std::uint64_t since;           // ticks at which it became free
  std::uint64_t given_back;      // the hypervisor has been told
};
static_assert(sizeof(Entry) == 32);

class Buddy {
 public:
  static constexpr unsigned kMaxOrder = 9;  // 2 MiB: runs are aligned to their size in guest-physical memory
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // All of the entries' pages are used at first.
  explicit Buddy(std::span<Entry> entries) : entries_(entries) {
    lists_.fill(kNone);
    for (Entry& entry : entries_) entry = {Entry::used, 0, kNone, kNone, 0, 0};
  }

  std::uint64_t free_pages() const { return free_pages_; }
  std::uint64_t pages() const { return entries_.size(); }
  std::span<Entry> entries() { return entries_; }
  std::uint32_t first_of(unsigned order) const { return lists_[order]; }

  // The first of 2^order pages that are used from now on; kNone: there is no such run.
  std::uint32_t allocate(unsigned order) {
    unsigned from = order;
    while (from <= kMaxOrder && lists_[from] == kNone) ++from;
    if (from > kMaxOrder) return kNone;
    const std::uint32_t page = lists_[from];
    const std::uint64_t since = entries_[page].since, told = entries_[page].given_back;
    take(page, from);
    while (from > order) {
      --from;
      put(page + (1u << from), from, since, told);
    }
    free_pages_ -= std::uint64_t{1} << order;
    return page;
  }

  void release(std::uint32_t page, unsigned order, std::uint64_t now) {
    free_pages_ += std::uint64_t{1} << order;
    while (order < kMaxOrder) {
      const std::uint32_t buddy = page ^ (1u << order);
      if (buddy + (1u << order) > entries_.size() || entries_[buddy].state != Entry::free ||
          entries_[buddy].order != order)
        break;
      take(buddy, order);
      entries_[buddy].state = Entry::inside;
      page &= ~(1u << order);
      ++order;
    }
    put(page, order, now, 0);
  }

 private:
  void put(std::uint32_t page, unsigned order, std::uint64_t since, std::uint64_t told) {
    Entry& entry = entries_[page];
    entry.order = order;
    entry.since = since;
    entry.given_back = told;
    entry.previous = kNone;
    entry.next = lists_[order];
    if (entry.next != kNone) entries_[entry.next].previous = page;
    lists_[order] = page;
    std::atomic_ref(entry.state).store(Entry::free, std::memory_order_release);
  }

  void take(std::uint32_t page, unsigned order) {
    Entry& entry = entries_[page];
    std::atomic_ref(entry.state).store(Entry::used, std::memory_order_relaxed);
    if (entry.previous == kNone)
      lists_[order] = entry.next;
    else
      entries_[entry.previous].next = entry.next;
    if (entry.next != kNone) entries_[entry.next].previous = entry.previous;
  }

  std::span<Entry> entries_;
  std::array<std::uint32_t, kMaxOrder + 1> lists_{};
  std::uint64_t free_pages_ = 0;
};

}  // namespace workload::page_churn
