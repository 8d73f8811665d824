// From the accountants' tables to rows with names, and from rows to the totals that people ask for.
#include "sim/statistics.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

constexpr auto kIdle = static_cast<std::size_t>(cpu::Component::idle);

std::string vm_name(std::uint32_t vm, const Config& config) {
  if (vm == cpu::kNoVm) return "-";
  return vm < config.vms.size() ? config.vms[vm].name : "vm" + std::to_string(vm);
}

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

void collect_marks(const std::vector<const cpu::Accountant*>& harts, const Config& config,
                   RunResult& result) {
  std::map<std::uint32_t, cpu::MarkTotals> totals;
  for (std::uint32_t vm = 0; vm < config.vms.size(); ++vm) totals[vm] = {};
  for (const cpu::Accountant* hart : harts)
    for (const auto& [vm, marks] : hart->marks()) {
      totals[vm].work_done += marks.work_done;
      totals[vm].hypercalls_done += marks.hypercalls_done;
    }
  for (const auto& [vm, marks] : totals)
    result.vms.push_back({vm_name(vm, config), marks.work_done, marks.hypercalls_done});
}

bool in_guest(const CpiRow& row) { return row.mode == "VS" || row.mode == "VU"; }

// Which part of the summary a busy cycle outside guests belongs to.
isa::Cycles& part_of(RunSummary& summary, const CpiRow& row) {
  if (row.phase == "save" || row.phase == "schedule" || row.phase == "restore" || row.phase == "idle")
    return summary.trap_path_cycles;
  if (row.phase == "exit") return summary.exit_cycles;
  if (row.phase == "enqueue") return summary.enqueue_cycles;
  if (row.phase == "drain") return summary.drain_cycles;
  return summary.other_cycles;
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
  if (row.cause != "-" && row.phase != "drain") causes[row.cause].cycles += busy;
}

}  // namespace

void collect(const std::vector<const cpu::Accountant*>& harts, const Config& config, RunResult& result) {
  for (unsigned hart = 0; hart < harts.size(); ++hart)
    for (const auto& [key, cycles] : harts[hart]->cells())
      if (std::ranges::any_of(*cycles, [](isa::Cycles part) { return part != 0; }))
        result.cpi.push_back(make_row(hart, key, *cycles, config));
  collect_exits(harts, config, result);
  collect_marks(harts, config, result);
}

RunSummary summarize(const RunResult& result) {
  RunSummary summary;
  summary.cycles = result.cycles;
  std::map<std::string, CauseTotal> causes;
  for (const CpiRow& row : result.cpi) add_row(summary, causes, row);
  for (const ExitRow& row : result.exits) {
    summary.exits += row.count;
    if (row.cause.starts_with(kGuestCall)) summary.calls += row.count;
    causes[row.cause].count += row.count;
  }
  for (const HartStats& hart : result.harts) summary.retired += hart.retired;
  for (const VmStats& vm : result.vms) {
    summary.work_done += vm.work_done;
    summary.hypercalls_done += vm.hypercalls_done;
  }
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
