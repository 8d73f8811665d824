// What a debugger wants a hart to stop at, and what a hart tells those who watch whether it gets anywhere.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <vector>

#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// By virtual address, in whatever address space the hart is.
struct Watchpoint {
  std::uint64_t address = 0;
  std::uint64_t bytes = 1;
  bool reads = false, writes = false;
  friend bool operator==(const Watchpoint&, const Watchpoint&) = default;

  bool overlaps(std::uint64_t first, std::uint64_t length) const {
    return first - address < bytes || address - first < length;
  }
};

// Shared by all harts and changed only while none of them runs; each is told by Hart::set_debug_points().
class DebugPoints {
 public:
  std::vector<std::uint64_t> breakpoints;
  std::vector<Watchpoint> watchpoints;

  friend bool operator==(const DebugPoints&, const DebugPoints&) = default;

  bool empty() const { return breakpoints.empty() && watchpoints.empty(); }
  bool breaks_at(std::uint64_t pc) const {
    return std::find(breakpoints.begin(), breakpoints.end(), pc) != breakpoints.end();
  }
  // Blocks are kept by physical address and breakpoints are virtual, but the offset in the page is the same.
  bool may_break_at_offset(std::uint64_t page_offset) const { return offsets_[page_offset >> 1]; }
  bool watches_page(std::uint64_t page) const {
    return std::any_of(watchpoints.begin(), watchpoints.end(),
                       [page](const Watchpoint& w) { return w.overlaps(page, isa::kPageBytes); });
  }
  // Call after changing the lists.
  void changed() {
    offsets_.reset();
    for (const std::uint64_t pc : breakpoints) offsets_.set((pc & isa::kPageMask) >> 1);
  }

 private:
  std::bitset<isa::kPageBytes / 2> offsets_;
};

struct WatchHit {
  std::uint64_t address = 0;
  bool write = false;
};

inline constexpr unsigned kLongestStore = 64;  // a cache block

// Whether harts that are watched have changed memory or looked at what changes by itself.
class ProgressWitness {
 public:
  // Call before `bytes` at `host` may be overwritten; what was overwritten is known at the next call.
  void about_to_store(const std::uint8_t* host, unsigned bytes) {
    settle();
    bytes_ = std::min(bytes, kLongestStore);
    host_ = host;
    std::memcpy(before_.data(), host, bytes_);
    progress_ |= bytes > kLongestStore;
  }
  void looked_at_time() { progress_ = true; }
  bool progress() {
    settle();
    return progress_;
  }

 private:
  void settle() {
    progress_ |= bytes_ != 0 && std::memcmp(before_.data(), host_, bytes_) != 0;
    bytes_ = 0;
  }

  std::array<std::uint8_t, kLongestStore> before_{};
  const std::uint8_t* host_ = nullptr;
  unsigned bytes_ = 0;
  bool progress_ = false;
};

}  // namespace hvsim::cpu
