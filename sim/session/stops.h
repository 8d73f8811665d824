// When a session stops: looks at what harts do, and says why it is time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/cpu/observed_code.h"
#include "models/cpu/observer.h"
#include "sim/config.h"
#include "sim/json_document.h"
#include "sim/machine.h"
#include "sim/session/until.h"

namespace hvsim::session {

// Why the machine stands.
struct StopReport {
  std::string reason;
  unsigned hart = 0;
  Json details = Json::object();
};

// Plain: it holds nobody. The session asks it before each instruction that it wants to see, at each trap and
// mark, and between the turns of harts.
class Stops {
 public:
  explicit Stops(const sim::Machine& machine) : machine_(machine) {}

  void set(Points points) { points_ = std::move(points); }
  void go(Until until);
  // What has to be seen for all this.
  cpu::ObservedCode wanted() const;

  // A hart's turn begins: something may be due soon, and a stop may be due now.
  std::optional<StopReport> before_turn(unsigned hart);
  std::optional<StopReport> before(const cpu::HartState& hart, const cpu::StepSeen& seen);
  // The stop comes before the hart's next instruction, or when its turn ends first: true.
  bool trapped(const cpu::HartState& hart, const cpu::TrapSeen& seen);
  bool marked(unsigned hart, std::uint32_t vm, isa::MarkKind kind, std::uint64_t value);
  void explain(unsigned hart, Json explanation) { due_[hart]->details["trap"] = std::move(explanation); }
  std::optional<StopReport> due(unsigned hart);

 private:
  // An instruction is looked at once, however often it begins: it may have to wait for other harts.
  struct Place {
    std::uint64_t pc = 0, retired = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  std::optional<StopReport> at_point(const cpu::HartState& hart, const cpu::StepSeen& seen) const;
  std::optional<StopReport> at_access(const cpu::HartState& hart, const cpu::StepSeen& seen) const;
  std::optional<StopReport> at_mark(const cpu::HartState& hart, const cpu::StepSeen& seen) const;
  std::optional<StopReport> at_count(unsigned hart, std::uint64_t cycle, std::uint64_t retired) const;
  std::uint64_t retired_by_all(unsigned hart, std::uint64_t retired) const;
  bool comes_near(unsigned hart) const;
  bool counts(unsigned hart) const { return !until_.hart || *until_.hart == hart; }

  const sim::Machine& machine_;
  Points points_;
  Until until_;
  std::uint64_t steps_ = 0;
  bool stepping_ = false;  // the instruction where the first step begins has been seen
  bool near_ = false;
  std::array<std::optional<Place>, sim::kMaxHarts> last_{};
  std::array<std::optional<StopReport>, sim::kMaxHarts> due_{};
};

}  // namespace hvsim::session
