// What happened in each epoch of so many cycles, by hart, VM, VCPU and mode.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "models/cpu/activity.h"
#include "models/state/archive_forward.h"
#include "sim/config.h"
#include "sim/machine.h"

namespace hvsim::sim {

// Recording changes nothing in a run, so a hart's epoch ends where its quantum does: what it did up to there
// since the end of the last one counts as the epoch's in which that began. Idle time is cut exactly.
class EpochRecorder {
 public:
  EpochRecorder(Machine& machine, isa::Cycles length);

  bool on() const { return length_ != 0; }
  // After a hart has run.
  void advanced(unsigned hart, isa::Cycles now) {
    if (now >= next_[hart]) record(hart, now);
  }
  // How many of the `cycles` that a hart is about to idle lie in the epoch in which they begin.
  isa::Cycles until_boundary(isa::Cycles now, isa::Cycles cycles) const;
  void reset();
  void finish();  // what has happened since the last epoch's end; may be done at any time
  void persist(state::Archive& archive);
  EpochResults results(const Config& config) const;

  // So many epochs at most; then each two become one.
  static constexpr std::uint64_t kMaxEpochs = 4096;

 private:
  using Row = std::tuple<std::uint64_t, unsigned, cpu::OwnerKey>;  // epoch, hart, owner

  void record(unsigned hart, isa::Cycles now);
  void take(unsigned hart);
  void double_length();

  Machine& machine_;
  isa::Cycles length_;
  std::vector<isa::Cycles> since_, next_;                       // by hart
  std::vector<std::map<cpu::OwnerKey, cpu::Activity>> before_;  // by hart, at since_
  std::map<Row, cpu::Activity> rows_;
};

}  // namespace hvsim::sim
