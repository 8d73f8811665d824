// What the VCPUs of each VM did with their time, and the latencies that guests told, as a table.
#include "sim/report_vms.h"

#include <algorithm>

#include "sim/report_text.h"

namespace hvsim::sim {
namespace {

constexpr std::size_t kMostVms = 8;  // of a run; the others share a line
constexpr char kLegend[] =
    "run: its VCPUs had a hart. hypervisor: of it, in HS-mode. steal: they waited for a hart. capped: for "
    "their cap. wait: for an interrupt. Latencies: as the guests measured them.";

double number(std::uint64_t value) { return static_cast<double>(value); }
std::string amount(isa::Cycles cycles) { return cycles == 0 ? "-" : scaled(number(cycles)); }
std::string microseconds(std::uint64_t nanoseconds) { return ratio(number(nanoseconds), 1000, 1); }

bool worth_a_table(const Outcome& outcome) {
  return std::ranges::any_of(outcome.result.summary.vms, [](const VmStats& vm) {
    return vm.latencies != 0 || vm.capped_cycles != 0 || vm.steal_cycles > vm.run_cycles / 100;
  });
}

std::vector<std::string> row(const std::string& run, const VmStats& vm) {
  const bool told = vm.latencies != 0;
  return {run,
          vm.name,
          amount(vm.run_cycles),
          amount(vm.hypervisor_cycles),
          amount(vm.steal_cycles),
          amount(vm.capped_cycles),
          amount(vm.wait_cycles),
          told ? microseconds(vm.latency_p50) : "-",
          told ? microseconds(vm.latency_p99) : "-"};
}

VmStats together(const std::vector<VmStats>& vms, std::size_t first) {
  VmStats sum{.name = std::to_string(vms.size() - first) + " more"};
  for (std::size_t i = first; i < vms.size(); ++i) {
    sum.run_cycles += vms[i].run_cycles;
    sum.hypervisor_cycles += vms[i].hypervisor_cycles;
    sum.steal_cycles += vms[i].steal_cycles;
    sum.capped_cycles += vms[i].capped_cycles;
    sum.wait_cycles += vms[i].wait_cycles;
  }
  return sum;
}

}  // namespace

std::string times_of_vms(const std::vector<Outcome>& outcomes) {
  if (std::ranges::none_of(outcomes, worth_a_table)) return {};
  std::vector<std::vector<std::string>> rows{
      {"run", "VM", "run", "hypervisor", "steal", "capped", "wait", "p50 us", "p99 us"}};
  for (const Outcome& outcome : outcomes) {
    const auto& vms = outcome.result.summary.vms;
    const std::size_t shown = vms.size() <= kMostVms + 1 ? vms.size() : kMostVms;
    for (std::size_t i = 0; i < shown; ++i) rows.push_back(row(i == 0 ? outcome.run->label : "", vms[i]));
    if (shown < vms.size()) rows.push_back(row("", together(vms, shown)));
  }
  const auto empty = [&](std::size_t column) {
    return std::all_of(rows.begin() + 1, rows.end(), [&](const auto& r) { return r[column] == "-"; });
  };
  for (std::size_t column = rows[0].size(); column-- > 2;)
    if (empty(column))
      for (auto& cells : rows) cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(column));
  return columns(rows) + paragraph(kLegend, 0);
}

}  // namespace hvsim::sim
