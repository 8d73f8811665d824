// How deferrable hypercalls were delivered, run by run.
#include "sim/report_delivery.h"

#include <algorithm>

#include "sim/report_text.h"

namespace hvsim::sim {
namespace {

constexpr char kDeliveryLegend[] =
    "Cycles. latency: from the guest's deferrable call until it has run; entry: from the scheduler's "
    "decision "
    "until the guest runs, both of the VM where it is worst. traps: exits that brought deferrable calls. "
    "overflow, left: full queues, and drains at entry that left calls behind. foreign: cycles of deferred "
    "calls that another VM was charged for; unpaid: those on idle or polling hart time.";

struct Column {
  const char* title;
  std::uint64_t DeliveryStats::*value;
};
using S = DeliveryStats;
constexpr Column kColumns[] = {
    {"calls", &S::ran},         {"traps", &S::notifications},      {"latency p50", &S::latency_p50},
    {"p99", &S::latency_p99},   {"p99.9", &S::latency_p999},       {"entry p50", &S::entry_p50},
    {"p99", &S::entry_p99},     {"deepest", &S::deepest},          {"overflow", &S::overflow_drains},
    {"left", &S::budget_stops}, {"foreign", &S::served_by_others}, {"unpaid", &S::served_by_nobody}};

bool delivered(const Outcome& outcome) { return outcome.result.summary.delivery.ran != 0; }

}  // namespace

std::string delivery_table(const std::vector<Outcome>& outcomes) {
  if (std::ranges::none_of(outcomes, delivered)) return "";
  std::vector<std::vector<std::string>> rows{{"run"}};
  for (const Column& column : kColumns) rows[0].push_back(column.title);
  for (const Outcome& outcome : outcomes) {
    if (!delivered(outcome)) continue;
    rows.push_back({outcome.run->label});
    for (const Column& column : kColumns) {
      const std::uint64_t value = outcome.result.summary.delivery.*column.value;
      rows.back().push_back(value < 100'000 ? grouped(value) : scaled(static_cast<double>(value)));
    }
  }
  return columns(rows) + paragraph(kDeliveryLegend, 0);
}

}  // namespace hvsim::sim
