// What a debugger wants a hart to stop at, and what a hart tells those who watch whether it gets anywhere.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// Whose virtual addresses a point's are: a VM's by its number, or one of these.
inline constexpr std::uint32_t kEverybody = ~std::uint32_t{0}, kAnyGuest = kEverybody - 1;
inline constexpr std::uint32_t kNoGuest = kEverybody - 2;  // who runs while V is 0

constexpr bool concerns(std::uint32_t whose, std::uint32_t who) {
  return whose == kEverybody || whose == who || (whose == kAnyGuest && who != kNoGuest);
}

struct Breakpoint {
  std::uint64_t pc = 0;
  std::uint32_t whose = kEverybody;
  friend auto operator<=>(const Breakpoint&, const Breakpoint&) = default;
};

struct Watchpoint {
  std::uint64_t address = 0;
  std::uint64_t bytes = 1;
  bool reads = false, writes = false;
  std::uint32_t whose = kEverybody;
  friend bool operator==(const Watchpoint&, const Watchpoint&) = default;

  bool overlaps(std::uint64_t first, std::uint64_t length) const {
    return first - address < bytes || address - first < length;
  }
};

// Shared by all harts and changed only while none of them runs; each is told by Hart::set_debug_points().
class DebugPoints {
 public:
  // A guest that somebody waits for: a hart stops before it runs an instruction of it.
  struct Awaited {
    std::uint32_t vm = kAnyGuest, vcpu = 0;
    friend bool operator==(const Awaited&, const Awaited&) = default;
  };

  std::vector<Breakpoint> breakpoints;
  std::vector<Watchpoint> watchpoints;
  bool follows_guests = false;     // somebody may come to wait for one without telling the harts anew
  std::optional<Awaited> awaited;  // only if `follows_guests`

  friend bool operator==(const DebugPoints&, const DebugPoints&) = default;

  bool empty() const { return breakpoints.empty() && watchpoints.empty() && !follows_guests; }
  bool breaks_at(std::uint64_t pc, std::uint32_t who) const {
    return std::any_of(breakpoints.begin(), breakpoints.end(),
                       [&](const Breakpoint& b) { return b.pc == pc && concerns(b.whose, who); });
  }
  bool awaits(std::uint32_t vm, std::uint32_t vcpu) const {
    return awaited && (awaited->vm == kAnyGuest || (awaited->vm == vm && awaited->vcpu == vcpu));
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
    for (const Breakpoint& point : breakpoints) offsets_.set((point.pc & isa::kPageMask) >> 1);
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
