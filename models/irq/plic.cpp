// Gateways, priorities, claim and completion of the platform-level interrupt controller.
#include "models/irq/plic.h"

#include <bit>

#include "models/cpu/isa/cause.h"

namespace hvsim::irq {
namespace {

constexpr unsigned kSources = PlicState::kSources;
constexpr unsigned kWords = PlicState::kWords;
constexpr std::uint64_t kEnableEnd = Plic::kContext;

// Source IDs that exist in a word; ID 0 means "none".
constexpr std::uint32_t existing(unsigned word) {
  if (word == 0) return ~std::uint32_t{1};
  const unsigned above = kSources + 1 - word * 32;
  return above >= 32 ? ~std::uint32_t{0} : (std::uint32_t{1} << above) - 1;
}

bool test(const PlicState::SourceBits& bits, unsigned source) {
  return ((bits[source / 32] >> (source % 32)) & 1) != 0;
}

void assign(PlicState::SourceBits& bits, unsigned source, bool value) {
  const std::uint32_t mask = std::uint32_t{1} << (source % 32);
  bits[source / 32] = value ? bits[source / 32] | mask : bits[source / 32] & ~mask;
}

// Registers of one context in its enable and its threshold/claim blocks.
struct ContextRegister {
  std::uint64_t context;
  std::uint64_t index;  // word of 4 bytes
};

constexpr ContextRegister enable_register(std::uint64_t offset) {
  return {(offset - Plic::kEnable) / Plic::kEnableStride, (offset - Plic::kEnable) % Plic::kEnableStride / 4};
}

constexpr ContextRegister context_register(std::uint64_t offset) {
  return {(offset - Plic::kContext) / Plic::kContextStride,
          (offset - Plic::kContext) % Plic::kContextStride / 4};
}

constexpr std::uint64_t kThresholdIndex = 0, kClaimIndex = 1;

}  // namespace

Plic::Plic(std::vector<Sink*> harts) : harts_(std::move(harts)), outputs_(harts_.size() * 2) {
  state_.contexts.resize(outputs_.size());
}

bool Plic::read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) {
  if (bytes != 4) return false;
  value = read_register(offset);
  return true;
}

bool Plic::write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (bytes != 4) return false;
  write_register(offset, static_cast<std::uint32_t>(value));
  drive_outputs();
  return true;
}

void Plic::set_level(unsigned source, bool high) {
  if (source == 0 || source > kSources) return;
  assign(state_.level, source, high);
  forward_requests();
  drive_outputs();
}

void Plic::restore(const PlicState& state) {
  state_ = state;
  state_.contexts.resize(outputs_.size());
  for (std::size_t context = 0; context < outputs_.size(); ++context) drive(context, false);
  drive_outputs();
}

void Plic::reset() {
  PlicState fresh;
  fresh.level = state_.level;
  restore(fresh);
  forward_requests();
}

// Reserved registers read as zero.
std::uint32_t Plic::read_register(std::uint64_t offset) {
  if (offset < kPending) return offset / 4 <= kSources ? state_.priority[offset / 4] : 0;
  if (offset < kEnable) {
    const std::uint64_t word = (offset - kPending) / 4;
    return word < kWords ? state_.pending[word] : 0;
  }
  if (offset < kEnableEnd) {
    const auto [context, word] = enable_register(offset);
    return context < state_.contexts.size() && word < kWords ? state_.contexts[context].enabled[word] : 0;
  }
  const auto [context, index] = context_register(offset);
  if (context >= state_.contexts.size()) return 0;
  if (index == kThresholdIndex) return state_.contexts[context].threshold;
  return index == kClaimIndex ? claim(state_.contexts[context]) : 0;
}

// Reserved registers and pending bits ignore writes. Priorities and thresholds are WARL: three bits.
void Plic::write_register(std::uint64_t offset, std::uint32_t value) {
  if (offset < kPending) {
    const std::uint64_t source = offset / 4;
    if (source != 0 && source <= kSources)
      state_.priority[source] = static_cast<std::uint8_t>(value & kMaxPriority);
  } else if (offset >= kEnable && offset < kEnableEnd) {
    const auto [context, word] = enable_register(offset);
    if (context < state_.contexts.size() && word < kWords)
      state_.contexts[context].enabled[word] = value & existing(static_cast<unsigned>(word));
  } else if (offset >= kContext) {
    const auto [context, index] = context_register(offset);
    if (context >= state_.contexts.size()) return;
    if (index == kThresholdIndex) state_.contexts[context].threshold = value & kMaxPriority;
    if (index == kClaimIndex) complete(state_.contexts[context], value);
  }
}

// Claims are not affected by the threshold (specification, "Interrupt Claim Process").
std::uint32_t Plic::claim(PlicState::Context& context) {
  const unsigned source = best_source(context);
  if (source == 0) return 0;
  assign(state_.pending, source, false);
  assign(state_.claimed, source, true);
  drive_outputs();
  return source;
}

// A completion by a context for which the source is not enabled is ignored ("Interrupt Completion").
void Plic::complete(const PlicState::Context& context, std::uint32_t source) {
  if (source == 0 || source > kSources || !test(context.enabled, source)) return;
  assign(state_.claimed, source, false);
  forward_requests();
}

// The highest priority wins, then the lowest ID. Priority 0 means "never interrupt".
unsigned Plic::best_source(const PlicState::Context& context) const {
  unsigned best = 0;
  for (unsigned word = 0; word < kWords; ++word)
    for (std::uint32_t bits = state_.pending[word] & context.enabled[word]; bits != 0; bits &= bits - 1) {
      const unsigned source = word * 32 + static_cast<unsigned>(std::countr_zero(bits));
      if (state_.priority[source] > state_.priority[best]) best = source;
    }
  return best;
}

// The gateways: a high line requests once and again only after completion. A request is not retracted
// when its line falls ("Interrupt Gateways").
void Plic::forward_requests() {
  for (unsigned word = 0; word < kWords; ++word)
    state_.pending[word] |= state_.level[word] & ~state_.claimed[word];
}

void Plic::drive_outputs() {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const PlicState::Context& context = state_.contexts[i];
    const bool high = state_.priority[best_source(context)] > context.threshold;
    if (high != outputs_[i]) drive(i, high);
  }
}

void Plic::drive(std::size_t context, bool high) {
  const auto interrupt =
      context % 2 == 0 ? isa::Interrupt::machine_external : isa::Interrupt::supervisor_external;
  outputs_[context] = high;
  harts_[context / 2]->set_level(static_cast<unsigned>(interrupt), high);
}

}  // namespace hvsim::irq
