// The arithmetic of a saving, in words.
#include "sim/report_saving.h"

#include <algorithm>
#include <cmath>

#include "sim/config_fields.h"
#include "sim/config_load.h"
#include "sim/report_text.h"

namespace hvsim::sim {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

// Equal for two runs that differ in how hypercalls are delivered and in nothing else.
std::string apart_from_delivery(const Config& config) {
  Json json = resolved_json(config);
  json.erase("name");
  json.erase("description");
  for (const char* key : {"delivery", "calls_per_notification", "queue_capacity", "drain_budget_cycles",
                          "max_deferred_entries", "drain_at_entry"})
    json["hypervisor"].erase(key);
  return json.dump();
}

std::string saves_or_costs(double value) { return (value < 0 ? "cost " : "save ") + scaled(std::abs(value)); }

// Where a difference of cycles comes from; the parts add up to the whole.
std::string parts_sentence(const RunSummary& d, const RunSummary& i) {
  const double path = number(i.trap_path_cycles) - number(d.trap_path_cycles);
  const double inside = number(i.exit_cycles) - number(d.exit_cycles);
  const double guests = number(i.guest_cycles) - number(d.guest_cycles);
  const bool fewer = i.exits >= d.exits;
  const std::uint64_t difference = fewer ? i.exits - d.exits : d.exits - i.exits;
  std::string text =
      grouped(difference) + (fewer ? " exits avoided " : " exits more ") + saves_or_costs(path) +
      " (to save, schedule and restore: " + ratio(number(i.trap_path_cycles), number(i.exits)) +
      " each before, " + ratio(number(d.trap_path_cycles), number(d.exits)) +
      " now); calls that no longer run inside their trap " + saves_or_costs(inside) + " there";
  text += "; queueing them costs " + scaled(number(d.enqueue_cycles)) + " and draining them " +
          scaled(number(d.drain_cycles)) + "; the guests' own code " + (guests < 0 ? "costs " : "saves ") +
          scaled(std::abs(guests));
  if (d.poll_cycles != 0) text += "; the hart that polls costs " + scaled(number(d.poll_cycles));
  return text;
}

}  // namespace

const Outcome* baseline_of(const Outcome& outcome, const std::vector<Outcome>& outcomes) {
  if (outcome.run->config.hypervisor.delivery == hv::abi::Delivery::immediate) return nullptr;
  const std::string wanted = apart_from_delivery(outcome.run->config);
  for (const Outcome& other : outcomes)
    if (other.run->config.hypervisor.delivery == hv::abi::Delivery::immediate &&
        apart_from_delivery(other.run->config) == wanted)
      return &other;
  return nullptr;
}

std::string saving_sentence(const Run& run, const RunSummary& deferred, const RunSummary& immediate) {
  const double whole = number(immediate.virtualized_cycles());
  const double saved = whole - number(deferred.virtualized_cycles());
  std::string text = run.label + ": ";
  if (deferred.work_done != immediate.work_done)
    text += "(guest work differs, " + grouped(deferred.work_done) + " against " +
            grouped(immediate.work_done) + ", so that cycles compare loosely) ";
  const hv::abi::Delivery delivery = run.config.hypervisor.delivery;
  text += delivery == hv::abi::Delivery::dlh ? "deferring " : std::string(name(delivery)) + " delivery ";
  const bool small = std::abs(saved) < 0.001 * whole;
  if (small) {
    text += "takes as many cycles while VMs run";
  } else {
    text +=
        (saved > 0 ? "saves " : "costs ") + percent(std::abs(saved), whole) + " of the cycles while VMs run";
  }
  text += " (" + scaled(std::abs(saved)) + (small ? " more or less than " : " of ") + scaled(whole) +
          "): " + parts_sentence(deferred, immediate);
  if (run.config.hypervisor.calls_per_notification == 1 && delivery == hv::abi::Delivery::dlh)
    text +=
        "; with one call per notification every call still traps, so that literal DLH avoids no trap by "
        "itself";
  return text + ".";
}

}  // namespace hvsim::sim
