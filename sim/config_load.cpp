// Loading: one file may extend another, relative to itself, and so on.
#include "sim/config_load.h"

#include <algorithm>
#include <filesystem>

#include "sim/config_check.h"
#include "sim/config_fields.h"
#include "sim/json_read.h"
#include "sim/json_write.h"

namespace hvsim::sim {
namespace {

namespace fs = std::filesystem;

// Files being loaded, outermost first: a file that extends one of them would never end.
using Chain = std::vector<fs::path>;

std::optional<Problem> load_file_into(Document& document, const std::string& file, Chain& chain);

std::optional<Problem> load_base(Document& document, const Json& base, const std::string& file,
                                 Chain& chain) {
  if (!base.is_string())
    return Problem{file, "extends", show(base), "expected the path of another config, in quotes"};
  const fs::path path = fs::path(file).parent_path() / base.get_ref<const std::string&>();
  const fs::path canonical = fs::weakly_canonical(path);
  if (std::ranges::find(chain, canonical) != chain.end())
    return Problem{file, "extends", show(base), "expected no circle: that file extends this one"};
  if (!fs::exists(path))
    return Problem{file, "extends", show(base), "no such file, expected at " + path.string()};
  return load_file_into(document, path.lexically_normal().string(), chain);
}

std::optional<Problem> load_into(Document& document, Json json, const std::string& file, Chain& chain) {
  if (!json.is_object()) return Problem{file, "", show(json), "expected an object { }"};
  chain.push_back(fs::weakly_canonical(file));
  if (auto base = json.find("extends"); base != json.end())
    if (auto problem = load_base(document, *base, file, chain)) return problem;
  chain.pop_back();
  json.erase("extends");
  merge(document, json, file);
  return std::nullopt;
}

std::optional<Problem> load_file_into(Document& document, const std::string& file, Chain& chain) {
  auto json = read_json_file(file);
  if (!json) return json.error();
  return load_into(document, std::move(json.value()), file, chain);
}

// Guests that say nothing about randomness follow the run's seed, each its own way.
void seed_guests(Config& config) {
  for (std::size_t i = 0; i < config.vms.size(); ++i)
    config.vms[i].arguments.try_emplace("seed", std::to_string(config.seed + i));
}

}  // namespace

isa::Result<Document, Problem> load_document(const std::string& file) {
  auto json = read_json_file(file);
  if (!json) return isa::Failure{json.error()};
  return load_document(std::move(json.value()), file);
}

isa::Result<Document, Problem> load_document(Json json, const std::string& file) {
  Document document;
  Chain chain;
  if (auto problem = load_into(document, std::move(json), file, chain)) return isa::Failure{*problem};
  document.origins.note("", file);
  return document;
}

isa::Result<Config, Problem> read_config(const Document& document) {
  Config config;
  JsonReader reader(document.origins);
  if (!reader.read(document.json, "", config)) return isa::Failure{*reader.problem()};
  seed_guests(config);
  if (auto problem = find_contradiction(config, document.origins)) return isa::Failure{*problem};
  return config;
}

Json resolved_json(const Config& config) { return to_json(config); }

}  // namespace hvsim::sim
