// Reads described structs out of JSON, and says precisely what is wrong where.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/describe.h"
#include "sim/json_document.h"

namespace hvsim::sim {

// Stops at the first problem: every read() answers whether to go on.
class JsonReader {
 public:
  explicit JsonReader(const Origins& origins) : origins_(origins) {}
  const std::optional<Problem>& problem() const { return problem_; }

  template <Structured T>
  bool read(const Json& json, const std::string& path, T& value);

 private:
  using Arguments = std::map<std::string, std::string>;
  struct Place {
    const Json& json;
    const std::string& path;
    const Rule& rule;
    Unit unit;
  };

  template <class T>
  bool read_value(const Place& place, T& value);
  template <class T>
  bool read_list(const Place& place, std::vector<T>& list);
  template <Enumerated E>
  bool read_choice(const Place& place, E& value);

  bool read_integer(const Place& place, std::uint64_t& value, std::uint64_t type_max);
  bool read_flag(const Place& place, bool& value);
  bool read_text(const Place& place, std::string& value);
  bool read_arguments(const Place& place, Arguments& value);
  bool check_keys(const Json& json, const std::string& path, const std::vector<std::string_view>& known);
  bool check_count(const Place& place);
  bool refuse_choice(const Place& place, const std::vector<std::string_view>& choices);
  bool missing(const std::string& path, std::string_view help);
  bool refuse(const std::string& path, const std::string& value, const std::string& expected);

  const Origins& origins_;
  std::optional<Problem> problem_;
};

// The candidate that is closest to `word`, if it is close enough to be what was meant.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates);
std::string size_text(std::uint64_t bytes);  // 16777216 -> "16 MiB"
std::string range_text(const Rule& rule, Unit unit);

template <Structured T>
bool JsonReader::read(const Json& json, const std::string& path, T& value) {
  std::vector<std::string_view> known;
  for_each_field<T>([&](const auto& field) { known.push_back(field.key); });
  if (!check_keys(json, path, known)) return false;
  bool fine = true;
  for_each_field<T>([&](const auto& field) {
    if (!fine) return;
    const std::string child = child_path(path, field.key);
    if (auto found = json.find(field.key); found != json.end()) {
      fine = read_value(Place{*found, child, field.rule, field.unit}, field.of(value));
    } else if (field.rule.required) {
      fine = missing(child, field.help);
    }
  });
  return fine;
}

template <class T>
bool JsonReader::read_value(const Place& place, T& value) {
  if constexpr (Structured<T>) {
    return read(place.json, place.path, value);
  } else if constexpr (Enumerated<T>) {
    return read_choice(place, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return read_flag(place, value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return read_text(place, value);
  } else if constexpr (std::is_same_v<T, Arguments>) {
    return read_arguments(place, value);
  } else if constexpr (std::is_unsigned_v<T>) {
    std::uint64_t wide = 0;
    if (!read_integer(place, wide, std::numeric_limits<T>::max())) return false;
    value = static_cast<T>(wide);
    return true;
  } else {
    return read_list(place, value);
  }
}

template <class T>
bool JsonReader::read_list(const Place& place, std::vector<T>& list) {
  if (!check_count(place)) return false;
  list.clear();
  for (std::size_t i = 0; i < place.json.size(); ++i) {
    const std::string child = child_path(place.path, i);
    T element{};
    if (!read_value(Place{place.json[i], child, Rule{}, Unit::none}, element)) return false;
    list.push_back(std::move(element));
  }
  return true;
}

template <Enumerated E>
bool JsonReader::read_choice(const Place& place, E& value) {
  std::vector<std::string_view> choices;
  for (const auto& [choice, text] : Named<E>::choices) {
    choices.push_back(text);
    if (place.json.is_string() && place.json.template get_ref<const std::string&>() == text) {
      value = choice;
      return true;
    }
  }
  return refuse_choice(place, choices);
}

}  // namespace hvsim::sim
