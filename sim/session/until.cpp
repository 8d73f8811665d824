// From JSON, with what is wrong in words.
#include "sim/session/until.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "sim/image/format.h"
#include "sim/json_read.h"
#include "sim/statistics_names.h"
#include "sim/trap_words.h"

namespace hvsim::session {
namespace {

using isa::Failure;
using Problem = std::optional<std::string>;

constexpr char kMachine[] = "machine", kAny[] = "any";

constexpr std::array kMarks = std::to_array<std::pair<std::string_view, isa::MarkKind>>(
    {{"region_begin", isa::MarkKind::region_begin},
     {"region_end", isa::MarkKind::region_end},
     {"work_done", isa::MarkKind::work_done},
     {"hypercall_done", isa::MarkKind::hypercall_done},
     {"call_issued", isa::MarkKind::call_issued},
     {"statistics_reset", isa::MarkKind::statistics_reset},
     {"statistics_dump", isa::MarkKind::statistics_dump},
     {"latency", isa::MarkKind::latency},
     {"phase", isa::MarkKind::phase},
     {"vcpu", isa::MarkKind::vcpu},
     {"calls_ran", isa::MarkKind::calls_ran},
     {"serving", isa::MarkKind::serving},
     {"delivery", isa::MarkKind::delivery},
     {"statistic", isa::MarkKind::statistic},
     {"vcpu_runnable", isa::MarkKind::vcpu_runnable},
     {"vcpu_activity", isa::MarkKind::vcpu_activity}});

std::string wrong(const std::string& key, const Json& value, const std::string& expected) {
  return key + ": " + sim::show(value) + ": expected " + expected;
}

// The names as a list, with the nearest to what was said in front.
std::string one_of(const std::string& said, const std::vector<std::string>& names) {
  std::string text = "one of ";
  for (const std::string& name : names) text += (name == names.front() ? "" : ", ") + name;
  if (const auto near = sim::nearest(said, {names.begin(), names.end()}))
    text += "; did you mean \"" + *near + "\"?";
  return text;
}

Problem read_number(const Json& json, const char* key, std::optional<std::uint64_t>& into) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  into = whole_number(json, key);
  return std::nullopt;
}

Problem read_text(const Json& json, const char* key, std::optional<std::string>& into) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return std::nullopt;
  if (!found->is_string()) return wrong(key, *found, "a text");
  into = found->get<std::string>();
  return std::nullopt;
}

Problem read_mark(const Json& json, std::optional<AwaitedMark>& into) {
  std::optional<std::string> name;
  if (auto problem = read_text(json, "mark", name)) return problem;
  if (!name) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& [known, kind] : kMarks) {
    if (known == *name) into = AwaitedMark{.kind = kind, .value = {}};
    names.emplace_back(known);
  }
  if (!into) return wrong("mark", *name, one_of(*name, names));
  return read_number(json, "value", into->value);
}

Problem check_trap(const std::optional<std::string>& name) {
  if (!name || *name == kAny) return std::nullopt;
  std::vector<std::string> names{kAny};
  for (const sim::CauseName& cause : sim::cause_names()) names.emplace_back(cause.key);
  if (std::ranges::find(names, *name) != names.end()) return std::nullopt;
  return wrong("trap", *name, one_of(*name, names));
}

// What is behind a slash names a call, which only calls from a guest do.
Problem check_exit(const std::optional<std::string>& name) {
  if (!name || *name == kAny) return std::nullopt;
  std::vector<std::string> names{kAny};
  for (const sim::CauseName& cause : sim::cause_names())
    names.push_back(sim::trap_name({.interrupt = cause.interrupt, .code = cause.code}));
  const std::string cause = name->substr(0, name->find('/'));
  if (cause.size() == name->size() && std::ranges::find(names, cause) != names.end()) return std::nullopt;
  if (cause != sim::kGuestCall) return wrong("exit", *name, one_of(cause, names));
  const std::vector<std::string> calls = sim::call_names();
  const std::string call = name->substr(cause.size() + 1);
  if (std::ranges::find(calls, call) != calls.end()) return std::nullopt;
  return wrong("exit", *name, cause + "/ and " + one_of(call, calls));
}

}  // namespace

std::uint64_t whole_number(const Json& json, const char* key) {
  const Json& value = json.at(key);
  if (!value.is_number_unsigned())
    throw std::invalid_argument(wrong(key, value, "a whole number from 0 to 2^64-1"));
  return value.get<std::uint64_t>();
}

isa::Result<std::uint32_t, std::string> read_whose(const Json& json, const sim::Config& config) {
  if (json.is_null()) return cpu::kEverybody;
  std::vector<std::string> names{kMachine};
  for (const sim::VmConfig& vm : config.vms) names.push_back(vm.name);
  if (json.is_string())
    for (std::uint32_t i = 0; i < names.size(); ++i)
      if (json == names[i]) return i == 0 ? cpu::kNoGuest : i - 1;
  return Failure{wrong("vm", json, one_of(json.is_string() ? json.get<std::string>() : "", names))};
}

Json whose_json(std::uint32_t whose, const sim::Config& config) {
  if (whose == cpu::kNoGuest) return kMachine;
  return whose < config.vms.size() ? Json(config.vms[whose].name) : Json();
}

isa::Result<Until, std::string> read_until(const Json& json, const sim::Config& config) {
  Until until;
  std::optional<std::uint64_t> hart;
  for (auto problem : {read_number(json, "hart", hart), read_number(json, "steps", until.steps),
                       read_number(json, "cycle", until.cycle),
                       read_number(json, "instructions", until.instructions), read_mark(json, until.mark),
                       read_text(json, "exit", until.exit), read_text(json, "trap", until.trap)})
    if (problem) return Failure{*problem};
  for (auto problem : {check_exit(until.exit), check_trap(until.trap)})
    if (problem) return Failure{*problem};
  if (hart && *hart >= config.machine.harts)
    return Failure{wrong("hart", *hart, "less than " + std::to_string(config.machine.harts))};
  if (hart) until.hart = static_cast<unsigned>(*hart);
  if (until.steps && *until.steps == 0) return Failure{wrong("steps", 0, "at least 1")};
  if (until.steps && !until.hart) return Failure{std::string("hart: missing: expected whose steps they are")};
  const auto whose = read_whose(json.value("vm", Json()), config);
  if (!whose) return Failure{whose.error()};
  until.vm = *whose;
  for (const Json& each : json.value("addresses", Json::array())) {
    const auto who = read_whose(each.value("vm", Json()), config);
    if (!who) return Failure{who.error()};
    until.addresses.push_back({.pc = whole_number(each, "address"), .whose = *who});
  }
  return until;
}

isa::Result<Points, std::string> read_points(const Json& json, const sim::Config& config) {
  Points points;
  for (const Json& each : json.at("breakpoints")) {
    const auto whose = read_whose(each.value("vm", Json()), config);
    if (!whose) return Failure{whose.error()};
    points.breakpoints.push_back({.id = static_cast<unsigned>(whole_number(each, "id")),
                                  .at = {.pc = whole_number(each, "address"), .whose = *whose}});
  }
  for (const Json& each : json.at("watchpoints")) {
    const auto whose = read_whose(each.value("vm", Json()), config);
    if (!whose) return Failure{whose.error()};
    points.watchpoints.push_back({.id = static_cast<unsigned>(whole_number(each, "id")),
                                  .at = {.address = whole_number(each, "address"),
                                         .bytes = whole_number(each, "bytes"),
                                         .reads = each.at("reads"),
                                         .writes = each.at("writes"),
                                         .whose = *whose}});
  }
  return points;
}

}  // namespace hvsim::session
