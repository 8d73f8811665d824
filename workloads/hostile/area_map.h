// A few pages and a memory map that describes them, true or not.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hypervisor/abi/memory_map.h"
#include "workloads/runtime/hypercall.h"

namespace hostile {

inline constexpr std::uint64_t kAreaPages = 16, kPageWords = 512;

struct AreaMap {
  struct Entry {
    std::uint32_t state, order;
  };
  static constexpr std::uint32_t kUsed = 0, kFree = 1;
  using Page = std::array<std::uint64_t, kPageWords>;

  alignas(kAreaPages * 4096) std::array<Page, kAreaPages> pages;  // aligned so that no run in it leaves it
  alignas(64) std::array<Entry, kAreaPages> entries;
  hv::abi::MemoryMapDescriptor descriptor;

  void set(std::uint64_t page, std::uint32_t state, std::uint32_t order) {
    std::atomic_ref{entries[page].order}.store(order, std::memory_order_relaxed);
    std::atomic_ref{entries[page].state}.store(state, std::memory_order_seq_cst);
  }
  void describe() {
    descriptor =
        hv::abi::describe_map<Entry>(reinterpret_cast<std::uint64_t>(entries.data()),
                                     reinterpret_cast<std::uint64_t>(pages.data()), kAreaPages, kFree);
  }
  void publish() const { publish_address(reinterpret_cast<std::uint64_t>(&descriptor)); }
  static void publish_address(std::uint64_t at) {
    std::atomic_ref{guest::hypercall::shared_page()->memory_map}.store(at, std::memory_order_release);
  }
};

}  // namespace hostile
