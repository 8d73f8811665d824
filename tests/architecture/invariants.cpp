// Checks the invariants on an include graph.
#include "tests/architecture/invariants.h"

#include <algorithm>
#include <array>

namespace hvsim::architecture {
namespace {

using Violations = std::vector<std::string>;

bool below(std::string_view path, std::string_view folder) { return path.starts_with(folder); }

std::string at(const std::string& path, unsigned line, const std::string& what) {
  return path + ":" + std::to_string(line) + ": " + what;
}

// Headers of the standard library that work without an operating system: types and templates only.
bool freestanding(const std::string& header) {
  static const std::set<std::string> allowed{
      "algorithm", "array",       "atomic",  "bit",      "climits",          "compare",
      "concepts",  "cstdarg",     "cstddef", "cstdint",  "initializer_list", "iterator",
      "limits",    "new",         "numeric", "optional", "ranges",           "span",
      "tuple",     "type_traits", "utility", "variant",  "version",          "stddef.h",
      "stdint.h",  "string_view"};
  return allowed.contains(header);
}

bool is_systemc(const std::string& header) {
  return header == "systemc" || header == "tlm" || header.starts_with("systemc") ||
         header.starts_with("sysc/") || header.starts_with("tlm");
}

bool may_include_systemc(const std::string& path) {
  return path.ends_with("_module.h") || path.ends_with("_module.cpp") || path == "sim/simulation.cpp" ||
         path == "sim/main.cpp" || below(path, "tests/");
}

// The port is a class of one name, chosen by include path (ADR 1).
constexpr char kPort[] = "arch.h";

bool is_host_port(const std::string& path) { return below(path, "hypervisor/arch/host/"); }

bool hypervisor_may_include(const std::string& path, const Include& include) {
  if (include.system) return freestanding(include.name) || (is_host_port(path) && !is_systemc(include.name));
  return include.name == kPort || below(include.name, "hypervisor/") ||
         below(include.name, "models/cpu/isa/");
}

Violations forbidden_words(const Source& source, const std::set<std::string>& forbidden,
                           const std::string& why) {
  Violations found;
  for (const Word& word : words_of(source.text))
    if (forbidden.contains(word.text))
      found.push_back(at(source.path, word.line, "\"" + word.text + "\" " + why));
  return found;
}

void append(Violations& all, Violations more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

bool time_free(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (below(path, "models/cpu/")) return name.starts_with("execute");
  return below(path, "models/mmu/") && (name.starts_with("mmu.") || name.starts_with("walk"));
}

}  // namespace

Violations hypervisor_violations(const std::vector<Source>& sources) {
  static const std::set<std::string> hosted{"throw",    "try",           "catch",       "dynamic_cast",
                                            "typeid",   "thread_local",  "float",       "double",
                                            "malloc",   "std::function", "std::string", "std::vector",
                                            "std::map", "std::thread",   "std::mutex"};
  Violations found;
  for (const Source& source : sources) {
    if (!below(source.path, "hypervisor/")) continue;
    for (const Include& include : includes_of(source.text)) {
      if (hypervisor_may_include(source.path, include)) continue;
      found.push_back(
          at(source.path, include.line,
             "the hypervisor includes only itself, models/cpu/isa/ and freestanding headers, not " +
                 include.name));
    }
    if (!is_host_port(source.path))
      append(found, forbidden_words(source, hosted, "has no place in freestanding code"));
  }
  return found;
}

Violations systemc_violations(const std::vector<Source>& sources) {
  const IncludeGraph graph = include_graph(sources);
  Violations found;
  for (const auto& [path, includes] : graph) {
    if (may_include_systemc(path)) continue;
    for (const std::string& header : system_headers_reached(graph, path)) {
      if (is_systemc(header))
        found.push_back(path + ": reaches <" + header + ">, which only SystemC shells (*_module) may");
    }
  }
  return found;
}

Violations direction_violations(const std::vector<Source>& sources) {
  static constexpr std::array<std::string_view, 4> lower{"models/mmu/", "models/mem/", "models/irq/",
                                                         "models/device/"};
  Violations found;
  for (const Source& source : sources) {
    const auto in = [&](std::string_view folder) { return below(source.path, folder); };
    const bool in_lower = std::any_of(lower.begin(), lower.end(), in);
    for (const Include& include : includes_of(source.text)) {
      const auto to = [&](std::string_view folder) { return !include.system && below(include.name, folder); };
      std::string what;
      if (in("models/") && (to("sim/") || to("hypervisor/"))) what = "models/ never includes " + include.name;
      if (in_lower && to("models/cpu/") && !to("models/cpu/isa/"))
        what = "of models/cpu/ only isa/ may be included here, not " + include.name;
      if (in("workloads/") && (to("sim/") || to("models/") || to("hypervisor/")) && !to("hypervisor/abi/") &&
          !to("models/cpu/isa/"))
        what = "guests know only hypervisor/abi/ and models/cpu/isa/, not " + include.name;
      if (!what.empty()) found.push_back(at(source.path, include.line, what));
    }
  }
  return found;
}

Violations time_violations(const std::vector<Source>& sources) {
  static const std::set<std::string> time{"cycle", "cycles", "Cycles", "latency", "timing", "Timing"};
  Violations found;
  for (const Source& source : sources) {
    if (!time_free(source.path)) continue;
    append(found, forbidden_words(source, time, "is time, which semantics and translation know nothing of"));
  }
  return found;
}

Violations include_style_violations(const std::vector<Source>& sources) {
  const IncludeGraph graph = include_graph(sources);
  Violations found;
  for (const auto& [path, includes] : graph) {
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    const bool assembly = path.ends_with(".S");  // assembled by hand in places: may start at its own folder
    for (const Include& include : includes) {
      const bool port =
          include.name == kPort && (below(path, "hypervisor/") || below(path, "tests/hypervisor/"));
      if (include.system || port || graph.contains(include.name)) continue;
      if (assembly && graph.contains(folder + include.name)) continue;
      found.push_back(at(path, include.line, "\"" + include.name + "\" is not a file of this repository"));
    }
  }
  return found;
}

}  // namespace hvsim::architecture
