// What a run records beyond the models' own counters: regions, epochs, waits that software tells of; resets
// and dumps when it asks for them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/mark_listener.h"
#include "models/state/archive_forward.h"
#include "sim/config.h"
#include "sim/epoch_recorder.h"
#include "sim/machine.h"
#include "sim/region_recorder.h"
#include "sim/statistics.h"
#include "sim/timeline.h"
#include "sim/vcpu_waits.h"

namespace hvsim::sim {

class Recorder final : public cpu::MarkListener {
 public:
  // `timeline`: hears what goes on, too; null: there is none.
  Recorder(Machine& machine, const Config& config, Timeline* timeline = nullptr);
  ~Recorder() override;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void marked(unsigned hart, isa::Cycles now, const cpu::CellKey& who, isa::MarkKind kind,
              std::uint64_t value) override;
  bool hears_phases() const override { return timeline_ != nullptr; }
  // After a hart has run: epochs end, and the config's moments have come.
  void advanced(unsigned hart) {
    const isa::Cycles now = machine_.hart(hart).hart_state().cycle;
    epochs_.advanced(hart, now);
    if (now >= next_moment_) moment_has_come(hart, now);
    if (warm_at_ != 0 && retired() >= warm_at_) warm();
  }
  // Forgets what was counted once all harts together have retired so many more instructions.
  void warm_for(std::uint64_t instructions) { warm_at_ = retired() + instructions; }
  void idle(unsigned hart, isa::Cycles cycles);  // in the hart's stead, cut where epochs end
  // Told of the regions that software begins.
  void on_region(std::function<void(std::uint64_t)> begun) { region_begun_ = std::move(begun); }
  // All that was counted, with the hardware's part, since the last reset.
  void collect(RunResult& result);
  // Forgets what was counted.
  void reset();
  void persist(state::Archive& archive);  // load it before the harts' counts and models

 private:
  static constexpr std::size_t kMaxDumps = 1000;

  void moment_has_come(unsigned hart, isa::Cycles now);
  void expect_moments();
  void warm();
  std::uint64_t retired() const;  // by all harts
  void dump(unsigned hart, isa::Cycles now, const cpu::CellKey& who, std::uint64_t number);
  void fill(RunResult& result);
  bool may_control(unsigned hart) const;

  Machine& machine_;
  const Config& config_;
  std::function<void(std::uint64_t)> region_begun_;
  Timeline* timeline_;
  RegionRecorder regions_;
  EpochRecorder epochs_;
  VcpuWaits vcpu_waits_;
  isa::Cycles measure_from_, measured_from_ = 0;
  std::size_t dumps_made_ = 0;       // of those that the config asks for
  isa::Cycles next_moment_ = 0;      // to reset or to dump
  std::uint64_t warm_at_ = 0;        // instructions at which to reset; 0: no more
  std::optional<RunResult> before_;  // the hardware's counters at the last reset
  std::vector<DumpRow> dumps_;
  std::vector<std::string> dump_texts_;
};

}  // namespace hvsim::sim
