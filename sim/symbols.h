// Names for addresses: the symbol tables of all images that a config starts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"
#include "sim/config.h"
#include "sim/image/image.h"
#include "sim/source_lines.h"

namespace hvsim::sim {

// Where an address is, as far as anybody knows.
struct CodePlace {
  std::string symbol;  // "main+0x10"
  std::string source;  // "main.cpp:42"
};

// Addresses mean different things in different address spaces: V=0, and each VM.
struct CodeRange {
  std::uint64_t first = 0, last = 0;
  bool any_space = true;
  bool virtualized = false;
  std::uint32_t vm = 0;
};

// C++ names as people write them, without parameters: "guest::workload_main".
std::string readable(const std::string& name);

class Symbols {
 public:
  Symbols() = default;
  static isa::Result<Symbols, std::string> load(const Config& config, const ImagePaths& images);

  // A VM that is not known is taken to be the only one, if there is only one.
  CodePlace at(isa::Mode mode, std::uint32_t vm, std::uint64_t address) const;
  std::string symbol(isa::Mode mode, std::uint32_t vm, std::uint64_t address) const;

  // Every symbol of that name, in whatever image. C++ names are given without parameters.
  std::vector<CodeRange> find(std::string_view name) const;

  // Why there is no symbol of that name, for messages: what is near, and whose symbols are not known.
  std::string missing(std::string_view name) const;

 private:
  struct Module {
    Image image;  // without its bytes
    SourceLines lines;
    std::uint64_t bias = 0;  // where it runs, less where it is linked
    bool virtualized = false;
    std::uint32_t vm = 0;
  };
  // `map`: a kernel's System.map, or empty.
  std::optional<std::string> add(const std::string& file, bool virtualized, std::uint32_t vm,
                                 const std::string& map = {});
  void add_firmware(const std::string& file);
  std::optional<std::string> similar(std::string_view name) const;
  const Module* module_at(isa::Mode mode, std::uint32_t vm, std::uint64_t address) const;

  std::vector<Module> modules_;
  std::vector<std::string> without_;  // files of images without symbols
  std::size_t vms_ = 0;
};

}  // namespace hvsim::sim
