// Marks to those who record them, and results from them.
#include "sim/recorder.h"

#include <algorithm>
#include <limits>

#include "sim/statistics_difference.h"
#include "sim/statistics_json.h"
#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

constexpr isa::Cycles kNever = std::numeric_limits<isa::Cycles>::max();

}  // namespace

Recorder::Recorder(Machine& machine, const Config& config, Timeline* timeline)
    : machine_(machine),
      config_(config),
      timeline_(timeline),
      regions_(machine),
      epochs_(machine, config.statistics.epoch_cycles),
      measure_from_(config.statistics.measure_from_cycles == 0 ? kNever
                                                               : config.statistics.measure_from_cycles) {
  expect_moments();
  for (unsigned hart = 0; hart < machine.harts(); ++hart) machine.hart(hart).set_mark_listener(this);
}

Recorder::~Recorder() {
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) machine_.hart(hart).set_mark_listener(nullptr);
}

void Recorder::marked(unsigned hart, isa::Cycles now, const cpu::CellKey& who, isa::MarkKind kind,
                      std::uint64_t value) {
  if (timeline_ != nullptr)
    timeline_->marked(hart, now, who, kind, value, machine_.hart(hart).accountant().exit_began());
  switch (kind) {
    case isa::MarkKind::region_begin:
      regions_.begin(hart, now, who, value);
      if (region_begun_) region_begun_(value);
      return;
    case isa::MarkKind::region_end:
      return regions_.end(hart, now, who, value);
    case isa::MarkKind::statistics_reset:
      return may_control(hart) ? reset() : void();
    case isa::MarkKind::statistics_dump:
      return may_control(hart) ? dump(hart, now, who, value) : void();
    case isa::MarkKind::vcpu_runnable:
      return vcpu_waits_.runnable(value, now);
    case isa::MarkKind::vcpu:
      return vcpu_waits_.running(value, now);
    default:
      return;
  }
}

bool Recorder::may_control(unsigned hart) const {
  return config_.statistics.guest_control || !machine_.hart(hart).hart_state().mode.virtualized;
}

void Recorder::idle(unsigned hart, isa::Cycles cycles) {
  cpu::Hart& idler = machine_.hart(hart);
  while (cycles != 0) {
    const isa::Cycles now = epochs_.until_boundary(idler.hart_state().cycle, cycles);
    idler.idle(now);
    epochs_.advanced(hart, idler.hart_state().cycle);
    cycles -= now;
  }
}

// What the config asks for at some cycle. A reset by software does not take the place of the config's.
void Recorder::moment_has_come(unsigned hart, isa::Cycles now) {
  const auto& dumps = config_.statistics.dump_at_cycles;
  for (; dumps_made_ < dumps.size() && dumps[dumps_made_] <= now; ++dumps_made_)
    dump(hart, now, {}, dumps[dumps_made_]);
  if (now >= measure_from_) {
    measure_from_ = kNever;
    reset();
  }
  expect_moments();
}

void Recorder::warm() {
  warm_at_ = 0;
  reset();
}

std::uint64_t Recorder::retired() const {
  std::uint64_t retired = 0;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart)
    retired += machine_.hart(hart).hart_state().retired;
  return retired;
}

void Recorder::expect_moments() {
  const auto& dumps = config_.statistics.dump_at_cycles;
  next_moment_ = std::min(measure_from_, dumps_made_ < dumps.size() ? dumps[dumps_made_] : kNever);
}

void Recorder::reset() {
  measured_from_ = 0;
  before_.emplace();
  machine_.collect(*before_);
  for (HartStats& hart : before_->harts) {
    measured_from_ = std::max(measured_from_, hart.cycles);
    hart.idle_cycles = 0;  // told by the accountants, which forget
  }
  machine_.reset_statistics(measured_from_);
  regions_.reset();
  epochs_.reset();
  vcpu_waits_.reset();
}

void Recorder::dump(unsigned hart, isa::Cycles now, const cpu::CellKey& who, std::uint64_t number) {
  if (dumps_.size() == kMaxDumps) return;
  RunResult result;
  fill(result);
  dumps_.push_back({.number = number,
                    .cycle = now,
                    .hart = hart,
                    .vm = vm_name(who.vm, config_),
                    .file = "dumps/" + std::to_string(dumps_.size()) + ".json"});
  Json json = statistics_json(result);
  json["summary"] = summary_json(summarize(result));
  dump_texts_.push_back(json.dump(2) + "\n");
}

void Recorder::fill(RunResult& result) {
  epochs_.finish();
  machine_.collect(result);
  if (before_) {
    subtract(result.harts, before_->harts);
    subtract(result.l2, before_->l2);
    subtract(result.llc, before_->llc);
    subtract(result.l2_prefetches, before_->l2_prefetches);
    subtract(result.dram, before_->dram);
    subtract(result.links, before_->links);
    subtract(result.coherence, before_->coherence);
    subtract(result.disks, before_->disks);
    result.cycles = 0;
    for (const HartStats& hart : result.harts) result.cycles = std::max(result.cycles, hart.cycles);
  }
  result.measured_from = measured_from_;
  std::vector<const cpu::Accountant*> accountants;
  std::vector<const cpu::InterruptTimes*> interrupts;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) {
    accountants.push_back(&machine_.hart(hart).accountant());
    interrupts.push_back(&machine_.hart(hart).interrupt_times());
  }
  sim::collect(accountants, config_, result);
  sim::collect(interrupts, config_, result);
  sim::collect(machine_.work(), result);
  result.regions = regions_.rows(config_);
  result.vcpu_waits = vcpu_waits_.rows(config_);
  result.epochs = epochs_.results(config_);
}

void Recorder::collect(RunResult& result) {
  fill(result);
  result.dumps = std::move(dumps_);
  result.dump_texts = std::move(dump_texts_);
}

}  // namespace hvsim::sim
