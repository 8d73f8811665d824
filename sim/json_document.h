// JSON text with memory: a tree of values, and for each value the file (or option) that it came from.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "models/cpu/isa/result.h"
#include "sim/config_problem.h"

namespace hvsim::sim {

using Json = nlohmann::ordered_json;  // keys keep the order in which people wrote them

// Strict JSON: no comments, no duplicate keys.
isa::Result<Json, Problem> parse_json(const std::string& text, const std::string& file);
isa::Result<Json, Problem> read_json_file(const std::string& file);

// Where the values of a merged document were last said. A value that nobody said inherits from its parent.
class Origins {
 public:
  void note(const std::string& path, const std::string& file) { files_[path] = file; }
  const std::string& of(std::string path) const;

 private:
  std::map<std::string, std::string> files_;
};

struct Document {
  Json json = Json::object();
  Origins origins;
};

// Lays `layer` over the document: objects merge key by key, everything else replaces.
void merge(Document& document, const Json& layer, const std::string& file);
// As merge, but below `path` ("machine.caches") and for a single value.
void overlay(Json& into, const Json& layer, Origins& origins, const std::string& path,
             const std::string& file);

std::string child_path(const std::string& parent, std::string_view key);
std::string child_path(const std::string& parent, std::size_t index);

// A value as an error line shows it: short.
std::string show(const Json& value);

}  // namespace hvsim::sim
