// hvsim._core: reading, checking and expanding configs for Python, by the code that the simulator itself
// uses. Runs are worker processes, so nothing here knows SystemC.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/checkpoint.h"
#include "sim/checkpoint_rules.h"
#include "sim/config_load.h"
#include "sim/experiment.h"
#include "sim/hash.h"
#include "sim/json_path.h"
#include "sim/result_hash.h"
#include "sim/schema.h"

namespace hvsim::sim {
namespace {

namespace py = pybind11;

// Per run: its name, the name of its directory, and its complete config as JSON text.
using Expanded = std::vector<std::tuple<std::string, std::string, std::string>>;

// A config that came as a dict has no file to name.
constexpr char kDict[] = "<dict>";

[[noreturn]] void raise(const Problem& problem) {
  const py::object type = py::module_::import("hvsim._errors").attr("ConfigError");
  const std::string file = problem.file.ends_with(kDict) ? "" : problem.file;
  PyErr_SetObject(type.ptr(), type(file, problem.path, problem.value, problem.expected).ptr());
  throw py::error_already_set();
}

using Outcome = isa::Result<Expanded, Problem>;

Outcome expand_document(Document document, const std::vector<std::string>& settings,
                        const std::vector<std::string>& images, const std::vector<std::string>& only) {
  for (const std::string& setting : settings)
    if (auto problem = apply_setting(document, setting)) return isa::Failure{*problem};
  const auto experiment = expand(document, images, only);
  if (!experiment) return isa::Failure{experiment.error()};
  Expanded runs;
  for (const Run& run : experiment->runs)
    runs.emplace_back(run.label, run.directory_name(), resolved_json(run.config).dump(2));
  return runs;
}

// Other threads of Python go on while configs are read and images hashed.
template <class Work>
Expanded without_gil(Work work) {
  Outcome outcome = [&] {
    const py::gil_scoped_release released;
    return work();
  }();
  if (!outcome) raise(outcome.error());
  return std::move(outcome.value());
}

Expanded expand_file(const std::string& path, const std::vector<std::string>& settings,
                     const std::vector<std::string>& images, const std::vector<std::string>& only) {
  return without_gil([&]() -> Outcome {
    auto document = load_document(path);
    if (!document) return isa::Failure{document.error()};
    return expand_document(std::move(document.value()), settings, images, only);
  });
}

Expanded expand_text(const std::string& text, const std::string& directory,
                     const std::vector<std::string>& settings, const std::vector<std::string>& images,
                     const std::vector<std::string>& only) {
  return without_gil([&]() -> Outcome {
    const std::string file = directory + "/" + kDict;
    auto json = parse_json(text, file);
    if (!json) return isa::Failure{json.error()};
    auto document = load_document(std::move(json.value()), file);
    if (!document) return isa::Failure{document.error()};
    return expand_document(std::move(document.value()), settings, images, only);
  });
}

// What a checkpoint says of itself, as JSON text; with the config that a run has which goes on from it.
std::string checkpoint_facts(const std::string& file) {
  const auto facts = [&] {
    const py::gil_scoped_release released;
    return read_checkpoint_facts(file);
  }();
  if (!facts) raise({.file = file, .path = "", .value = "", .expected = facts.error()});
  return Json{{"simulator", facts->simulator}, {"identity", facts->identity},
              {"cycles", facts->cycles},       {"instructions", facts->instructions},
              {"debugged", facts->debugged},   {"config", config_to_go_on(*facts)}}
      .dump();
}

PYBIND11_MODULE(_core, module) {
  module.doc() = "The simulator's own code for configs, without the simulation (python/src/core.cpp).";
  module.def(
      "version", [] { return std::string(simulator_version()); }, "Version of the simulator.");
  module.def(
      "known_hashes", [] { return known_hashes().dump(); },
      "What this process has hashed, as JSON text, for a simulator on this host to begin with.");
  module.def(
      "schema", [] { return config_schema().dump(); }, "The JSON Schema of configs, as JSON text.");
  module.def(
      "checkpoint_facts", &checkpoint_facts, py::arg("file"),
      "What a checkpoint says of itself, as JSON text; its config is that of a run which goes on from it.");
  module.def("expand_file", &expand_file, py::arg("path"), py::arg("settings"), py::arg("images"),
             py::arg("only"),
             "The runs of a config file: (name, name of its directory, complete config as JSON text).\n\n"
             "Settings are ``path=value``; `images` are directories where images without a path are looked "
             "for; `only`\n"
             "are names of runs, of which nothing is left away if it is empty.");
  module.def("expand_text", &expand_text, py::arg("text"), py::arg("directory"), py::arg("settings"),
             py::arg("images"), py::arg("only"),
             "As expand_file, of JSON text whose relative paths start at a directory.");
}

}  // namespace
}  // namespace hvsim::sim
