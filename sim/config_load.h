// From files and options to a Config: extends, --set, strict reading, cross-field checks.
#pragma once

#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/json_document.h"

namespace hvsim::sim {

// The file with what it extends underneath it. Keeps "runs" and "axes"; drops "extends".
isa::Result<Document, Problem> load_document(const std::string& file);

// The same of a document that is no file; `file` names it in errors, and paths in it start where that would
// be.
isa::Result<Document, Problem> load_document(Json json, const std::string& file);

// Strict: every key is known, every value has its type and range, and all of them fit together.
isa::Result<Config, Problem> read_config(const Document& document);

// The config with every key and its value, as config.json has it.
Json resolved_json(const Config& config);

}  // namespace hvsim::sim
