// What targets that play a guest have in common: whose turn it is, interrupts, and the arguments that guests
// like.
#pragma once

#include <optional>

#include "tests/fuzz/target.h"
#include "tests/hypervisor/bench.h"

namespace hvsim::fuzz {

// Small numbers, addresses near the guest's memory, or anything.
inline std::uint64_t argument(Input& input, std::uint64_t memory_bytes) {
  const auto kind = input.take<std::uint8_t>();
  if (kind < 96) return kind;
  if (kind < 200) return hv::abi::kGuestMemoryBase + input.take<std::uint32_t>() % (2 * memory_bytes);
  return input.take<std::uint64_t>();
}

template <class Step>
struct Turn {
  Step what;
  unsigned hart;
};

// The next step and the hart that takes it. Empty: no guest ran there, or it was an interrupt or WFI, and is
// done. `Step` is an enumeration up to `count` with `timer`, `software` and `wfi`.
template <class Step>
std::optional<Turn<Step>> next_turn(hv::Bench& bench, Input& input) {
  const auto raw = input.take<std::uint8_t>();
  const unsigned hart = raw >> 7;
  const auto what = static_cast<Step>((raw & 0x7F) % static_cast<unsigned>(Step::count));
  if (bench.on[hart] == nullptr) {
    bench.interrupt_idle(hart);
  } else if (what == Step::timer) {
    bench.machine.ticks += input.take<std::uint16_t>();
    bench.timer(hart);
  } else if (what == Step::software) {
    bench.software(hart);
  } else if (what == Step::wfi) {
    bench.wfi(hart);
  } else {
    return Turn<Step>{what, hart};
  }
  return std::nullopt;
}

}  // namespace hvsim::fuzz
