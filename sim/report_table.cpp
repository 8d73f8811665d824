// Four parts: a line per run, exits by cause, delivery of hypercalls, and the saving in words.
#include "sim/report_table.h"

#include <algorithm>
#include <map>

#include "sim/report_delivery.h"
#include "sim/report_saving.h"
#include "sim/report_text.h"
#include "sim/report_vms.h"
#include "sim/statistics_json.h"
#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

using Rows = std::vector<std::vector<std::string>>;

double number(std::uint64_t value) { return static_cast<double>(value); }

std::size_t width_of(const std::string& table) {
  std::size_t widest = 0, start = 0;
  for (std::size_t end; (end = table.find('\n', start)) != std::string::npos; start = end + 1)
    widest = std::max(widest, end - start);
  return widest;
}

std::string verdict(const Finished& finished) {
  switch (finished.exit_code) {
    case 0:
      return "pass";
    case 1:
      return "guest failure";
    case 4:
      return "limit";
    case 5:
      return "no progress";
    case 6:
      return "bad trap";
    default:
      return "fault";
  }
}

struct Column {
  std::string title;
  std::string (*cell)(const Outcome&);
};

std::vector<Column> bare_columns() {
  using O = const Outcome&;
  return {
      {"run", [](O o) { return o.run->label; }},
      {"cycles", [](O o) { return grouped(o.result.summary.cycles); }},
      {"idle", [](O o) { return grouped(o.result.summary.idle_cycles); }},
      {"instructions", [](O o) { return grouped(o.result.summary.retired); }},
      {"busy cycles per instruction",
       [](O o) { return ratio(number(o.result.summary.busy_cycles), number(o.result.summary.retired), 2); }},
      {"result", [](O o) { return verdict(o.result); }}};
}

std::vector<Column> virtualized_columns() {
  using O = const Outcome&;
  return {{"run", [](O o) { return o.run->label; }},
          {"work", [](O o) { return grouped(o.result.summary.work_done); }},
          {"cycles", [](O o) { return scaled(number(o.result.summary.cycles)); }},
          {"boot", [](O o) { return scaled(number(o.result.summary.other_cycles)); }},
          {"guests", [](O o) { return scaled(number(o.result.summary.guest_cycles)); }},
          {"hypervisor", [](O o) { return scaled(number(o.result.summary.hypervisor_cycles())); }},
          {"share",
           [](O o) {
             return percent(number(o.result.summary.hypervisor_cycles()),
                            number(o.result.summary.virtualized_cycles()));
           }},
          {"calls", [](O o) { return grouped(o.result.summary.hypercalls_done); }},
          {"per call",
           [](O o) {
             return ratio(number(o.result.summary.hypervisor_cycles()),
                          number(o.result.summary.hypercalls_done));
           }},
          {"exits", [](O o) { return grouped(o.result.summary.exits); }},
          {"result", [](O o) { return verdict(o.result); }}};
}

std::string overview(const std::vector<Outcome>& outcomes, const std::vector<Column>& shown) {
  Rows rows(1);
  for (const Column& column : shown) rows[0].push_back(column.title);
  for (const Outcome& outcome : outcomes) {
    rows.emplace_back();
    for (const Column& column : shown) rows.back().push_back(column.cell(outcome));
  }
  return columns(rows);
}

std::string mebibytes(std::uint64_t pages) { return ratio(number(pages), 256.0, 1); }

std::vector<Column> memory_columns() {
  using O = const Outcome&;
  return {{"run", [](O o) { return o.run->label; }},
          {"promised MiB", [](O o) { return mebibytes(o.result.summary.sharing.promised_pages); }},
          {"free MiB", [](O o) { return mebibytes(o.result.summary.sharing.free_pages); }},
          {"saved at most", [](O o) { return mebibytes(o.result.summary.sharing.peak_saved_pages); }},
          {"used at most", [](O o) { return mebibytes(o.result.summary.sharing.peak_used_pages); }},
          {"saved MiB x s",
           [](O o) { return ratio(number(o.result.summary.sharing.saved_page_ticks), 256.0 * 1e7, 3); }},
          {"scan cycles per page",
           [](O o) {
             return ratio(number(o.result.summary.sharing.scan_cycles),
                          number(o.result.summary.sharing.scanned_pages), 1);
           }},
          {"unshares", [](O o) { return grouped(o.result.summary.sharing.unshares); }},
          {"cycles each",
           [](O o) {
             return ratio(number(o.result.summary.sharing.unshare_cycles),
                          number(o.result.summary.sharing.unshares));
           }},
          {"splintered", [](O o) { return grouped(o.result.summary.sharing.splintered_blocks); }},
          {"found after ms",
           [](O o) {
             return ratio(number(o.result.summary.sharing.detect_ticks) / 1e4,
                          number(o.result.summary.sharing.detected_pages), 2);
           }},
          {"pauses", [](O o) { return grouped(o.result.summary.sharing.pauses); }}};
}

// Only where some run shares memory.
std::string memory_table(const std::vector<Outcome>& outcomes) {
  const bool any = std::ranges::any_of(outcomes, [](const Outcome& o) {
    return o.run->config.hypervisor.run != HypervisorRun::none &&
           (o.run->config.hypervisor.sharing.shares() || !o.run->config.hypervisor.switches.empty());
  });
  return any ? overview(outcomes, memory_columns()) : "";
}

bool virtualized(const std::vector<Outcome>& outcomes) {
  return std::ranges::any_of(
      outcomes, [](const Outcome& o) { return o.run->config.hypervisor.run != HypervisorRun::none; });
}

// Leaves out what matters least until the lines are short enough.
std::string overview(const std::vector<Outcome>& outcomes) {
  std::vector<Column> shown = virtualized(outcomes) ? virtualized_columns() : bare_columns();
  if (!virtualized(outcomes)) return overview(outcomes, shown);
  const bool all_passed =
      std::ranges::all_of(outcomes, [](const Outcome& o) { return o.result.exit_code == 0; });
  std::string text;
  for (const char* least : {all_passed ? "result" : "boot", "boot", "cycles", "guests", ""}) {
    std::erase_if(shown, [&](const Column& column) { return column.title == least; });
    text = overview(outcomes, shown);
    if (width_of(text) <= kReportWidth) break;
  }
  return text;
}

constexpr char kLegend[] =
    "work: units that the guests finished. cycles: elapsed. boot, guests, hypervisor: busy cycles over all "
    "harts. "
    "share: hypervisor / (guests + hypervisor). calls: hypercalls that ran; per call: hypervisor cycles / "
    "calls.";

const CauseTotal* find_cause(const RunSummary& summary, const std::string& cause) {
  const auto found = std::ranges::find(summary.causes, cause, &CauseTotal::cause);
  return found == summary.causes.end() ? nullptr : &*found;
}

// The causes worth a line, the costliest first; the rest share one.
std::vector<std::string> main_causes(const std::vector<Outcome>& outcomes) {
  constexpr std::size_t most = 9;
  std::map<std::string, std::uint64_t> totals;
  for (const Outcome& outcome : outcomes)
    for (const CauseTotal& cause : outcome.result.summary.causes)
      if (cause.count > 0) totals[cause.cause] += cause.cycles;
  std::vector<std::string> causes;
  for (const auto& [cause, cycles] : totals) causes.push_back(cause);
  std::ranges::stable_sort(causes, [&](const auto& a, const auto& b) { return totals[a] > totals[b]; });
  if (causes.size() > most) causes.resize(most);
  return causes;
}

std::string count_and_cost(std::uint64_t count, isa::Cycles cycles) {
  return count == 0 ? "-" : grouped(count) + " x " + scaled(number(cycles) / number(count));
}

std::string amount(isa::Cycles cycles) { return cycles == 0 ? "-" : scaled(number(cycles)); }

std::string other_causes(const RunSummary& summary, const std::vector<std::string>& shown) {
  CauseTotal rest;
  for (const CauseTotal& cause : summary.causes) {
    if (std::ranges::find(shown, cause.cause) != shown.end()) continue;
    rest.count += cause.count;
    rest.cycles += cause.cycles;
  }
  return count_and_cost(rest.count, rest.cycles);
}

// The words of a cause in a narrow column: calls by what they ask for.
std::string short_cause(const std::string& cause) {
  const std::string call = std::string(kGuestCall) + "/";
  return cause.starts_with(call) ? "ecall " + cause.substr(call.size()) : cause;
}

// A row per cause, without those that none of these runs has.
Rows cause_rows(const std::vector<Outcome>& outcomes, const std::vector<std::string>& causes) {
  Rows rows{{"exits x cycles each"}};
  for (const Outcome& outcome : outcomes) rows[0].push_back(outcome.run->label);
  auto add = [&](const std::string& title, auto cell) {
    std::vector<std::string> row{title};
    for (const Outcome& outcome : outcomes) row.push_back(cell(outcome.result.summary));
    if (std::ranges::any_of(row.begin() + 1, row.end(), [](const std::string& text) { return text != "-"; }))
      rows.push_back(std::move(row));
  };
  for (const std::string& cause : causes)
    add(short_cause(cause), [&](const RunSummary& summary) {
      const CauseTotal* found = find_cause(summary, cause);
      return found ? count_and_cost(found->count, found->cycles) : "-";
    });
  add("other causes", [&](const RunSummary& summary) { return other_causes(summary, causes); });
  add("of it queueing", [](const RunSummary& summary) { return amount(summary.enqueue_cycles); });
  add("drains of queues", [](const RunSummary& summary) { return amount(summary.drain_cycles); });
  add("polling", [](const RunSummary& summary) { return amount(summary.poll_cycles); });
  add("scans for pages to share", [](const RunSummary& summary) { return amount(summary.scan_cycles); });
  add("of it unsharing pages", [](const RunSummary& summary) { return amount(summary.unshare_cycles); });
  return rows;
}

std::string causes_side_by_side(const std::vector<Outcome>& outcomes, const std::vector<std::string>& causes,
                                std::size_t per_block) {
  std::string text;
  for (std::size_t first = 0; first < outcomes.size(); first += per_block) {
    const auto begin = outcomes.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min(per_block, outcomes.size() - first);
    text += (text.empty() ? "" : "\n") +
            columns(cause_rows({begin, begin + static_cast<std::ptrdiff_t>(count)}, causes));
  }
  return text;
}

// As many runs side by side as fit, in blocks of about the same size.
std::string exits_by_cause(const std::vector<Outcome>& outcomes) {
  const auto causes = main_causes(outcomes);
  std::string text;
  for (std::size_t blocks = 1; blocks <= outcomes.size(); ++blocks) {
    text = causes_side_by_side(outcomes, causes, (outcomes.size() + blocks - 1) / blocks);
    if (width_of(text) <= kReportWidth) break;
  }
  return text;
}

std::string savings(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const Outcome& outcome : outcomes) {
    const Outcome* baseline = baseline_of(outcome, outcomes);
    if (!baseline || outcome.result.exit_code != 0 || baseline->result.exit_code != 0) continue;
    text += paragraph(saving_sentence(*outcome.run, outcome.result.summary, baseline->result.summary), 2);
  }
  return text;
}

std::string places(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const Outcome& outcome : outcomes)
    if (!outcome.result.directory.empty())
      text += "result " + outcome.result.result_hash + "  " + outcome.result.directory + "\n";
  return text;
}

std::string failures(const std::vector<Outcome>& outcomes) {
  std::string text;
  for (const Outcome& outcome : outcomes)
    if (outcome.result.exit_code != 0)
      text += paragraph(outcome.run->label + ": " + verdict(outcome.result) +
                            (outcome.result.detail.empty() ? "" : ": " + outcome.result.detail),
                        2);
  return text;
}

}  // namespace

std::string report_text(const Experiment& experiment, const ExperimentResult& result) {
  const auto& outcomes = result.outcomes;
  std::string text =
      paragraph(experiment.name + (experiment.description.empty() ? "" : ": ") + experiment.description, 2);
  text += "\n" + overview(outcomes);
  if (virtualized(outcomes)) text += paragraph(kLegend, 0);
  const bool exits =
      std::ranges::any_of(outcomes, [](const Outcome& o) { return o.result.summary.exits > 0; });
  if (exits) text += "\n" + exits_by_cause(outcomes);
  if (const std::string table = delivery_table(outcomes); !table.empty()) text += "\n" + table;
  if (const std::string memory = memory_table(outcomes); !memory.empty()) text += "\n" + memory;
  for (const std::string& part :
       {times_of_vms(outcomes), savings(outcomes), failures(outcomes), places(outcomes)})
    if (!part.empty()) text += "\n" + part;
  return text;
}

Json report_json(const Experiment& experiment, const ExperimentResult& result) {
  Json runs = Json::array();
  for (const Outcome& outcome : result.outcomes) {
    const Outcome* baseline = baseline_of(outcome, result.outcomes);
    const bool comparable = baseline && outcome.result.exit_code == 0 && baseline->result.exit_code == 0;
    runs.push_back({{"label", outcome.run->label},
                    {"name", outcome.run->config.name},
                    {"identity", outcome.run->identity},
                    {"exit_code", outcome.result.exit_code},
                    {"detail", outcome.result.detail},
                    {"directory", outcome.result.directory},
                    {"result_hash", outcome.result.result_hash},
                    {"summary", summary_json(outcome.result.summary)},
                    {"saving", comparable ? Json(saving_sentence(*outcome.run, outcome.result.summary,
                                                                 baseline->result.summary))
                                          : Json()}});
  }
  return Json{{"experiment", experiment.name}, {"exit_code", exit_code(result)}, {"runs", runs}};
}

}  // namespace hvsim::sim
