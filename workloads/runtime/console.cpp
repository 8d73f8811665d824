// Console output by value in registers: no buffer of the guest is read by the hypervisor later on.
#include "workloads/runtime/console.h"

#include <array>

#include "workloads/runtime/hypercall.h"

namespace guest::console {

namespace {

constexpr std::size_t kWordBytes = 8, kCallBytes = 32;

struct State {
  std::array<std::uint64_t, kCallBytes / kWordBytes> words{};
  std::size_t used = 0;
};
constinit State state;

void put(char character) {
  const auto byte = std::uint64_t{static_cast<unsigned char>(character)};
  state.words[state.used / kWordBytes] |= byte << (8 * (state.used % kWordBytes));
  ++state.used;
  if (state.used == kCallBytes || character == '\n') flush();
}

}  // namespace

void write(std::string_view text) {
  for (const char character : text) put(character);
}

void flush() {
  if (state.used == 0) return;
  const State full = state;
  state = {};
  hypercall::defer(hypercall::Hypercall::console_write, full.used, full.words[0], full.words[1],
                   full.words[2], full.words[3]);
}

}  // namespace guest::console
