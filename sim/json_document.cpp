// Parsing, merging and remembering where a value came from.
#include "sim/json_document.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace hvsim::sim {
namespace {

// "... parse error at line 3, column 5: syntax error while ..." -> ("line 3, column 5", "syntax error while
// ...")
Problem syntax_problem(const std::string& file, const std::string& what) {
  const auto line = what.find("line ");
  const auto colon = line == std::string::npos ? line : what.find(": ", line);
  if (colon == std::string::npos) return {file, "", "malformed JSON", what};
  return {file, what.substr(line, colon - line), "malformed JSON", what.substr(colon + 2)};
}

// Sees keys as the parser meets them and remembers the first that an object has twice.
class DuplicateKeys {
 public:
  bool operator()(int, nlohmann::detail::parse_event_t event, Json& parsed) {
    using Event = nlohmann::detail::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event == Event::key && !open_.back().insert(parsed.get<std::string>()).second && found_.empty())
      found_ = parsed.get<std::string>();
    return true;
  }
  const std::string& found() const { return found_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string found_;
};

}  // namespace

isa::Result<Json, Problem> parse_json(const std::string& text, const std::string& file) {
  DuplicateKeys duplicates;
  try {
    Json json = Json::parse(text, std::ref(duplicates));
    if (!duplicates.found().empty())
      return isa::Failure{
          Problem{file, duplicates.found(), "", "key appears twice in one object, expected once"}};
    return json;
  } catch (const Json::parse_error& error) {
    return isa::Failure{syntax_problem(file, error.what())};
  } catch (const Json::out_of_range& error) {  // 1e999
    const std::string text_of_error = error.what();
    return isa::Failure{
        Problem{file, "", text_of_error.substr(text_of_error.find("] ") + 2), "expected a smaller number"}};
  }
}

isa::Result<Json, Problem> read_json_file(const std::string& file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    return isa::Failure{Problem{file, "", "is a directory", "expected a JSON file"}};
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return isa::Failure{Problem{file, "", std::strerror(errno), "expected a readable JSON file"}};
  std::ostringstream text;
  text << stream.rdbuf();
  return parse_json(text.str(), file);
}

const std::string& Origins::of(std::string path) const {
  static const std::string nobody = "config";
  while (true) {
    if (auto found = files_.find(path); found != files_.end()) return found->second;
    if (path.empty()) return nobody;
    const auto cut = path.find_last_of(".[");
    path = cut == std::string::npos ? "" : path.substr(0, cut);
  }
}

void overlay(Json& into, const Json& layer, Origins& origins, const std::string& path,
             const std::string& file) {
  if (!into.is_object() || !layer.is_object()) {
    into = layer;
    origins.note(path, file);
    if (!layer.is_object()) return;
  }
  for (const auto& [key, value] : layer.items()) {
    const std::string child = child_path(path, key);
    if (into.contains(key)) {
      overlay(into[key], value, origins, child, file);
    } else {
      into[key] = value;
      origins.note(child, file);
    }
  }
}

void merge(Document& document, const Json& layer, const std::string& file) {
  if (document.json.empty()) document.origins.note("", file);
  overlay(document.json, layer, document.origins, "", file);
}

std::string child_path(const std::string& parent, std::string_view key) {
  return parent.empty() ? std::string(key) : parent + "." + std::string(key);
}

std::string child_path(const std::string& parent, std::size_t index) {
  return parent + "[" + std::to_string(index) + "]";
}

std::string show(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::size_t longest = 60;
  return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

}  // namespace hvsim::sim
