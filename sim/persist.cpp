// The machine around the models, and what a run records, in checkpoints.
#include "models/cpu/persist.h"

#include <algorithm>

#include "models/device/persist.h"
#include "models/mem/persist.h"
#include "models/mmu/persist.h"
#include "sim/machine.h"
#include "sim/recorder.h"

namespace hvsim::sim {

namespace {

constexpr std::string_view kImpossible = "has a machine in an impossible state";

}  // namespace

// Time

static void persist(state::Archive& archive, Turns::Turn& turn) {
  auto& [due, asleep] = turn;
  archive(due, asleep);
}

void Turns::persist(state::Archive& archive) { archive(turns_); }

void Agenda::persist(state::Archive& archive) {
  std::uint64_t count = appointments_.size();
  archive(count);
  if (!archive.require(count == appointments_.size(), kImpossible)) return;
  for (auto& [at, action] : appointments_) archive(at);
  find_next();
}

void ShellState::persist(state::Archive& archive) {
  auto& [sleeps, together, why] = *this;
  archive(sleeps, together, why);
}

// Devices

void DeviceWork::persist(state::Archive& archive) { archive(busy_); }

void Typist::persist(state::Archive& archive) {
  archive(next_, watching_, seen_);
  const bool possible = next_ < script_.size() || (next_ == script_.size() && !watching_);
  if (archive.require(possible, "is of another typing script") || !archive.loading()) return;
  next_ = script_.size();
  watching_ = false;
}

void Machine::VirtioSlot::persist(state::Archive& archive) {
  auto& [medium, behind, bus, its_work] = *this;
  if (auto* image = dynamic_cast<device::DiskImage*>(medium.get())) image->persist(archive);
  archive(*bus, *its_work);
}

void Machine::persist_devices(state::Archive& archive) {
  std::optional<isa::Hpa> to_host, from_host;
  if (htif_) {
    to_host = htif_->to_host();
    from_host = htif_->from_host();
  }
  archive(to_host, from_host);
  if (archive.loading() && to_host) plug_htif(*to_host, from_host);
  archive(shells_, *aclint_, *plic_, *uart_, *rtc_, virtio_, *uart_typist_, *virtio_typist_, agenda_, turns_);
  archive(virtio_console_);
  archive.below(accessing_hart_, harts());
  archive(reset_asked_);
}

void Machine::persist_caches(state::Archive& archive) {
  if (caches_ != nullptr) caches_->persist(archive);
}

void Machine::persist_counts(state::Archive& archive) { archive(delivery_, work_); }

// What is recorded

void WorkLedger::Key::persist(state::Archive& archive) {
  auto& [exits, why, during] = *this;
  auto& [interrupt, code, extension, function] = why;
  archive(exits, interrupt, code, extension, function, during);
}

void WorkLedger::persist(state::Archive& archive) {
  archive(rows_);
  found_.fill({});
}

void VcpuWaits::persist(state::Archive& archive) {
  auto& [since, waits] = *this;
  archive(since, waits);
}

void RegionRecorder::Key::persist(state::Archive& archive) {
  auto& [of_vm, of_vcpu, on_hart, number] = *this;
  archive(of_vm, of_vcpu, on_hart, number);
}

void RegionRecorder::Region::persist(state::Archive& archive) {
  auto& [took, in_all, alone, since, before] = *this;
  archive(took, in_all, alone, since, before);
}

void RegionRecorder::persist(state::Archive& archive) { archive(regions_); }

void EpochRecorder::persist(state::Archive& archive) {
  auto& [machine, length, since, next, before, rows] = *this;
  archive(length, since, next, before, rows);
  archive.require((length != 0) == on() && std::ranges::none_of(next, [](auto at) { return at == 0; }),
                  kImpossible);
}

static void persist(state::Archive& archive, HartStats& stats) {
  auto& [hart, cycles, idle_cycles, retired, counters, branches, l1i, l1d, l1i_prefetches, l1d_prefetches,
         itlb, dtlb, l2tlb, gtlb, walk_cache_first, walk_cache_g] = stats;
  archive(hart, cycles, idle_cycles, retired, counters, branches, l1i, l1d, l1i_prefetches, l1d_prefetches,
          itlb, dtlb, l2tlb, gtlb, walk_cache_first, walk_cache_g);
}

static void persist(state::Archive& archive, LinkRow& row) {
  auto& [name, traffic] = row;
  archive(name, traffic);
}

// Of a result, what Recorder subtracts.
static void persist(state::Archive& archive, RunResult& before) {
  archive(before.l2, before.llc, before.l2_prefetches, before.coherence, before.dram);
  archive.list(before.harts, kMaxHarts);
  archive.list(before.links);
  archive.list(before.disks, kVirtioSlots);
}

static void persist(state::Archive& archive, DumpRow& row) {
  auto& [number, cycle, hart, vm, file] = row;
  archive(number, cycle, hart, vm, file);
}

void Recorder::persist(state::Archive& archive) {
  archive(regions_, epochs_, vcpu_waits_, measure_from_, measured_from_, dumps_made_, next_moment_, warm_at_,
          before_);
  archive.list(dumps_, kMaxDumps);
  archive.list(dump_texts_, kMaxDumps);
  if (!archive.loading() || archive.failed()) return;
  RunResult now;
  machine_.collect(now);  // which settles harts whose models and counts are still to be loaded
  archive.require(
      dumps_made_ <= config_.statistics.dump_at_cycles.size() && dumps_.size() == dump_texts_.size(),
      kImpossible);
  archive.require(
      !before_ || (before_->harts.size() == now.harts.size() && before_->links.size() == now.links.size() &&
                   before_->disks.size() == now.disks.size()),
      kImpossible);
}

}  // namespace hvsim::sim
