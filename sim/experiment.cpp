// Variants are overrides laid over the base; every one becomes a complete config.
#include "sim/experiment.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/config_images.h"
#include "sim/config_load.h"
#include "sim/json_path.h"
#include "sim/moment.h"
#include "sim/outputs.h"
#include "sim/result_hash.h"

namespace hvsim::sim {
namespace {

constexpr std::size_t kMaxRuns = 1000;

struct Variant {
  std::string label;
  Document document;
};

// Labels become parts of directory names.
std::string as_name(std::string text) {
  for (char& c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!plain && c != '.' && c != '-') c = '_';
  }
  return text;
}

class Expander {
 public:
  explicit Expander(const Document& source) : source_(source), base_(source) {
    base_.json.erase("runs");
    base_.json.erase("axes");
  }

  isa::Result<std::vector<Variant>, Problem> run() {
    const bool runs = source_.json.contains("runs"), axes = source_.json.contains("axes");
    if (runs && axes) return refuse("runs", "", "expected either \"runs\" or \"axes\", not both");
    variants_ = {{"", base_}};
    if (runs) list(source_.json["runs"]);
    if (axes) product(source_.json["axes"]);
    if (problem_) return isa::Failure{*problem_};
    return variants_;
  }

 private:
  isa::Failure<Problem> refuse(const std::string& path, const std::string& value,
                               const std::string& expected) {
    if (!problem_) problem_ = Problem{source_.origins.of(path), path, value, expected};
    return isa::Failure{*problem_};
  }

  void list(const Json& runs) { cross("runs", runs, true); }

  void product(const Json& axes) {
    if (!axes.is_object() || axes.empty()) {
      refuse("axes", show(axes), "expected an object with at least one axis");
      return;
    }
    for (const auto& [key, values] : axes.items())
      if (!problem_) cross(key, values, false);
  }

  // Every variant so far, once per value.
  void cross(const std::string& key, const Json& values, bool is_list) {
    const std::string path = is_list ? "runs" : child_path("axes", key);
    if (!values.is_array() || values.empty()) {
      refuse(path, show(values), "expected a list with at least one element");
      return;
    }
    if (variants_.size() * values.size() > kMaxRuns) {
      refuse(path, std::to_string(variants_.size() * values.size()) + " runs",
             "expected at most " + std::to_string(kMaxRuns));
      return;
    }
    expect_unsaid(key, values, path);
    std::vector<Variant> next;
    for (const Variant& variant : variants_)
      for (std::size_t i = 0; i < values.size() && !problem_; ++i)
        next.push_back(vary(variant, key, values[i], child_path(path, i), is_list));
    variants_ = std::move(next);
  }

  // Values that the experiment has and a variant sets, by path.
  static void find_replaced(const Json& set, const Json& has, const std::string& at,
                            std::map<std::string, Json>& found) {
    for (const auto& [name, value] : set.items()) {
      const auto old = has.is_object() ? has.find(name) : has.end();
      if (old == has.end()) continue;
      const std::string path = child_path(at, name);
      if (value.is_object() && old->is_object())
        find_replaced(value, *old, path, found);
      else
        found.try_emplace(path, *old);
    }
  }

  // What a file says that extends the experiment must not be lost either, which it is where each run sets it.
  void expect_unsaid(const std::string& key, const Json& values, const std::string& path) {
    const std::string &top = source_.origins.of(""), &here = source_.origins.of(path);
    if (here == top || here.starts_with("--")) return;
    std::map<std::string, std::size_t> times;
    std::map<std::string, Json> replaced;
    for (const Json& value : values) {
      Document set{.json = value.is_object() ? value : Json::object(), .origins = {}};
      if (!value.is_object()) set_path(set, key, value, here);
      std::map<std::string, Json> found;
      find_replaced(set.json, base_.json, "", found);
      for (auto& [each, old] : found)
        if (each != "name" || !value.is_object()) ++times[each], replaced[each] = std::move(old);
    }
    for (const auto& [each, count] : times)
      if (count == values.size() && source_.origins.of(each) == top && !problem_)
        problem_ = Problem{top, each, show(replaced[each]),
                           "expected no value here: each run of " + here + " sets it (" + path + ")"};
  }

  // What the command line says must not be lost without a word.
  void expect_unset(const std::string& key, const Json& value, const std::string& path) {
    if (value.is_object()) {
      for (const auto& [name, child] : value.items()) expect_unset(child_path(key, name), child, path);
    } else if (const std::string& by = source_.origins.of(key); by.starts_with("--")) {
      refuse(path, show(value), "expected no " + by + " for " + key + ": the runs of this experiment set it");
    }
  }

  Variant vary(Variant variant, const std::string& key, const Json& value, const std::string& path,
               bool is_list) {
    const std::string& file = source_.origins.of(path);
    std::string label;
    if (value.is_object()) {
      const auto name = value.find("name");
      if (name == value.end() || !name->is_string()) {
        refuse(child_path(path, "name"), "missing", "expected a name for this variant, in quotes");
        return variant;
      }
      label = name->get<std::string>();
      Json overrides = value;
      overrides.erase("name");
      expect_unset("", overrides, path);
      merge(variant.document, overrides, file);
    } else if (is_list) {
      refuse(path, show(value), "expected an object { }");
    } else {
      expect_unset(key, value, path);
      label = value.is_string() ? value.get<std::string>() : value.dump();
      if (auto problem = set_path(variant.document, key, value, file)) {
        refuse(path, show(value), problem->expected);
      }
    }
    variant.label += (variant.label.empty() ? "" : "-") + as_name(label);
    return variant;
  }

  const Document& source_;
  Document base_;
  std::vector<Variant> variants_;
  std::optional<Problem> problem_;
};

// A problem that only one of several variants has must say which.
Problem in_run(Problem problem, const std::string& label) {
  if (!label.empty()) problem.expected += " (in run \"" + label + "\")";
  return problem;
}

isa::Result<Run, Problem> make_run(Variant& variant, const std::vector<std::string>& image_directories) {
  Document& document = variant.document;
  auto config = read_config(document);
  if (!config) return isa::Failure{in_run(config.error(), variant.label)};
  if (!variant.label.empty()) config.value().name += "-" + variant.label;
  if (config->name.size() > kMaxNameLength)
    return isa::Failure{Problem{
        document.origins.of("name"), "name", "\"" + config->name + "\"",
        "expected at most " + std::to_string(kMaxNameLength) + " characters with the names of its variants"}};
  auto images = find_images(*config, document.origins, image_directories);
  if (!images) return isa::Failure{in_run(images.error(), variant.label)};
  for (const auto& [key, moment] : {std::pair{"boot.fast_forward", config->boot.fast_forward},
                                    std::pair{"checkpoint.at", config->checkpoint.at}})
    if (auto why = impossible_moment(moment, *config, *images); !why.empty())
      return isa::Failure{
          in_run(Problem{document.origins.of(key), key, '"' + moment + '"', why}, variant.label)};
  Run run{.label = variant.label.empty() ? config->name : variant.label,
          .config = *config,
          .images = *images,
          .identity = {}};
  run.identity = run_identity(run.config, run.images);
  name_outputs(run);
  return run;
}

// Keeps the variants whose labels match one of the patterns; every pattern must match some.
std::optional<Problem> narrow(std::vector<Variant>& variants, const std::vector<std::string>& only) {
  if (only.empty()) return std::nullopt;
  const auto matches = [](const std::string& pattern, const Variant& variant) {
    return fnmatch(pattern.c_str(), variant.label.c_str(), 0) == 0;
  };
  std::string labels;
  for (const Variant& variant : variants) labels += (labels.empty() ? "" : ", ") + variant.label;
  for (const std::string& pattern : only)
    if (std::ranges::none_of(variants, [&](const Variant& variant) { return matches(pattern, variant); }))
      return Problem{"--only", "", '"' + pattern + '"',
                     "expected a run of this experiment" + (labels.empty() ? "" : ": " + labels)};
  std::erase_if(variants, [&](const Variant& variant) {
    return std::ranges::none_of(only, [&](const std::string& pattern) { return matches(pattern, variant); });
  });
  return std::nullopt;
}

// Each run would find what the others have left there, whichever came first.
std::optional<Problem> find_shared_disk(const Document& document, const std::vector<Run>& runs) {
  if (runs.size() == 1) return std::nullopt;
  for (const Run& run : runs)
    for (std::size_t i = 0; i < run.config.machine.devices.block.size(); ++i)
      if (run.config.machine.devices.block[i].access == device::DiskAccess::read_write) {
        const std::string path = child_path("machine.devices.block", i) + ".access";
        return Problem{document.origins.of(path), path, "\"read_write\"",
                       "expected \"overlay\" or \"read_only\": " + std::to_string(runs.size()) +
                           " runs would change the same file"};
      }
  return std::nullopt;
}

}  // namespace

isa::Result<Experiment, Problem> expand(const Document& document,
                                        const std::vector<std::string>& image_directories,
                                        const std::vector<std::string>& only) {
  auto variants = Expander(document).run();
  if (!variants) return isa::Failure{variants.error()};
  if (auto problem = narrow(variants.value(), only)) return isa::Failure{*problem};
  Experiment experiment;
  std::set<std::string> labels;
  for (Variant& variant : variants.value()) {
    if (!labels.insert(variant.label).second)
      return isa::Failure{Problem{document.origins.of("runs"), "runs", "\"" + variant.label + "\"",
                                  "expected a name that no other variant has"}};
    auto run = make_run(variant, image_directories);
    if (!run) return isa::Failure{run.error()};
    experiment.runs.push_back(std::move(run.value()));
  }
  if (auto problem = find_shared_disk(document, experiment.runs)) return isa::Failure{*problem};
  if (auto problem = find_shared_output(document, experiment.runs)) return isa::Failure{*problem};
  experiment.name = document.json.value("name", experiment.runs[0].config.name);
  experiment.description = experiment.runs[0].config.description;
  return experiment;
}

}  // namespace hvsim::sim
