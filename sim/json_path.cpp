// Setting values by dotted path, and comparing two documents value by value.
#include "sim/json_path.h"

#include <algorithm>
#include <charconv>

namespace hvsim::sim {
namespace {

struct Step {
  std::string key;                   // object member when not empty
  std::optional<std::size_t> index;  // list element; none with an empty key: all elements
};

std::optional<std::vector<Step>> parse_path(const std::string& path) {
  std::vector<Step> steps;
  std::size_t at = 0;
  while (at < path.size()) {
    if (path[at] == '[') {
      const auto close = path.find(']', at);
      if (close == std::string::npos) return std::nullopt;
      const std::string inside = path.substr(at + 1, close - at - 1);
      Step step;
      if (inside != "*") {
        std::size_t index = 0;
        const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), index);
        if (inside.empty() || error != std::errc{} || end != inside.data() + inside.size())
          return std::nullopt;
        step.index = index;
      }
      steps.push_back(step);
      at = close + 1;
    } else {
      if (path[at] == '.') ++at;
      const auto end = std::min(path.find_first_of(".[", at), path.size());
      if (end == at) return std::nullopt;
      steps.push_back({path.substr(at, end - at), std::nullopt});
      at = end;
    }
  }
  if (steps.empty()) return std::nullopt;
  return steps;
}

class Setter {
 public:
  Setter(Document& document, const std::vector<Step>& steps, const Json& value, const std::string& origin)
      : document_(document), steps_(steps), value_(value), origin_(origin) {}

  std::optional<Problem> run() { return descend(document_.json, "", 0); }

 private:
  std::optional<Problem> descend(Json& node, const std::string& path, std::size_t depth) {
    if (depth == steps_.size()) {
      overlay(node, value_, document_.origins, path, origin_);
      return std::nullopt;
    }
    const Step& step = steps_[depth];
    return step.key.empty() ? into_list(node, path, depth) : into_object(node, path, depth);
  }

  std::optional<Problem> into_object(Json& node, const std::string& path, std::size_t depth) {
    const std::string& key = steps_[depth].key;
    if (node.is_null()) node = Json::object();
    if (!node.is_object()) return Problem{origin_, child_path(path, key), "", "\"" + path + "\" has no keys"};
    return descend(node[key], child_path(path, key), depth + 1);
  }

  std::optional<Problem> into_list(Json& node, const std::string& path, std::size_t depth) {
    if (!node.is_array()) return Problem{origin_, path, "", "is not a list, expected no [ ] after it"};
    const auto& index = steps_[depth].index;
    if (index && *index >= node.size())
      return Problem{origin_, child_path(path, *index), "",
                     "no such element, the list has " + std::to_string(node.size())};
    for (std::size_t i = index.value_or(0); i < (index ? *index + 1 : node.size()); ++i)
      if (auto problem = descend(node[i], child_path(path, i), depth + 1)) return problem;
    return std::nullopt;
  }

  Document& document_;
  const std::vector<Step>& steps_;
  const Json& value_;
  const std::string& origin_;
};

void compare(const Json& before, const Json& after, const std::string& path, std::vector<Difference>& found) {
  if (before == after) return;
  if (before.is_object() && after.is_object()) {
    for (const auto& [key, value] : before.items()) {
      const std::string child = child_path(path, key);
      if (after.contains(key)) {
        compare(value, after[key], child, found);
      } else {
        found.push_back({child, show(value), "-"});
      }
    }
    for (const auto& [key, value] : after.items())
      if (!before.contains(key)) found.push_back({child_path(path, key), "-", show(value)});
  } else if (before.is_array() && after.is_array() && before.size() == after.size()) {
    for (std::size_t i = 0; i < before.size(); ++i) compare(before[i], after[i], child_path(path, i), found);
  } else {
    found.push_back({path, show(before), show(after)});
  }
}

}  // namespace

std::optional<Problem> set_path(Document& document, const std::string& path, const Json& value,
                                const std::string& origin) {
  const auto steps = parse_path(path);
  if (!steps) return Problem{origin, path, "", "expected a path such as machine.harts or vms[0].vcpus"};
  return Setter(document, *steps, value, origin).run();
}

std::optional<Problem> apply_setting(Document& document, const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos || equals == 0)
    return Problem{"--set", setting, "", "expected path=value, such as machine.harts=2"};
  const std::string text = setting.substr(equals + 1);
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) value = text;
  return set_path(document, setting.substr(0, equals), value, "--set");
}

std::vector<Difference> differences(const Json& before, const Json& after) {
  std::vector<Difference> found;
  compare(before, after, "", found);
  return found;
}

}  // namespace hvsim::sim
