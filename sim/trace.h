// Lists instructions as they retire: where, what, and what changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/hart_state.h"
#include "models/cpu/observer.h"
#include "sim/config.h"
#include "sim/json_document.h"
#include "sim/symbols.h"

namespace hvsim::sim {

// One hart's instruction between its beginning and its end.
class TracedStep {
 public:
  TracedStep(const cpu::HartState& hart, const cpu::StepSeen& seen);

  const cpu::StepSeen& seen() const { return seen_; }
  // Once it has retired; `hart` is the state then.
  std::string text(const cpu::HartState& hart) const;
  Json json(const cpu::HartState& hart, const Symbols& symbols) const;

 private:
  struct Effect {
    std::string what;  // a register's name, or "[0x80001000]"
    std::uint64_t value;
  };
  std::vector<Effect> effects(const cpu::HartState& hart) const;
  std::uint64_t stored(const cpu::HartState& hart) const;

  cpu::StepSeen seen_;
  cpu::Op op_;
  std::optional<std::uint64_t> address_;  // that it loads from or stores to
  bool writes_ = false;
  std::uint64_t stored_ = 0;  // the operand of stores and AMOs
};

// "0 VS 0x80000a34  ld a0,8(a1)": the columns before the effects, also of what did not retire.
std::string step_columns(const cpu::StepSeen& seen, const cpu::Op& op);

}  // namespace hvsim::sim
