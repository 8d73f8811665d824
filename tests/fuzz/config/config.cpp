// Configs that somebody, or nobody, wrote.
#include <gtest/gtest.h>

#include "sim/config_load.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {

void config(std::span<const std::uint8_t> bytes) {
  const std::string text(bytes.begin(), bytes.end());
  const auto json = sim::parse_json(text, "fuzz.json");
  if (!json) {
    EXPECT_NE(json.error().text().find("fuzz.json"), std::string::npos) << json.error().text();
    return;
  }
  sim::Document document;
  if (!json->is_object()) return;
  sim::merge(document, *json, "fuzz.json");
  const auto config = sim::read_config(document);
  if (!config) {
    EXPECT_NE(config.error().text().find("fuzz.json"), std::string::npos) << config.error().text();
    return;
  }
  // What was understood is understood again, and means the same.
  const sim::Json resolved = sim::resolved_json(*config);
  sim::Document again;
  sim::merge(again, resolved, "again.json");
  const auto second = sim::read_config(again);
  ASSERT_TRUE(second.ok()) << second.error().text();
  EXPECT_EQ(sim::resolved_json(*second), resolved);
}

std::vector<Bytes> config_seeds() {
  constexpr std::string_view text =
      R"({"version": 1, "name": "f", "machine": {"harts": 2, "memory_bytes": "256MiB", "mode": "fast",)"
      R"( "caches": {"l1d": {"ways": 4}}}, "hypervisor": {"run": "host", "delivery": "dlh"},)"
      R"( "vms": [{"name": "a", "workload": "compute", "harts": [0], "arguments": {"units": 3}}],)"
      R"( "limits": {"max_cycles": 1e9}, "seed": 7})";
  return {Bytes(text.begin(), text.end())};
}

}  // namespace hvsim::fuzz
