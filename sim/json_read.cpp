// The checks behind JsonReader, one per kind of value.
#include "sim/json_read.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

namespace hvsim::sim {
namespace {

struct Suffix {
  const char* text;
  unsigned shift;
};
constexpr Suffix kSuffixes[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};

// "64MiB" or "64 MiB".
std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number >= std::uint64_t{1} << 34) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const Suffix& suffix : kSuffixes)
    if (text == suffix.text) return number << suffix.shift;
  return std::nullopt;
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_name(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest && is_alphanumeric(text[0]) &&
         std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

// One side of a guest's "key=value".
bool is_plain_word(std::string_view text) {
  return !text.empty() && text.find_first_of(" \t\n\r\f\v=\"") == std::string_view::npos &&
         text.find('\0') == std::string_view::npos;
}

// Whole numbers also as 1e9, which JSON calls a number like any other.
std::optional<std::uint64_t> whole_number(const Json& json, Unit unit) {
  if (json.is_number_integer() && json >= 0) return json.get<std::uint64_t>();
  if (json.is_number_float()) {
    const double number = json.get<double>();
    if (number >= 0 && number < 9e15 && std::floor(number) == number)
      return static_cast<std::uint64_t>(number);
  }
  if (json.is_string() && unit == Unit::bytes) return parse_size(json.get_ref<const std::string&>());
  return std::nullopt;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// Files are named relative to the file that names them; options relative to where the user stands.
std::string absolute_path(const std::string& text, const std::string& origin) {
  namespace fs = std::filesystem;
  const fs::path base = origin.starts_with("--") ? fs::current_path() : fs::absolute(origin).parent_path();
  return (base / text).lexically_normal().string();
}

std::string list_text(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += "\"" + std::string(words[i]) + "\"";
  }
  return text;
}

std::string number_text(std::uint64_t value, Unit unit) {
  return unit == Unit::bytes ? size_text(value) : std::to_string(value);
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::size_t tolerated = std::max<std::size_t>(2, word.size() / 3);
  std::optional<std::string> best;
  std::size_t best_distance = tolerated + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string size_text(std::uint64_t bytes) {
  for (const unsigned shift : {30u, 20u, 10u})
    if (bytes != 0 && bytes % (std::uint64_t{1} << shift) == 0)
      return std::to_string(bytes >> shift) + " " + kSuffixes[shift / 10 - 1].text;
  return std::to_string(bytes) + " bytes";
}

std::string range_text(const Rule& rule, Unit unit) {
  const bool open = rule.max == std::numeric_limits<std::uint64_t>::max();
  std::string text = rule.power_of_two ? "a power of two" : "a whole number";
  if (rule.min == rule.max) return std::to_string(rule.min);
  if (rule.min == 0 && open) return text;
  if (open) return text + " of at least " + number_text(rule.min, unit);
  return text + " from " + number_text(rule.min, unit) + " to " + number_text(rule.max, unit);
}

bool JsonReader::refuse(const std::string& path, const std::string& value, const std::string& expected) {
  problem_ = Problem{origins_.of(path), path, value, expected};
  return false;
}

bool JsonReader::missing(const std::string& path, std::string_view help) {
  return refuse(path, "missing", "expected: " + std::string(help));
}

bool JsonReader::check_keys(const Json& json, const std::string& path,
                            const std::vector<std::string_view>& known) {
  if (!json.is_object()) return refuse(path, show(json), "expected an object { }");
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const auto guess = nearest(key, known);
    return refuse(child_path(path, key), "",
                  guess ? "unknown key, did you mean \"" + *guess + "\"?"
                        : "unknown key, expected " + list_text(known));
  }
  return true;
}

bool JsonReader::check_count(const Place& place) {
  if (!place.json.is_array()) return refuse(place.path, show(place.json), "expected a list [ ]");
  if (place.json.size() < place.rule.min || place.json.size() > place.rule.max)
    return refuse(place.path, std::to_string(place.json.size()) + " elements",
                  "expected " + range_text(place.rule, Unit::none) + " of them");
  return true;
}

bool JsonReader::read_integer(const Place& place, std::uint64_t& value, std::uint64_t type_max) {
  Rule rule = place.rule;
  const bool narrow = type_max < std::numeric_limits<std::uint64_t>::max();
  if (narrow) rule.max = std::min(rule.max, type_max);
  const auto number = whole_number(place.json, place.unit);
  const bool good = number && *number >= rule.min && *number <= rule.max &&
                    (!rule.power_of_two || (*number != 0 && (*number & (*number - 1)) == 0));
  if (!good) {
    const bool size_as_text = place.unit == Unit::bytes;
    return refuse(place.path, show(place.json),
                  "expected " + range_text(rule, place.unit) +
                      (size_as_text ? " (bytes, or text such as \"64MiB\")" : ""));
  }
  value = *number;
  return true;
}

bool JsonReader::read_flag(const Place& place, bool& value) {
  if (!place.json.is_boolean()) return refuse(place.path, show(place.json), "expected true or false");
  value = place.json.get<bool>();
  return true;
}

bool JsonReader::read_text(const Place& place, std::string& value) {
  if (!place.json.is_string()) return refuse(place.path, show(place.json), "expected text in quotes");
  value = place.json.get<std::string>();
  if (place.rule.name_length != 0 && !is_name(value, place.rule.name_length))
    return refuse(place.path, show(place.json),
                  "expected a name of at most " + std::to_string(place.rule.name_length) +
                      " letters, digits, '_', '.' and '-', the first a letter or digit");
  if (value.find('\0') != std::string::npos)
    return refuse(place.path, show(place.json), "expected no NUL in text");
  const bool slash = value.find('/') != std::string::npos;
  if ((place.rule.file && !value.empty()) || (place.rule.path && slash))
    value = absolute_path(value, origins_.of(place.path));
  return true;
}

bool JsonReader::read_arguments(const Place& place, Arguments& value) {
  if (!place.json.is_object()) return refuse(place.path, show(place.json), "expected an object { }");
  value.clear();
  for (const auto& [key, argument] : place.json.items()) {
    const std::string path = child_path(place.path, key);
    if (!argument.is_string() && !argument.is_number() && !argument.is_boolean())
      return refuse(path, show(argument), "expected text, a number, true or false");
    const std::string text = argument.is_string() ? argument.get<std::string>() : argument.dump();
    if (!is_plain_word(key) || !is_plain_word(text))
      return refuse(path, show(argument), "expected a key and a value without spaces, quotes and '='");
    value[key] = text;
  }
  return true;
}

bool JsonReader::refuse_choice(const Place& place, const std::vector<std::string_view>& choices) {
  std::string expected = "expected " + list_text(choices);
  if (place.json.is_string())
    if (const auto guess = nearest(place.json.get_ref<const std::string&>(), choices))
      expected += ", did you mean \"" + *guess + "\"?";
  return refuse(place.path, show(place.json), expected);
}

}  // namespace hvsim::sim
