// From the accountants' tables to rows with names, and from rows to the totals that people ask for.
#include "sim/statistics.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

constexpr auto kIdle = static_cast<std::size_t>(cpu::Component::idle);

CpiRow make_row(unsigned hart, const cpu::CellKey& key, const cpu::ComponentCycles& cycles,
                const Config& config) {
  return {.hart = hart,
          .vm = vm_name(key.vm, config),
          .vcpu = key.vcpu,
          .mode = std::string(mode_name(key.mode)),
          .cause = key.in_exit ? exit_name(key.cause) : "-",
          .phase = std::string(phase_name(key.phase)),
          .components = cycles};
}

// Causes that share a name, such as SBI calls that nobody knows, share a row.
void collect_cpi(unsigned hart, const cpu::Accountant& accountant, const Config& config,
                 std::vector<CpiRow>& rows) {
  std::map<std::pair<cpu::CellKey, std::string>, std::size_t> places;  // by key without and name of the cause
  for (const auto& [key, cycles] : accountant.cells()) {
    if (std::ranges::none_of(*cycles, [](isa::Cycles part) { return part != 0; })) continue;
    CpiRow row = make_row(hart, key, *cycles, config);
    cpu::CellKey named = key;
    named.cause = {};
    const auto [place, fresh] = places.try_emplace({named, row.cause}, rows.size());
    if (fresh) {
      rows.push_back(std::move(row));
      continue;
    }
    for (std::size_t i = 0; i < cycles->size(); ++i) rows[place->second].components[i] += (*cycles)[i];
  }
}

ExitRow make_row(const std::string& vm, const std::string& cause, const statistics::Histogram& lengths) {
  return {.vm = vm,
          .cause = cause,
          .count = lengths.count(),
          .cycles = lengths.sum(),
          .min = lengths.min(),
          .p50 = lengths.quantile(500),
          .p99 = lengths.quantile(990),
          .max = lengths.max()};
}

void collect_exits(const std::vector<const cpu::Accountant*>& harts, const Config& config,
                   RunResult& result) {
  std::map<std::pair<std::uint32_t, std::string>, statistics::Histogram> exits;  // by VM and name
  for (const cpu::Accountant* hart : harts)
    for (const auto& [key, lengths] : hart->exits()) exits[{key.vm, exit_name(key.cause)}].merge(lengths);
  for (const auto& [key, lengths] : exits)
    result.exits.push_back(make_row(vm_name(key.first, config), key.second, lengths));
}

DeliveryStats delivery_of(const cpu::DeliveryMeter::Vm& vm) {
  const auto count = [&](isa::DeliveryEvent event) { return vm.events[static_cast<std::size_t>(event)]; };
  using Event = isa::DeliveryEvent;
  return {.issued = vm.issued,
          .ran = vm.ran,
          .notifications = count(Event::notification),
          .suppressed_notifications = vm.ran - std::min(vm.ran, count(Event::notification)),
          .overflow_drains = count(Event::overflow_drain),
          .barrier_drains = count(Event::barrier_drain),
          .blocking_drains = count(Event::blocking_drain),
          .budget_stops = count(Event::budget_stop),
          .forced_drains = count(Event::forced_drain),
          .interrupted_drains = count(Event::interrupted_drain),
          .ring_errors = count(Event::ring_error),
          .completion_interrupts = count(Event::completion_interrupt),
          .depth_p50 = vm.depth.quantile(500),
          .deepest = vm.depth.max(),
          .latency_p50 = vm.latency.quantile(500),
          .latency_p99 = vm.latency.quantile(990),
          .latency_p999 = vm.latency.quantile(999),
          .latency_max = vm.latency.max(),
          .entry_p50 = vm.entry.quantile(500),
          .entry_p99 = vm.entry.quantile(990),
          .entry_p999 = vm.entry.quantile(999),
          .entry_max = vm.entry.max(),
          .served_by_own = vm.served_by_own,
          .served_by_others = vm.served_by_others,
          .served_by_nobody = vm.served_by_nobody,
          .paid_for_others = vm.paid_for_others};
}

struct VmTotals {
  cpu::MarkTotals marks;
  cpu::ActivityTotals activities;
  isa::Cycles hypervisor = 0;
};

// What the VCPUs did until now counts up to the end of the run.
isa::Cycles time_in(const VmTotals& totals, isa::VcpuActivity activity, isa::Cycles end) {
  const auto kind = static_cast<std::size_t>(activity);
  const std::int64_t cycles =
      totals.activities.cycles[kind] + totals.activities.begun[kind] * static_cast<std::int64_t>(end);
  return cycles > 0 ? static_cast<isa::Cycles>(cycles) : 0;  // harts' clocks differ by up to a quantum
}

VmStats make_vm(const std::string& name, const VmTotals& totals, isa::Cycles end) {
  const statistics::Histogram& latencies = totals.marks.latencies;
  return {.name = name,
          .work_done = totals.marks.work_done,
          .hypercalls_done = totals.marks.hypercalls_done,
          .run_cycles = time_in(totals, isa::VcpuActivity::running, end),
          .hypervisor_cycles = totals.hypervisor,
          .steal_cycles = time_in(totals, isa::VcpuActivity::ready, end),
          .capped_cycles = time_in(totals, isa::VcpuActivity::capped, end),
          .wait_cycles = time_in(totals, isa::VcpuActivity::blocked, end),
          .latencies = latencies.count(),
          .latency_p50 = latencies.quantile(500),
          .latency_p99 = latencies.quantile(990),
          .latency_max = latencies.max()};
}

void add_hart(const cpu::Accountant& hart, std::map<std::uint32_t, VmTotals>& totals) {
  for (const auto& [vm, marks] : hart.marks()) {
    totals[vm].marks.work_done += marks.work_done;
    totals[vm].marks.hypercalls_done += marks.hypercalls_done;
    totals[vm].marks.latencies.merge(marks.latencies);
  }
  for (const auto& [vm, seen] : hart.activities())
    for (std::size_t kind = 0; kind < seen.cycles.size(); ++kind) {
      totals[vm].activities.cycles[kind] += seen.cycles[kind];
      totals[vm].activities.begun[kind] += seen.begun[kind];
    }
  for (const auto& [key, cycles] : hart.cells())
    if (key.vm != cpu::kNoVm && !key.mode.virtualized && key.mode.privilege == isa::Privilege::supervisor)
      totals[key.vm].hypervisor +=
          std::accumulate(cycles->begin(), cycles->end(), isa::Cycles{0}) - (*cycles)[kIdle];
}

void collect_vms(const std::vector<const cpu::Accountant*>& harts, const Config& config, RunResult& result) {
  std::map<std::uint32_t, VmTotals> totals;
  for (std::uint32_t vm = 0; vm < config.vms.size(); ++vm) totals[vm] = {};
  for (const cpu::Accountant* hart : harts) add_hart(*hart, totals);
  const cpu::DeliveryMeter* const meter = harts.empty() ? nullptr : harts.front()->meter();
  const isa::Cycles end = result.measured_from + result.cycles;
  for (const auto& [vm, sum] : totals) {
    result.vms.push_back(make_vm(vm_name(vm, config), sum, end));
    if (meter == nullptr || !meter->vms().contains(vm)) continue;
    const cpu::DeliveryMeter::Vm& delivery = meter->vms().at(vm);
    result.vms.back().delivery = delivery_of(delivery);
    if (delivery.latency.count() != 0)
      result.delivery_times.push_back({result.vms.back().name, "call", distribution(delivery.latency)});
    if (delivery.entry.count() != 0)
      result.delivery_times.push_back({result.vms.back().name, "entry", distribution(delivery.entry)});
  }
}

SharingSample sample_of(const SharingStats& stats, isa::Cycles at) {
  const auto of = [&](hv::SharingCounter counter) {
    return stats.counters[static_cast<std::size_t>(counter)];
  };
  return {at,
          stats.vm,
          of(hv::SharingCounter::private_pages),
          of(hv::SharingCounter::shared_pages),
          of(hv::SharingCounter::merged_pages),
          of(hv::SharingCounter::free_pages)};
}

bool same_memory(const SharingSample& a, const SharingSample& b) {
  return a.private_pages == b.private_pages && a.shared_pages == b.shared_pages &&
         a.merged_pages == b.merged_pages && a.free_pages == b.free_pages;
}

// The hypervisor tells all counters of a VM at once, free_pages behind the others that a sample holds.
void collect_sharing(const std::vector<const cpu::Accountant*>& harts, const Config& config,
                     RunResult& result) {
  std::vector<std::pair<unsigned, cpu::StatisticMark>> marks;
  for (unsigned hart = 0; hart < harts.size(); ++hart)
    for (const cpu::StatisticMark& mark : harts[hart]->statistics()) marks.emplace_back(hart, mark);
  std::ranges::stable_sort(marks, {}, [](const auto& mark) { return std::pair(mark.second.at, mark.first); });
  std::map<unsigned, SharingStats> stats;
  std::map<unsigned, SharingSample> last;
  for (const auto& [hart, mark] : marks) {
    if (mark.counter >= hv::kSharingCounters) continue;
    SharingStats& of = stats[mark.vm];
    of.vm = mark.vm == hv::kMachineCounters ? "machine" : vm_name(mark.vm, config);
    of.counters[mark.counter] = mark.value;
    if (mark.counter != static_cast<std::uint8_t>(hv::SharingCounter::free_pages)) continue;
    const SharingSample sample = sample_of(of, mark.at);
    if (const auto before = last.find(mark.vm); before != last.end() && same_memory(before->second, sample))
      continue;
    result.sharing_samples.push_back(last[mark.vm] = sample);
  }
  for (const auto& [vm, row] : stats)
    if (std::ranges::any_of(row.counters, [](std::uint64_t value) { return value != 0; }))
      result.sharing.push_back(row);
}

bool in_guest(const CpiRow& row) { return row.mode == "VS" || row.mode == "VU"; }

// Which part of the summary a busy cycle outside guests belongs to.
isa::Cycles& part_of(RunSummary& summary, const CpiRow& row) {
  if (row.phase == "save" || row.phase == "schedule" || row.phase == "restore" || row.phase == "idle")
    return summary.trap_path_cycles;
  if (row.phase == "exit") return summary.exit_cycles;
  if (row.phase == "enqueue") return summary.enqueue_cycles;
  if (row.phase == "drain") return summary.drain_cycles;
  if (row.phase == "scan") return summary.scan_cycles;
  if (row.phase == "unshare") return summary.unshare_cycles;
  if (row.phase == "poll") return summary.poll_cycles;
  if (row.cause != "-") return summary.trap_path_cycles;  // the SRET behind the last mark
  return summary.other_cycles;
}

void add_delivery(DeliveryStats& all, const DeliveryStats& vm) {
  using S = DeliveryStats;
  for (const auto sum :
       {&S::issued, &S::ran, &S::notifications, &S::suppressed_notifications, &S::overflow_drains,
        &S::barrier_drains, &S::blocking_drains, &S::budget_stops, &S::forced_drains, &S::interrupted_drains,
        &S::ring_errors, &S::completion_interrupts, &S::served_by_own, &S::served_by_others,
        &S::served_by_nobody, &S::paid_for_others})
    all.*sum += vm.*sum;
  for (const auto worst : {&S::depth_p50, &S::deepest, &S::latency_p50, &S::latency_p99, &S::latency_p999,
                           &S::latency_max, &S::entry_p50, &S::entry_p99, &S::entry_p999, &S::entry_max})
    all.*worst = std::max(all.*worst, vm.*worst);
}

void add_row(RunSummary& summary, std::map<std::string, CauseTotal>& causes, const CpiRow& row) {
  const isa::Cycles idle = row.components[kIdle];
  const isa::Cycles busy =
      std::accumulate(row.components.begin(), row.components.end(), isa::Cycles{0}) - idle;
  summary.idle_cycles += idle;
  summary.busy_cycles += busy;
  if (in_guest(row)) {
    summary.guest_cycles += busy;
    return;
  }
  part_of(summary, row) += busy;
  const bool nobodys = row.cause == kResumed && row.vm == "-";
  if (row.cause != "-" && !nobodys && row.phase != "drain") causes[row.cause].cycles += busy;
}

}  // namespace

namespace {

SharingSummary summarize_sharing(const RunResult& result) {
  using C = hv::SharingCounter;
  SharingSummary sum;
  for (const SharingStats& stats : result.sharing) {
    const auto of = [&](C counter) { return stats.counters[static_cast<std::size_t>(counter)]; };
    sum.promised_pages += of(C::memory_pages);
    sum.saved_page_ticks += of(C::shared_page_ticks) - of(C::content_frame_ticks);
    sum.scanned_pages += of(C::scanned_pages) + of(C::content_scanned_pages);
    sum.scan_cycles += of(C::scan_cycles) + of(C::content_cycles);
    sum.unshares += of(C::unshared_pages) + of(C::unshared_blocks);
    sum.unshare_cycles += of(C::unshare_cycles);
    sum.splintered_blocks += of(C::splintered_blocks);
    sum.detected_pages += of(C::detected_pages);
    sum.detect_ticks += of(C::detect_ticks);
    sum.pauses += of(C::pauses);
    sum.peak_used_pages += of(C::pool_pages) - of(C::least_free_pages);
  }
  std::map<std::string, SharingSample> now;
  for (const SharingSample& sample : result.sharing_samples) {
    now[sample.vm] = sample;
    std::uint64_t saved = 0, free = 0, shared = 0;
    for (const auto& [vm, last] : now) {
      saved += last.shared_pages + last.merged_pages;
      free += last.free_pages;
      shared += last.shared_pages;
    }
    sum.peak_saved_pages = std::max(sum.peak_saved_pages, saved);
    if (shared == 0) continue;  // the VMs are gone
    sum.free_pages = free;
    sum.shared_free_pages = shared;
  }
  return sum;
}

}  // namespace

void collect(const std::vector<const cpu::Accountant*>& harts, const Config& config, RunResult& result) {
  for (unsigned hart = 0; hart < harts.size(); ++hart) collect_cpi(hart, *harts[hart], config, result.cpi);
  for (unsigned hart = 0; hart < harts.size(); ++hart)
    for (const auto& [owner, activity] : harts[hart]->activity())
      if (!activity.none())
        result.shares.push_back({.hart = hart,
                                 .vm = vm_name(owner.vm, config),
                                 .vcpu = owner.vcpu,
                                 .mode = std::string(mode_name(owner.mode)),
                                 .components = activity.components,
                                 .events = event_row(activity.events)});
  for (unsigned hart = 0; hart < harts.size(); ++hart)
    harts[hart]->traps().for_each([&](const cpu::TrapTaken& trap, std::uint64_t count) {
      result.traps.push_back({.hart = hart,
                              .from = std::string(mode_name(trap.from)),
                              .to = std::string(mode_name(trap.to)),
                              .cause = trap_name(trap.trap),
                              .count = count});
    });
  collect_exits(harts, config, result);
  collect_vms(harts, config, result);
  collect_sharing(harts, config, result);
}

// Causes that have one name are one row.
void collect(const WorkLedger& work, RunResult& result) {
  std::map<std::pair<std::string, std::string>, WorkLedger::Row> rows;
  for (const auto& [key, units] : work.rows()) {
    WorkLedger::Row& row =
        rows[{key.in_exit ? exit_name(key.cause) : "-", std::string(phase_name(key.phase))}];
    for (std::size_t i = 0; i < row.size(); ++i) row[i] += units[i];
  }
  for (const auto& [name, units] : rows)
    result.work.push_back({.cause = name.first, .phase = name.second, .units = units});
}

void collect(const std::vector<const cpu::InterruptTimes*>& harts, const Config& config, RunResult& result) {
  std::map<cpu::InterruptKey, statistics::Histogram> all;
  for (const cpu::InterruptTimes* hart : harts)
    for (const auto& [key, latencies] : hart->latencies()) all[key].merge(latencies);
  for (const auto& [key, latencies] : all)
    result.interrupts.push_back({.vm = vm_name(key.vm, config),
                                 .mode = std::string(mode_name(key.to)),
                                 .interrupt = exit_name({.interrupt = true, .code = key.code}),
                                 .path = key.path == cpu::InterruptPath::direct ? "direct" : "trapped",
                                 .latency = distribution(latencies)});
}

EventRow event_row(const cpu::EventCounts& counts) {
  EventRow row{};
  std::copy(counts.begin() + 1, counts.end(), row.begin());
  return row;
}

RunSummary summarize(const RunResult& result) {
  RunSummary summary;
  summary.cycles = result.cycles;
  std::map<std::string, CauseTotal> causes;
  for (const CpiRow& row : result.cpi) add_row(summary, causes, row);
  for (const ExitRow& row : result.exits) {
    if (row.cause != kResumed) summary.exits += row.count;
    if (row.cause.starts_with(kGuestCall)) summary.ecalls += row.count;
    causes[row.cause].count += row.count;
  }
  for (const HartStats& hart : result.harts) summary.retired += hart.retired;
  summary.sharing = summarize_sharing(result);
  for (const VmStats& vm : result.vms) {
    summary.work_done += vm.work_done;
    summary.hypercalls_done += vm.hypercalls_done;
    add_delivery(summary.delivery, vm.delivery);
  }
  summary.vms = result.vms;
  for (auto& [cause, total] : causes) {
    total.cause = cause;
    summary.causes.push_back(total);
  }
  std::ranges::stable_sort(summary.causes, [](const auto& a, const auto& b) { return a.cycles > b.cycles; });
  return summary;
}

int exit_code(const RunResult& result) {
  switch (result.stop) {
    case StopReason::finished:
      return result.guest_exit_code == 0 ? 0 : 1;
    case StopReason::checkpoint:
      return 0;
    case StopReason::cycle_limit:
    case StopReason::instruction_limit:
    case StopReason::debugger:
      return 4;
    case StopReason::no_progress:
      return 5;
    case StopReason::unexpected_trap:
      return 6;
  }
  return 3;
}

}  // namespace hvsim::sim
