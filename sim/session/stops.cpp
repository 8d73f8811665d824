// One function per kind of stop.
#include "sim/session/stops.h"

#include <algorithm>
#include <utility>

#include "models/cpu/instruction_table.h"
#include "sim/access_of.h"
#include "sim/statistics_names.h"
#include "sim/trap_words.h"

namespace hvsim::session {
namespace {

// By how much a turn may be longer than a quantum: a block with its stalls, and an LR/SC loop to its end.
constexpr isa::Cycles kOvershoot = 10'000;
// Instructions per cycle, at most.
constexpr std::uint64_t kWidest = 4;

constexpr char kAny[] = "any";

std::uint32_t who_runs(isa::Mode mode, std::uint32_t vm) { return mode.virtualized ? vm : cpu::kNoGuest; }

bool named(const std::optional<std::string>& wanted, std::string_view name) {
  return wanted && (*wanted == kAny || *wanted == name || *wanted == name.substr(0, name.find('/')));
}

}  // namespace

void Stops::go(Until until) {
  until_ = std::move(until);
  steps_ = 0;
  if (until_.steps) {
    const cpu::HartState& state = machine_.hart(*until_.hart).hart_state();
    stepping_ = last_[*until_.hart] == Place{state.pc, state.retired};
  }
  near_ = false;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) near_ = near_ || comes_near(hart);
  for (auto& each : due_) each.reset();
}

cpu::ObservedCode Stops::wanted() const {
  cpu::ObservedCode code;
  code.everything = near_ || until_.steps.has_value() ||
                    std::ranges::any_of(due_, [](const auto& each) { return each.has_value(); });
  code.accesses = !points_.watchpoints.empty();
  code.marks = until_.mark.has_value();
  for (const Breakpoint& point : points_.breakpoints) code.add(point.at.pc);
  for (const cpu::Breakpoint& point : until_.addresses) code.add(point.pc);
  return code;
}

std::optional<StopReport> Stops::before_turn(unsigned hart) {
  if (auto report = due(hart)) return report;
  const cpu::HartState& state = machine_.hart(hart).hart_state();
  if (auto report = at_count(hart, state.cycle, state.retired)) return report;
  near_ = near_ || comes_near(hart);
  return std::nullopt;
}

bool Stops::comes_near(unsigned hart) const {
  const cpu::HartState& state = machine_.hart(hart).hart_state();
  const isa::Cycles turn = machine_.config().quantum_cycles + kOvershoot;
  if (until_.cycle && state.cycle + turn >= *until_.cycle) return true;
  return until_.instructions &&
         retired_by_all(hart, state.retired) + turn * kWidest * machine_.harts() >= *until_.instructions;
}

std::uint64_t Stops::retired_by_all(unsigned hart, std::uint64_t retired) const {
  if (until_.hart) return *until_.hart == hart ? retired : 0;
  for (unsigned other = 0; other < machine_.harts(); ++other)
    if (other != hart) retired += machine_.hart(other).hart_state().retired;
  return retired;
}

std::optional<StopReport> Stops::due(unsigned hart) { return std::exchange(due_[hart], std::nullopt); }

std::optional<StopReport> Stops::before(const cpu::HartState& hart, const cpu::StepSeen& seen) {
  const unsigned number = hart.hart_id;
  if (auto report = due(number)) {
    last_[number] = Place{seen.pc, seen.retired};
    return report;
  }
  const Place here{seen.pc, seen.retired};
  if (std::exchange(last_[number], here) == here) return std::nullopt;
  if (until_.steps && counts(number) && std::exchange(stepping_, true) && ++steps_ == *until_.steps)
    return StopReport{.reason = "step", .hart = number};
  if (auto report = at_point(hart, seen)) return report;
  if (auto report = at_access(hart, seen)) return report;
  if (auto report = at_mark(hart, seen)) return report;
  return at_count(number, seen.cycle, seen.retired);
}

std::optional<StopReport> Stops::at_point(const cpu::HartState& hart, const cpu::StepSeen& seen) const {
  const std::uint32_t who = who_runs(seen.mode, seen.vm);
  for (const Breakpoint& point : points_.breakpoints)
    if (point.at.pc == seen.pc && cpu::concerns(point.at.whose, who))
      return StopReport{.reason = "breakpoint", .hart = hart.hart_id, .details = {{"id", point.id}}};
  if (!counts(hart.hart_id)) return std::nullopt;
  for (const cpu::Breakpoint& point : until_.addresses)
    if (point.pc == seen.pc && cpu::concerns(point.whose, who))
      return StopReport{.reason = "address", .hart = hart.hart_id};
  return std::nullopt;
}

std::optional<StopReport> Stops::at_access(const cpu::HartState& hart, const cpu::StepSeen& seen) const {
  if (points_.watchpoints.empty()) return std::nullopt;
  const auto access = sim::access_of(hart, *seen.op);
  if (!access) return std::nullopt;
  for (const Watchpoint& point : points_.watchpoints) {
    const bool watched = (access->reads && point.at.reads) || (access->writes && point.at.writes);
    if (!watched || !point.at.overlaps(access->address, access->bytes)) continue;
    if (!cpu::concerns(point.at.whose, who_runs(seen.mode, seen.vm))) continue;
    return StopReport{.reason = "watchpoint",
                      .hart = hart.hart_id,
                      .details = {{"id", point.id},
                                  {"address", access->address},
                                  {"bytes", access->bytes},
                                  {"reads", access->reads},
                                  {"writes", access->writes}}};
  }
  return std::nullopt;
}

std::optional<StopReport> Stops::at_mark(const cpu::HartState& hart, const cpu::StepSeen& seen) const {
  if (!until_.mark || cpu::instruction(seen.op->id).klass != cpu::Class::mark || !counts(hart.hart_id))
    return std::nullopt;
  const std::uint64_t value = hart.x[seen.op->rs1];
  if (until_.mark->kind != static_cast<isa::MarkKind>(seen.op->imm & 0xFFF)) return std::nullopt;
  if (until_.mark->value && *until_.mark->value != value) return std::nullopt;
  if (!cpu::concerns(until_.vm, who_runs(seen.mode, seen.vm))) return std::nullopt;
  return StopReport{.reason = "mark", .hart = hart.hart_id, .details = {{"value", value}}};
}

std::optional<StopReport> Stops::at_count(unsigned hart, std::uint64_t cycle, std::uint64_t retired) const {
  if (!counts(hart)) return std::nullopt;
  if (until_.cycle && cycle >= *until_.cycle) return StopReport{.reason = "cycle", .hart = hart};
  if (until_.instructions && retired_by_all(hart, retired) >= *until_.instructions)
    return StopReport{.reason = "instructions", .hart = hart};
  return std::nullopt;
}

bool Stops::trapped(const cpu::HartState& state, const cpu::TrapSeen& seen) {
  const unsigned hart = state.hart_id;
  if ((!until_.exit && !until_.trap) || !counts(hart) || due_[hart]) return false;
  const cpu::TrapTaken& taken = seen.taken;
  const std::string exit = sim::exit_name(cpu::exit_cause(state, taken.trap));
  const bool concerned = cpu::concerns(until_.vm, who_runs(taken.from, seen.vm));
  const bool leaves = taken.from.virtualized && !taken.to.virtualized;
  const auto& key = sim::cause_name(taken.trap.interrupt, taken.trap.code).key;
  const char* reason = leaves && named(until_.exit, exit) ? "exit"
                       : named(until_.trap, key)          ? "trap"
                                                          : nullptr;
  if (reason == nullptr || !concerned) return false;
  due_[hart] =
      StopReport{.reason = reason, .hart = hart, .details = {{"cause", leaves ? exit : std::string(key)}}};
  return true;
}

// Marks of a hypervisor on the host, which executes no instructions.
bool Stops::marked(unsigned hart, std::uint32_t vm, isa::MarkKind kind, std::uint64_t value) {
  if (!until_.mark || until_.mark->kind != kind || !counts(hart) || due_[hart]) return false;
  if (until_.mark->value && *until_.mark->value != value) return false;
  if (!cpu::concerns(until_.vm, cpu::kNoGuest) && until_.vm != vm) return false;
  due_[hart] = StopReport{.reason = "mark", .hart = hart, .details = {{"value", value}}};
  return true;
}

}  // namespace hvsim::session
