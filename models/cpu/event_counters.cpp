// Lazy event counters: unprivileged manual "Zihpm", privileged manual "Hardware Performance Monitor" and
// "Sscofpmf".
#include "models/cpu/event_counters.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {
namespace {

namespace csr = isa::csr;

constexpr isa::Cycles kNever = std::numeric_limits<isa::Cycles>::max();
constexpr std::uint64_t kFilters = csr::kMinh | csr::kSinh | csr::kUinh | csr::kVsinh | csr::kVuinh;

// The selector is what the filters leave; bits 57:56 are reserved.
constexpr std::uint64_t kSelector = (std::uint64_t{1} << 56) - 1;

std::uint64_t filter_of(isa::Mode mode) {
  if (mode.privilege == isa::Privilege::machine) return csr::kMinh;
  const bool supervisor = mode.privilege == isa::Privilege::supervisor;
  if (mode.virtualized) return supervisor ? csr::kVsinh : csr::kVuinh;
  return supervisor ? csr::kSinh : csr::kUinh;
}

bool is_active(const HartState& hart, unsigned number) { return (hart.active_counters >> number & 1) != 0; }

bool counts_now(const HartState& hart, unsigned number) {
  return is_active(hart, number) && (hart.mhpmevent[number] & filter_of(hart.mode)) == 0;
}

std::uint64_t happened(const HartState& hart, Event event) {
  if (event == Event::cycles) return hart.cycle;
  if (event == Event::instructions) return hart.retired;
  return hart.events[static_cast<std::size_t>(event)];
}
std::uint64_t happened(const HartState& hart, unsigned number) {
  return happened(hart, event_of(hart.mhpmevent[number] & kSelector));
}

// OF was clear: it is set, and an interrupt is requested.
void overflow(HartState& hart, unsigned number) {
  std::uint64_t& event = hart.mhpmevent[number];
  if (!hart.isa_config.sscofpmf || (event & csr::kOf) != 0) return;
  event |= csr::kOf;
  hart.csr.mip |= bit(isa::Interrupt::counter_overflow);
}

template <class Visitor>
void for_each_active(const HartState& hart, Visitor&& visit) {
  for (std::uint32_t left = hart.active_counters; left != 0; left &= left - 1)
    visit(static_cast<unsigned>(std::countr_zero(left)));
}

}  // namespace

std::uint64_t event_counter(const HartState& hart, unsigned number) {
  const std::uint64_t value = hart.mhpmcounter[number];
  return counts_now(hart, number) ? value + (happened(hart, number) - hart.counted_to[number]) : value;
}

// As with minstret, the write takes the place of the writing instruction's own increment.
void write_event_counter(HartState& hart, unsigned number, std::uint64_t value) {
  hart.mhpmcounter[number] = value;
  const bool instructions = event_of(hart.mhpmevent[number] & kSelector) == Event::instructions;
  hart.counted_to[number] = happened(hart, number) + (instructions ? 1 : 0);
}

void write_event_selector(HartState& hart, unsigned number, std::uint64_t value) {
  std::uint64_t filters = hart.isa_config.sscofpmf ? csr::kOf | kFilters : 0;
  if (!hart.isa_config.h) filters &= ~(csr::kVsinh | csr::kVuinh);
  hart.mhpmevent[number] = value & (kSelector | filters);
  hart.counted_to[number] = happened(hart, number);
}

void settle_event_counters(HartState& hart) {
  for_each_active(hart, [&hart](unsigned number) {
    const std::uint64_t before = hart.mhpmcounter[number];
    const std::uint64_t now = event_counter(hart, number);
    const std::uint64_t to = happened(hart, number);
    // A value just written may count from the next instruction on.
    if (counts_now(hart, number) && to < hart.counted_to[number]) return;
    hart.mhpmcounter[number] = now;
    hart.counted_to[number] = to;
    if (now < before) overflow(hart, number);
  });
}

void restart_event_counters(HartState& hart) {
  for_each_active(hart, [&hart](unsigned number) { hart.counted_to[number] = happened(hart, number); });
}

void select_event_counters(HartState& hart) {
  std::uint32_t active = 0;
  for (unsigned number = kFirstEventCounter; number < kCounters; ++number) {
    const bool inhibited = (hart.csr.mcountinhibit >> number & 1) != 0;
    if (!inhibited && event_of(hart.mhpmevent[number] & kSelector) != Event::none)
      active |= std::uint32_t{1} << number;
  }
  for (std::uint32_t fresh = active & ~hart.active_counters; fresh != 0; fresh &= fresh - 1) {
    const auto number = static_cast<unsigned>(std::countr_zero(fresh));
    hart.counted_to[number] = happened(hart, number);
  }
  hart.active_counters = active;
}

std::uint64_t overflow_flags(const HartState& hart) {
  std::uint64_t flags = 0;
  for (unsigned number = kFirstEventCounter; number < kCounters; ++number)
    flags |= (hart.mhpmevent[number] >> csr::kOfShift) << number;
  if (hart.mode.privilege != isa::Privilege::machine) flags &= hart.csr.mcounteren;
  if (hart.mode.virtualized) flags &= hart.csr.hcounteren;
  return flags;
}

// An instruction takes a cycle or more. Other events may come faster, so they are looked at again half-way.
isa::Cycles next_overflow_cycle(const HartState& hart, bool asleep) {
  constexpr std::uint64_t kLookAgain = 64;
  isa::Cycles earliest = kNever;
  if (!hart.isa_config.sscofpmf) return earliest;
  for_each_active(hart, [&](unsigned number) {
    if (!counts_now(hart, number) || (hart.mhpmevent[number] & csr::kOf) != 0) return;
    const Event event = event_of(hart.mhpmevent[number] & kSelector);
    if (asleep && event != Event::cycles) return;
    std::uint64_t left = std::uint64_t{0} - event_counter(hart, number);
    if (left == 0) return;
    if (event != Event::cycles && event != Event::instructions) left = std::max(left / 2, kLookAgain);
    earliest = std::min(earliest, left < kNever - hart.cycle ? hart.cycle + left : kNever);
  });
  return earliest;
}

}  // namespace hvsim::cpu
