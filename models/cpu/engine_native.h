// The hypervisor on the host at its work: what it touches, and its code, which no block stands for.
#pragma once

#include "models/cpu/engine_memory.h"

namespace hvsim::cpu {

template <class Timing>
void Engine<Timing>::charge_line(isa::Hpa address, bool write) {
  if constexpr (Timing::timed) {
    using Kind = mem::Hierarchy::Kind;
    const auto done = ask_caches(write ? Kind::store : Kind::load, address, state.cycle);
    ++timing_.data_lines_seen;
    charge(Component::dcache, done.ready - state.cycle);
  } else {
    (void)address, (void)write;
  }
}

// Mostly all lines are settled.
template <class Timing>
void Engine<Timing>::touch(isa::Hpa address, unsigned bytes, bool write) {
  if constexpr (Timing::timed) {
    if (bytes == 0 || !timing_.caches->surely_settled(timing_.hart, address, bytes, write)) [[unlikely]]
      return touch_one_by_one(address, bytes, write);
    touch_settled(address, bytes);
  } else {
    (void)address, (void)bytes, (void)write;
  }
}

template <class Timing>
inline void Engine<Timing>::touch_settled(isa::Hpa address, unsigned bytes) {
  if constexpr (Timing::timed) {
    const std::uint64_t last = (address.value + bytes - 1) >> line_shift_;
    const std::uint64_t count = last - (address.value >> line_shift_) + 1;
    timing_.data_lines_extra += count;
    charge(Component::dcache, count * timing_.caches->config().l1d.hit_latency);
  } else {
    (void)address, (void)bytes;
  }
}

template <class Timing>
[[gnu::noinline]] void Engine<Timing>::touch_one_by_one(isa::Hpa address, unsigned bytes, bool write) {
  if constexpr (Timing::timed) {
    if (bytes != 0 && timing_.caches->settled(timing_.hart, address, bytes, write))
      return touch_settled(address, bytes);
    const isa::Cycles hit = timing_.caches->config().l1d.hit_latency;
    const std::uint64_t line = std::uint64_t{1} << line_shift_, first = address.value & ~(line - 1);
    for (std::uint64_t at = first; at < address.value + bytes; at += line) {
      ++timing_.data_lines_extra;
      if (timing_.caches->settled(timing_.hart, isa::Hpa{at}, write))
        charge(Component::dcache, hit);
      else
        charge_line(isa::Hpa{at}, write);
    }
  } else {
    (void)address, (void)bytes, (void)write;
  }
}

// Of the hypervisor's own code, that no block stands for. Lines that are there cost nothing, and mostly all
// of them are there.
template <class Timing>
unsigned Engine<Timing>::work(const isa::NativeWork& done, std::uint64_t units) {
  if constexpr (Timing::timed)
    if (done.lines != 0 && (done.line_bytes != std::uint64_t{1} << line_shift_ ||
                            !timing_.caches->surely_fetchable(timing_.hart, done.code, done.lines)))
      return work_with_fetches(done, units);
  charge(Component::hypervisor, done.cycles * units);
  return 0;
}

template <class Timing>
[[gnu::noinline]] unsigned Engine<Timing>::work_with_fetches(const isa::NativeWork& done,
                                                             std::uint64_t units) {
  unsigned missing = 0;
  if constexpr (Timing::timed) {
    if (done.lines <= mem::PresenceMask::kMostAbsent && done.line_bytes == std::uint64_t{1} << line_shift_) {
      rare_events_ = true;
      const auto fetched = timing_.caches->fetch_code(timing_.hart, done.code, done.lines, state.cycle);
      missing = fetched.missing;
      charge(Component::icache, fetched.ready - state.cycle);
    } else {
      const std::uint64_t untouched = done.line_bytes - done.touched_bytes;
      for (std::uint64_t i = 0; i < done.lines; ++i)
        missing += fetch_code(done.code + i * done.line_bytes + i % 2 * untouched, done.touched_bytes);
    }
  }
  charge(Component::hypervisor, done.cycles * units + missing * done.cycles_per_cold_line);
  return missing;
}

template <class Timing>
unsigned Engine<Timing>::fetch_code(isa::Hpa address, unsigned bytes) {
  unsigned missing = 0;
  if constexpr (Timing::timed) {
    const std::uint64_t line = std::uint64_t{1} << line_shift_;
    for (std::uint64_t at = address.value & ~(line - 1); at < address.value + bytes; at += line) {
      if (timing_.caches->fetchable(timing_.hart, isa::Hpa{at})) continue;
      const auto done = ask_caches(mem::Hierarchy::Kind::fetch, isa::Hpa{at}, state.cycle);
      missing += done.by != mem::Served::l1;
      charge(Component::icache, done.ready - state.cycle);
    }
  } else {
    (void)address, (void)bytes;
  }
  return missing;
}

}  // namespace hvsim::cpu
