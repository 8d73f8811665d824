// Three parts: a line per run, exits by cause, and the saving in words.
#include "sim/report_table.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "sim/config_load.h"
#include "sim/report_text.h"
#include "sim/statistics_json.h"

namespace hvsim::sim {
namespace {

using Rows = std::vector<std::vector<std::string>>;

double number(std::uint64_t value) { return static_cast<double>(value); }

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

std::string overview(const std::vector<Outcome>& outcomes) {
  Rows rows{{"run", "guest work", "cycles", "hypercalls", "cycles/call", "hypervisor", "exits", "cycles/exit",
             "result"}};
  for (const Outcome& outcome : outcomes) {
    const RunSummary& s = outcome.result.summary;
    const double hypervisor = number(s.hypervisor_cycles());
    rows.push_back({outcome.run->label, grouped(s.work_done), scaled(number(s.cycles)),
                    grouped(s.hypercalls_done), ratio(hypervisor, number(s.hypercalls_done)),
                    percent(hypervisor, number(s.busy_cycles)), grouped(s.exits),
                    ratio(hypervisor, number(s.exits)), verdict(outcome.result)});
  }
  return columns(rows);
}

const CauseTotal* find_cause(const RunSummary& summary, const std::string& cause) {
  const auto found = std::ranges::find(summary.causes, cause, &CauseTotal::cause);
  return found == summary.causes.end() ? nullptr : &*found;
}

// The causes worth a line, the costliest first; the rest share one.
std::vector<std::string> main_causes(const std::vector<Outcome>& outcomes) {
  constexpr std::size_t most = 9;
  std::map<std::string, std::uint64_t> totals;
  for (const Outcome& outcome : outcomes)
    for (const CauseTotal& cause : outcome.result.summary.causes) totals[cause.cause] += cause.cycles;
  std::vector<std::string> causes;
  for (const auto& [cause, cycles] : totals) causes.push_back(cause);
  std::ranges::stable_sort(causes, [&](const auto& a, const auto& b) { return totals[a] > totals[b]; });
  if (causes.size() > most) causes.resize(most);
  return causes;
}

std::string count_and_cost(std::uint64_t count, isa::Cycles cycles) {
  return count == 0 ? "-" : grouped(count) + " x " + scaled(number(cycles) / number(count));
}

std::string other_causes(const RunSummary& summary, const std::vector<std::string>& shown) {
  CauseTotal rest;
  for (const CauseTotal& cause : summary.causes) {
    if (std::ranges::find(shown, cause.cause) != shown.end()) continue;
    rest.count += cause.count;
    rest.cycles += cause.cycles;
  }
  return count_and_cost(rest.count, rest.cycles);
}

Rows cause_rows(const std::vector<Outcome>& outcomes, const std::vector<std::string>& causes) {
  Rows rows(causes.size() + 4);
  rows[0].push_back("exits x cycles each");
  for (std::size_t i = 0; i < causes.size(); ++i) rows[i + 1].push_back(causes[i]);
  rows[causes.size() + 1].push_back("other causes");
  rows[causes.size() + 2].push_back("queueing, cycles");
  rows[causes.size() + 3].push_back("drains, cycles");
  for (const Outcome& outcome : outcomes) {
    const RunSummary& summary = outcome.result.summary;
    rows[0].push_back(outcome.run->label);
    for (std::size_t i = 0; i < causes.size(); ++i) {
      const CauseTotal* cause = find_cause(summary, causes[i]);
      rows[i + 1].push_back(cause ? count_and_cost(cause->count, cause->cycles) : "-");
    }
    rows[causes.size() + 1].push_back(other_causes(summary, causes));
    rows[causes.size() + 2].push_back(scaled(number(summary.enqueue_cycles)));
    rows[causes.size() + 3].push_back(scaled(number(summary.drain_cycles)));
  }
  return rows;
}

std::size_t width_of(const std::string& table) {
  std::size_t widest = 0, start = 0;
  for (std::size_t end; (end = table.find('\n', start)) != std::string::npos; start = end + 1)
    widest = std::max(widest, end - start);
  return widest;
}

// As many runs side by side as fit.
std::string exits_by_cause(const std::vector<Outcome>& outcomes) {
  const auto causes = main_causes(outcomes);
  std::string text;
  for (std::size_t first = 0; first < outcomes.size();) {
    std::size_t count = outcomes.size() - first;
    std::string table;
    for (;; --count) {
      const auto begin = outcomes.begin() + static_cast<std::ptrdiff_t>(first);
      table = columns(cause_rows({begin, begin + static_cast<std::ptrdiff_t>(count)}, causes));
      if (count == 1 || width_of(table) <= kReportWidth) break;
    }
    text += (text.empty() ? "" : "\n") + table;
    first += count;
  }
  return text;
}

// Equal for two runs that differ in how hypercalls are delivered and in nothing else.
std::string apart_from_delivery(const Config& config) {
  Json json = resolved_json(config);
  json.erase("name");
  json.erase("description");
  for (const char* key : {"delivery", "calls_per_notification", "queue_capacity", "drain_budget_cycles",
                          "max_deferred_entries"})
    json["hypervisor"].erase(key);
  return json.dump();
}

const Outcome* baseline_of(const Outcome& outcome, const std::vector<Outcome>& outcomes) {
  if (outcome.run->config.hypervisor.delivery != hv::abi::Delivery::dlh) return nullptr;
  const std::string wanted = apart_from_delivery(outcome.run->config);
  for (const Outcome& other : outcomes)
    if (other.run->config.hypervisor.delivery == hv::abi::Delivery::immediate &&
        apart_from_delivery(other.run->config) == wanted)
      return &other;
  return nullptr;
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

std::string signed_scaled(double value) { return (value < 0 ? "" : "+") + scaled(value); }

// Where a difference of busy cycles comes from; the parts add up to the whole.
std::string parts_sentence(const RunSummary& d, const RunSummary& i) {
  const double path = number(i.trap_path_cycles) - number(d.trap_path_cycles);
  const double handling = number(i.exit_cycles + i.enqueue_cycles + i.drain_cycles) -
                          number(d.exit_cycles + d.enqueue_cycles + d.drain_cycles);
  const double guests = number(i.guest_cycles) - number(d.guest_cycles);
  const double rest = number(i.other_cycles) - number(d.other_cycles);
  const bool fewer = i.exits > d.exits;
  const std::uint64_t difference = fewer ? i.exits - d.exits : d.exits - i.exits;
  std::string text = difference == 0 ? "as many exits as before"
                                     : grouped(difference) + (fewer ? " fewer" : " more") + " exits";
  text += " (an exit and entry cost " + ratio(number(i.trap_path_cycles), number(i.exits)) +
          " cycles of saving, scheduling and restoring): " + signed_scaled(path);
  text += "; handling the calls: " + signed_scaled(handling) + ", with " + scaled(number(d.drain_cycles)) +
          " in drains and " + scaled(number(d.enqueue_cycles)) + " in queueing against " +
          scaled(number(i.exit_cycles)) + " inside traps before, now " + scaled(number(d.exit_cycles));
  text +=
      "; guests: " + signed_scaled(guests) + "; boot, firmware and the rest: " + signed_scaled(rest) + ".";
  return text;
}

}  // namespace

std::string saving_sentence(const Run& run, const RunSummary& deferred, const RunSummary& immediate) {
  const unsigned batch = run.config.hypervisor.calls_per_notification;
  const double saved = number(immediate.busy_cycles) - number(deferred.busy_cycles);
  const double whole = number(immediate.busy_cycles);
  std::string text = run.label + ": ";
  if (deferred.work_done != immediate.work_done)
    text += "(guest work differs, " + grouped(deferred.work_done) + " against " +
            grouped(immediate.work_done) + ", so that cycles compare loosely) ";
  if (std::abs(saved) < 0.005 * whole) {
    text += "deferring neither saves nor costs (" + signed_scaled(saved) + " of " + scaled(whole) +
            " busy cycles): ";
  } else {
    text += std::string("deferring ") + (saved > 0 ? "saves " : "costs ") + scaled(std::abs(saved)) + " of " +
            scaled(whole) + " busy cycles (" + percent(std::abs(saved), whole) + "): ";
  }
  text += parts_sentence(deferred, immediate);
  if (batch == 1)
    text += " With one call per notification every call still traps: literal DLH avoids no trap.";
  return text;
}

std::string report_text(const Experiment& experiment, const ExperimentResult& result) {
  const auto& outcomes = result.outcomes;
  std::string text =
      paragraph(experiment.name + (experiment.description.empty() ? "" : ": ") + experiment.description, 2);
  text += "\n" + overview(outcomes);
  text += paragraph(
      "cycles/call and cycles/exit: the hypervisor's busy cycles over hypercalls that ran, and over "
      "exits; hypervisor: its share of all busy cycles.",
      0);
  const bool exits =
      std::ranges::any_of(outcomes, [](const Outcome& o) { return o.result.summary.exits > 0; });
  if (exits) text += "\n" + exits_by_cause(outcomes);
  for (const std::string& part : {savings(outcomes), failures(outcomes), places(outcomes)})
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
