// Differences of what the accountants know, epoch by epoch.
#include "sim/epoch_recorder.h"

#include <algorithm>
#include <limits>

#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

constexpr isa::Cycles kNever = std::numeric_limits<isa::Cycles>::max();

}  // namespace

EpochRecorder::EpochRecorder(Machine& machine, isa::Cycles length)
    : machine_(machine),
      length_(length),
      since_(machine.harts()),
      next_(machine.harts(), length == 0 ? kNever : length),
      before_(machine.harts()) {}

isa::Cycles EpochRecorder::until_boundary(isa::Cycles now, isa::Cycles cycles) const {
  return on() ? std::min(cycles, length_ - now % length_) : cycles;
}

void EpochRecorder::record(unsigned hart, isa::Cycles now) {
  take(hart);
  since_[hart] = now;
  while (now / length_ >= kMaxEpochs) double_length();
  next_[hart] = (now / length_ + 1) * length_;
}

void EpochRecorder::take(unsigned hart) {
  machine_.hart(hart).settle_statistics();
  auto now = machine_.hart(hart).accountant().activity();
  for (const auto& [owner, activity] : now) {
    cpu::Activity done = activity;
    if (const auto found = before_[hart].find(owner); found != before_[hart].end()) done -= found->second;
    if (!done.none()) rows_[{since_[hart] / length_, hart, owner}] += done;
  }
  before_[hart] = std::move(now);
}

void EpochRecorder::double_length() {
  length_ *= 2;
  std::map<Row, cpu::Activity> rows;
  for (const auto& [row, activity] : rows_)
    rows[{std::get<0>(row) / 2, std::get<1>(row), std::get<2>(row)}] += activity;
  rows_ = std::move(rows);
  for (isa::Cycles& next : next_) next = (next + length_ - 1) / length_ * length_;
}

void EpochRecorder::reset() {
  rows_.clear();
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) {
    before_[hart].clear();
    since_[hart] = machine_.hart(hart).hart_state().cycle;
  }
}

void EpochRecorder::finish() {
  for (unsigned hart = 0; on() && hart < machine_.harts(); ++hart) take(hart);
}

EpochResults EpochRecorder::results(const Config& config) const {
  EpochResults results{.length = length_, .rows = {}};
  for (const auto& [row, activity] : rows_) {
    const auto& [epoch, hart, owner] = row;
    results.rows.push_back({.epoch = epoch,
                            .hart = hart,
                            .vm = vm_name(owner.vm, config),
                            .vcpu = owner.vcpu,
                            .mode = std::string(mode_name(owner.mode)),
                            .components = activity.components,
                            .events = event_row(activity.events)});
  }
  return results;
}

}  // namespace hvsim::sim
