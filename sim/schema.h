// The JSON Schema (draft 2020-12) of a config, from the same field lists that read it.
#pragma once

#include "sim/json_document.h"

namespace hvsim::sim {

Json config_schema();

}  // namespace hvsim::sim
