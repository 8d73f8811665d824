// Attribution of cycles and exits; runs at traps, returns and marks only.
#include "models/cpu/accountant.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/late.h"

namespace hvsim::cpu {
namespace {

// Registers are the guest's: anything outside these lists shares one row, so that a hostile guest cannot
// grow the tables.
constexpr std::array<std::uint64_t, 17> kKnownExtensions{
    0,          1,          2,        3,          4,        5,          6,         7, 8,  // SBI legacy
    0x08485653,  // this project's hypercalls
    0x10,       0x54494D45, 0x735049, 0x52464E43, 0x48534D, 0x53525354, 0x4442434E};  // BASE .. DBCN

constexpr auto index_of(Event event) { return static_cast<std::size_t>(event); }

// Parameters that do not overlap are added up two at a time.
void book_rest(std::uint64_t* __restrict share, std::uint64_t* __restrict settled,
               const std::uint64_t* __restrict now) {
  for (std::size_t i = index_of(Event::branch_instructions); i < kEvents; ++i) {
    share[i] += now[i] - settled[i];
    settled[i] = now[i];
  }
}

std::uint64_t sum_of(const ComponentCycles& cycles) {
  return std::accumulate(cycles.begin(), cycles.end(), std::uint64_t{0});
}

// Cycles are those of the CPI stack, and the general "cache" of hardware counters is the L1D.
void add_share(const EventCounts& share, EventCounts& sum) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += share[i];
  sum[index_of(Event::cache_references)] += share[index_of(Event::l1d_accesses)];
  sum[index_of(Event::cache_misses)] += share[index_of(Event::l1d_misses)];
}
void add_cycles(const ComponentCycles& cycles, Activity& sum) {
  for (std::size_t i = 0; i < cycles.size(); ++i) sum.components[i] += cycles[i];
  sum.events[index_of(Event::cycles)] += sum_of(cycles);
}

}  // namespace

ExitCause exit_cause(const HartState& state, const isa::Trap& trap) {
  ExitCause cause{.interrupt = trap.interrupt, .code = trap.code};
  if (!trap.interrupt && trap.code == static_cast<unsigned>(isa::Exception::ecall_from_vs)) {
    cause.extension = std::ranges::find(kKnownExtensions, state.x[17]) != kKnownExtensions.end()
                          ? state.x[17]
                          : kOtherExtension;
    cause.function = std::min(state.x[16], kOtherFunction);
  }
  return cause;
}

bool may_mark(isa::Mode mode, isa::MarkKind kind) {
  using isa::MarkKind;
  if (!mode.virtualized) return true;
  return kind == MarkKind::region_begin || kind == MarkKind::region_end || kind == MarkKind::work_done ||
         kind == MarkKind::statistics_reset || kind == MarkKind::statistics_dump ||
         kind == MarkKind::call_issued || kind == MarkKind::latency;
}

Accountant::Accountant() {
  select_context();
  select_row();
  change_owner();
}

void Accountant::select_context() {
  const std::uint64_t mixed = ((key_.vm * std::uint64_t{64} + key_.vcpu) * 2 + (key_.in_exit ? 1 : 0)) * 256 +
                              key_.cause.code + key_.cause.extension * 0x1'0000'0001 +
                              (key_.cause.function << 40) + (key_.cause.interrupt ? 128 : 0);
  const std::uint64_t hash = mixed * 0x9E37'79B9'7F4A'7C15 >> (64 - kContextBits);  // Fibonacci hashing
  Context& context = contexts_[hash];
  if (!context.known || context.vm != key_.vm || context.vcpu != key_.vcpu ||
      context.in_exit != key_.in_exit || context.cause != key_.cause)
    context = {key_.vm, key_.vcpu, true, key_.in_exit, key_.cause, {}, nullptr};
  context_ = &context;
}

ComponentCycles* Accountant::find_row() {
  auto& cell = cells_[key_];
  if (!cell) cell = std::make_unique<ComponentCycles>();
  return cell.get();
}

void Accountant::find_row_and_share(unsigned mode) {
  ComponentCycles*& row = context_->rows[static_cast<std::size_t>(key_.phase)][mode];
  if (row == nullptr) row = find_row();
  row_ = row;
  EventCounts*& share = mode_shares_[mode];
  if (share == nullptr) share = &shares_[{key_.vm, key_.vcpu, key_.mode}];
  next_share_ = share;
}

void Accountant::book_all(const EventCounts& now) {
  book(Event::instructions, now[index_of(Event::instructions)]);
  book_rest(share_->data(), settled_.data(), now.data());
}

void Accountant::reset(isa::Cycles now) {
  cells_.clear();
  contexts_.fill({});
  exits_.clear();
  traps_.reset();
  marks_.clear();
  for (auto& [vm, totals] : activities_)
    for (std::size_t kind = 0; kind < totals.cycles.size(); ++kind)
      totals.cycles[kind] = -totals.begun[kind] * static_cast<std::int64_t>(now);
  shares_.clear();
  forget_shares();
  select_context();
  select_row();
  change_owner();
}

std::map<OwnerKey, Activity> Accountant::activity() const {
  std::map<OwnerKey, Activity> result;
  for (const auto& [key, cycles] : cells_) add_cycles(*cycles, result[{key.vm, key.vcpu, key.mode}]);
  for (const auto& [owner, share] : shares_) add_share(share, result[owner].events);
  return result;
}

void Accountant::add_activity_of(std::uint32_t vm, std::uint32_t vcpu, ByMode& sum) const {
  constexpr isa::Mode lowest{isa::Privilege::user, false};
  for (auto at = cells_.lower_bound({.vm = vm, .vcpu = vcpu, .mode = lowest, .in_exit = false});
       at != cells_.end() && at->first.vm == vm && at->first.vcpu == vcpu; ++at)
    add_cycles(*at->second, sum[mode_index(at->first.mode)]);
  for (auto at = shares_.lower_bound({vm, vcpu, lowest});
       at != shares_.end() && at->first.vm == vm && at->first.vcpu == vcpu; ++at)
    add_share(at->second, sum[mode_index(at->first.mode)].events);
}

void Accountant::trapped(const HartState& state, const TrapTaken& taken) {
  traps_.add(taken);
  key_.mode = taken.to;
  if (taken.from.virtualized && !taken.to.virtualized && !exit_open_) left_guest(state, taken.trap);
  select_row();
}

void Accountant::left_guest(const HartState& state, const isa::Trap& trap) {
  exit_open_ = true;
  exit_began_ = state.cycle;
  key_.in_exit = true;
  key_.cause = exit_cause(state, trap);
  key_.phase = isa::HypervisorPhase::save;
  select_context();
}

void Accountant::mode_changed(const HartState& state) {
  if (state.mode.virtualized) entered_guest(state);
  key_.mode = state.mode;
  select_row();
}

void Accountant::entered_guest(const HartState& state) {
  if (entry_began_ && meter_ != nullptr) meter_->entered(key_.vm, key_.vcpu, *entry_began_, state.cycle);
  entry_began_.reset();
  if (exit_open_) entered_at_ = state.cycle;
  end_exit(state.cycle);
  if (!key_.in_exit && key_.phase == isa::HypervisorPhase::none) return;
  key_.in_exit = false;
  key_.cause = {};
  key_.phase = isa::HypervisorPhase::none;
  select_context();
}

void Accountant::end_exit(isa::Cycles now) {
  if (!exit_open_) return;
  if (context_->lengths == nullptr) context_->lengths = &exits_[{key_.vm, key_.cause}];
  context_->lengths->add(now - exit_began_);
  exit_open_ = false;
}

// The exit of whoever had the hart ends here. What follows is the way of the next VCPU into its guest, or
// nobody's time.
void Accountant::given_to(isa::Cycles now, std::uint64_t vcpu) {
  end_exit(now);
  exit_open_ = vcpu != isa::kMarkNoVcpu;
  key_.vm = exit_open_ ? static_cast<std::uint32_t>(vcpu >> 16) & 0xFFFF : kNoVm;
  key_.vcpu = exit_open_ ? static_cast<std::uint32_t>(vcpu & 0xFFFF) : 0;
  key_.in_exit = true;
  key_.cause = kResumed;
  exit_began_ = now;
  forget_shares();
  select_context();
}

void Accountant::marked(const HartState& state, std::uint16_t kind, std::uint64_t value) {
  const auto mark = static_cast<isa::MarkKind>(kind);
  if (!may_mark(state.mode, mark)) return;
  switch (mark) {
    case isa::MarkKind::work_done:
      marks_[key_.vm].work_done += value;
      return;
    case isa::MarkKind::hypercall_done:
      marks_[static_cast<std::uint32_t>(value >> 32)].hypercalls_done += value & 0xFFFF'FFFF;
      return;
    case isa::MarkKind::call_issued:
    case isa::MarkKind::calls_ran:
    case isa::MarkKind::serving:
    case isa::MarkKind::delivery:
      if (meter_ != nullptr) tell_meter(state.cycle, mark, value);
      return;
    case isa::MarkKind::statistic:
      statistics_.push_back({state.cycle, static_cast<std::uint8_t>(value >> 56),
                             static_cast<std::uint8_t>(value >> 48), value & ((std::uint64_t{1} << 48) - 1)});
      return;
    case isa::MarkKind::latency:
      marks_[key_.vm].latencies.add(value);
      return;
    case isa::MarkKind::vcpu_activity:
      changed_activity(state.cycle - std::min(state.cycle, isa::late_of_mark(value) * state.cycles_per_tick),
                       value);
      return;
    case isa::MarkKind::phase:
      if (value >= static_cast<std::uint64_t>(isa::HypervisorPhase::count)) return;
      change_phase(state.cycle, static_cast<isa::HypervisorPhase>(value));
      break;
    case isa::MarkKind::vcpu:
      given_to(state.cycle, value);
      break;
    default:
      return;  // for a MarkListener
  }
  select_row();
}

// A decision right behind a drain that follows a decision: that drain gave way before the entry. What a VCPU
// goes on with otherwise, a call that it made, is announced as its exit and is no part of an entry.
void Accountant::change_phase(isa::Cycles now, isa::HypervisorPhase phase) {
  using Phase = isa::HypervisorPhase;
  if (phase == Phase::exit) entry_began_.reset();
  if (phase == Phase::schedule) {
    if (key_.phase == Phase::drain && entry_began_ && meter_ != nullptr)
      meter_->entry_interrupted(key_.vm, key_.vcpu, *entry_began_);
    entry_began_ = now;
  }
  key_.phase = phase;
}

void Accountant::tell_meter(isa::Cycles now, isa::MarkKind mark, std::uint64_t value) {
  const auto vm = static_cast<std::uint32_t>(value >> 32);
  switch (mark) {
    case isa::MarkKind::call_issued:
      meter_->issued(key_.vm, now, value);
      break;
    case isa::MarkKind::calls_ran:
      meter_->ran(vm, now, value & 0xFFFF'FFFF);
      break;
    case isa::MarkKind::delivery:
      meter_->happened(static_cast<std::uint32_t>(value >> 48),
                       static_cast<isa::DeliveryEvent>(value >> 32 & 0xFF), value & 0xFFFF'FFFF);
      break;
    case isa::MarkKind::serving:
      if (served_) meter_->served(*served_, key_.vm, now - serving_since_);
      served_.reset();
      if (value != isa::kMarkNoVm) served_ = static_cast<std::uint32_t>(value);
      serving_since_ = now;
      break;
    default:
      break;
  }
}

void Accountant::changed_activity(isa::Cycles now, std::uint64_t value) {
  const std::size_t before = value >> 8 & 0xFF, after = value & 0xFF;
  if (before >= ActivityTotals::kActivities || after >= ActivityTotals::kActivities) return;
  const auto vm = static_cast<std::uint32_t>(value >> 32) & 0xFF;
  const auto activity = static_cast<isa::VcpuActivity>(after);
  const bool waits_no_longer = activity == isa::VcpuActivity::off || activity == isa::VcpuActivity::blocked;
  if (waits_no_longer && meter_ != nullptr) meter_->entry_given_up(vm, value >> 16 & 0xFFFF);
  ActivityTotals& totals = activities_[vm];
  totals.cycles[before] += static_cast<std::int64_t>(now);
  totals.cycles[after] -= static_cast<std::int64_t>(now);
  --totals.begun[before];
  ++totals.begun[after];
}

}  // namespace hvsim::cpu
