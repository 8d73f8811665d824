// Attribution: to whom and to what every cycle of one hart belongs, and what each VM exit cost.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "models/cpu/activity.h"
#include "models/cpu/delivery_meter.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"
#include "models/cpu/trap.h"
#include "models/cpu/trap_counts.h"
#include "models/state/archive_forward.h"
#include "models/statistics/histogram.h"

namespace hvsim::cpu {

inline constexpr std::uint64_t kOtherExtension = ~std::uint64_t{0};
inline constexpr std::uint64_t kOtherFunction = 64;

// Why a guest was left. For calls from VS the registers say which: a7 (extension) and a6 (function).
struct ExitCause {
  bool interrupt = false;
  std::uint8_t code = 0;
  std::uint64_t extension = 0;
  std::uint64_t function = 0;
  friend constexpr auto operator<=>(const ExitCause&, const ExitCause&) = default;
};

// No exit: the hart was given to another VCPU, or to nobody, and no guest has been entered since.
inline constexpr ExitCause kResumed{.code = 0xFF};

// Of a trap that leaves a guest whose registers are still there.
ExitCause exit_cause(const HartState& state, const isa::Trap& trap);

// A row of the CPI stack.
struct CellKey {
  std::uint32_t vm = kNoVm;
  std::uint32_t vcpu = 0;
  isa::Mode mode{};
  bool in_exit = false;  // outside guests, since one was left or the hart given away; then `cause` counts
  ExitCause cause{};
  isa::HypervisorPhase phase = isa::HypervisorPhase::none;
  friend constexpr auto operator<=>(const CellKey& a, const CellKey& b) {
    auto flat = [](const CellKey& k) {
      return std::tuple(k.vm, k.vcpu, k.mode.privilege, k.mode.virtualized, k.in_exit, k.cause, k.phase);
    };
    return flat(a) <=> flat(b);
  }
  friend constexpr bool operator==(const CellKey& a, const CellKey& b) {
    return a.vm == b.vm && a.vcpu == b.vcpu && a.mode == b.mode && a.in_exit == b.in_exit &&
           a.cause == b.cause && a.phase == b.phase;
  }
};

struct ExitKey {
  std::uint32_t vm = kNoVm;
  ExitCause cause{};
  friend constexpr auto operator<=>(const ExitKey&, const ExitKey&) = default;
};

struct MarkTotals {
  std::uint64_t work_done = 0, hypercalls_done = 0;
  statistics::Histogram latencies;  // nanoseconds, as the guest measured them
};

// What the VCPUs of one VM did with their time, as far as one hart saw it: the cycles at which they ended an
// activity less those at which they began one. Summed over all harts, with the end of the run for those that
// go on, it is the time that they spent.
struct ActivityTotals {
  static constexpr std::size_t kActivities = static_cast<std::size_t>(isa::VcpuActivity::count);
  std::array<std::int64_t, kActivities> cycles{};
  std::array<std::int64_t, kActivities> begun{};  // less those that ended
};

// What software said that a counter of its own stands at (MarkKind::statistic).
struct StatisticMark {
  isa::Cycles at = 0;
  std::uint8_t counter = 0;
  std::uint8_t vm = 0;
  std::uint64_t value = 0;
};

// Whether software in this mode may make this mark. Who runs, in which phase, and what was done for whom is
// the hypervisor's to say, not a guest's.
bool may_mark(isa::Mode mode, isa::MarkKind kind);

class Accountant {
 public:
  Accountant();
  Accountant(const Accountant&) = delete;  // keeps pointers into itself
  Accountant& operator=(const Accountant&) = delete;

  // The row that cycles are charged to until the next event. Stable until then.
  ComponentCycles& row() { return *row_; }
  const CellKey& now() const { return key_; }  // whose row that is

  void trapped(const HartState& state, const TrapTaken& taken);
  void mode_changed(const HartState& state);  // after xRET, or after the host hypervisor moved the hart
  void marked(const HartState& state, std::uint16_t kind, std::uint64_t value);
  // Forgets what was counted; what is going on goes on, as if it had begun `now`.
  void reset(isa::Cycles now);

  // Events are counted by the models, for nobody in particular. When the owner has changed they must be
  // settled before anything else happens, so that what happened since the last time is the former owner's:
  // all that may have changed by book(), then change_owner(). No need to book what activity() derives.
  bool owner_changed() const { return share_ != next_share_; }
  void book(Event event, std::uint64_t now) {
    const auto number = static_cast<std::size_t>(event);
    (*share_)[number] += now - settled_[number];
    settled_[number] = now;
  }
  void book_all(const EventCounts& now);
  void change_owner() { share_ = next_share_; }
  // When a guest was last left, or the hart given to another VCPU after that.
  isa::Cycles exit_began() const { return exit_began_; }
  isa::Cycles entered_at() const { return entered_at_; }  // when a guest was last entered

  // Who is told what marks say about the delivery of hypercalls; the same for all harts of a machine.
  void report_to(DeliveryMeter& meter) { meter_ = &meter; }
  const DeliveryMeter* meter() const { return meter_; }

  const CellKey& current() const { return key_; }
  const std::map<CellKey, std::unique_ptr<ComponentCycles>>& cells() const { return cells_; }
  const TrapCounts& traps() const { return traps_; }
  const std::map<ExitKey, statistics::Histogram>& exits() const { return exits_; }
  const std::map<std::uint32_t, MarkTotals>& marks() const { return marks_; }  // by VM
  const std::vector<StatisticMark>& statistics() const { return statistics_; }
  // Settled activity by owner: cells() and events, without exits and phases.
  std::map<OwnerKey, Activity> activity() const;
  // The same of one VCPU, by mode_index().
  using ByMode = std::array<Activity, kModes>;
  void add_activity_of(std::uint32_t vm, std::uint32_t vcpu, ByMode& sum) const;
  const std::map<std::uint32_t, ActivityTotals>& activities() const { return activities_; }  // by VM

  // Into a fresh one.
  void persist(state::Archive& archive);

 private:
  // Whose time it is, and why: a key without mode and phase, which change most. Its rows are where they were
  // found last time: traps come back to the same few.
  struct Context {
    std::uint32_t vm = kNoVm;
    std::uint32_t vcpu = 0;
    bool known = false, in_exit = false;
    ExitCause cause{};
    std::array<std::array<ComponentCycles*, kModes>, static_cast<std::size_t>(isa::HypervisorPhase::count)>
        rows{};
    statistics::Histogram* lengths = nullptr;  // its exits, of exits_
  };
  static constexpr unsigned kContextBits = 6;

  // After a change of mode or phase; after any other change of the key, select_context() comes first, and
  // after one of the VCPU, forget_shares().
  void select_row() {
    const unsigned mode = mode_index(key_.mode);
    row_ = context_->rows[static_cast<std::size_t>(key_.phase)][mode];
    next_share_ = mode_shares_[mode];
    if (row_ == nullptr || next_share_ == nullptr) [[unlikely]]
      find_row_and_share(mode);
  }
  void select_context();
  void forget_shares() { mode_shares_.fill(nullptr); }
  ComponentCycles* find_row();
  void find_row_and_share(unsigned mode);
  void left_guest(const HartState& state, const isa::Trap& trap);
  void end_exit(isa::Cycles now);
  void given_to(isa::Cycles now, std::uint64_t vcpu);
  void entered_guest(const HartState& state);
  void tell_meter(isa::Cycles now, isa::MarkKind mark, std::uint64_t value);
  void changed_activity(isa::Cycles now, std::uint64_t value);
  void change_phase(isa::Cycles now, isa::HypervisorPhase phase);

  CellKey key_{};
  TrapCounts traps_;
  bool exit_open_ = false;
  isa::Cycles exit_began_ = 0, entered_at_ = 0;
  std::optional<isa::Cycles> entry_began_;  // the scheduler began to decide what now is about to be entered
  std::optional<std::uint32_t> served_;     // the VM whose deferred hypercalls run
  isa::Cycles serving_since_ = 0;
  DeliveryMeter* meter_ = nullptr;
  std::map<CellKey, std::unique_ptr<ComponentCycles>> cells_;
  std::array<Context, std::size_t{1} << kContextBits> contexts_{};
  Context* context_ = nullptr;                      // the present one of them
  std::map<ExitKey, statistics::Histogram> exits_;  // lengths in cycles
  std::map<std::uint32_t, MarkTotals> marks_;
  std::vector<StatisticMark> statistics_;
  std::map<std::uint32_t, ActivityTotals> activities_;
  ComponentCycles* row_ = nullptr;
  EventCounts *share_ = nullptr, *next_share_ = nullptr;  // whose events are not settled yet, and key_'s
  std::array<EventCounts*, kModes> mode_shares_{};        // of the present VCPU
  std::map<OwnerKey, EventCounts> shares_;                // without what activity() derives
  EventCounts settled_{};
};

}  // namespace hvsim::cpu
