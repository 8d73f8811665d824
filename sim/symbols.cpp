// One module per image; guests' modules count only in their VM.
#include "sim/symbols.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "sim/image/elf.h"
#include "sim/image/format.h"
#include "sim/image/kernel_symbols.h"
#include "sim/image/linux_image.h"
#include "sim/json_read.h"
#include "sim/machine.h"
#include "sim/printable.h"

namespace hvsim::sim {
namespace {

constexpr std::size_t kLongestName = 400;

}  // namespace

std::string readable(const std::string& name) {
  if (!name.starts_with("_Z")) return name;
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0 || text == nullptr) return name;
  std::string result = text.get();
  for (std::size_t at; (at = result.find("(anonymous namespace)::")) != std::string::npos;)
    result.erase(at, 23);
  const auto parameters = result.find('(');
  return parameters == std::string::npos || parameters == 0 ? result : result.substr(0, parameters);
}

isa::Result<Symbols, std::string> Symbols::load(const Config& config, const ImagePaths& images) {
  Symbols symbols;
  symbols.vms_ = config.vms.size();
  symbols.add_firmware(images.firmware);
  for (const std::string& file : {images.hypervisor, images.image})
    if (auto problem = symbols.add(file, false, 0)) return isa::Failure{*problem};
  for (std::size_t i = 0; i < images.workloads.size(); ++i)
    if (auto problem = symbols.add(images.workloads[i], true, static_cast<std::uint32_t>(i),
                                   i < images.vm_symbols.size() ? images.vm_symbols[i] : ""))
      return isa::Failure{*problem};
  return symbols;
}

// Flat images have no symbols, but for kernels that carry theirs for themselves.
std::optional<std::string> Symbols::add(const std::string& file, bool virtualized, std::uint32_t vm,
                                        const std::string& map) {
  if (file.empty()) return std::nullopt;
  const auto bytes = read_file(file);
  if (!bytes) return bytes.error();
  if (!is_elf(*bytes)) {
    auto known = map.empty() ? isa::Result<std::vector<Symbol>, std::string>(
                                   looks_like_linux(*bytes) ? kernel_symbols(*bytes) : std::vector<Symbol>())
                             : system_map_symbols(map);
    if (!known) return known.error();
    if (known->empty()) return without_.push_back(file), std::nullopt;
    modules_.push_back(
        {Image{.name = file, .symbols = std::move(known.value())}, SourceLines(file), 0, virtualized, vm});
    return std::nullopt;
  }
  auto image = parse_elf(*bytes, file);
  if (!image) return image.error();
  for (Segment& segment : image.value().segments) segment.bytes.clear();
  image.value().code.clear();
  modules_.push_back({std::move(image.value()), SourceLines(file), 0, virtualized, vm});
  return std::nullopt;
}

// Firmware is a flat binary; the ELF that it was made from often lies beside it.
void Symbols::add_firmware(const std::string& file) {
  if (file.empty()) return;
  const std::string elf = std::filesystem::path(file).replace_extension(".elf").string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(elf, error) || add(elf, false, 0)) return;
  if (modules_.empty()) return;
  Module& firmware = modules_.back();
  firmware.bias = map::ram.value - firmware.image.segments.front().address;
}

const Symbols::Module* Symbols::module_at(isa::Mode mode, std::uint32_t vm, std::uint64_t address) const {
  if (mode.virtualized && vm >= vms_ && vms_ == 1) vm = 0;
  for (const Module& module : modules_) {
    if (module.virtualized != mode.virtualized || (mode.virtualized && module.vm != vm)) continue;
    if (symbol_at(module.image, address - module.bias) != nullptr) return &module;
  }
  return nullptr;
}

std::string Symbols::symbol(isa::Mode mode, std::uint32_t vm, std::uint64_t address) const {
  const Module* module = module_at(mode, vm, address);
  if (module == nullptr) return {};
  const Symbol* found = symbol_at(module->image, address - module->bias);
  const std::uint64_t offset = address - module->bias - found->address;
  const std::string name = printable_line(readable(found->name), kLongestName);
  return offset == 0 ? name : name + "+" + hex(offset);
}

CodePlace Symbols::at(isa::Mode mode, std::uint32_t vm, std::uint64_t address) const {
  const Module* module = module_at(mode, vm, address);
  if (module == nullptr) return {};
  return {symbol(mode, vm, address), printable_line(module->lines.at(address - module->bias), kLongestName)};
}

std::vector<CodeRange> Symbols::find(std::string_view name) const {
  std::vector<CodeRange> ranges;
  for (const Module& module : modules_) {
    for (const Symbol& symbol : module.image.symbols) {
      if (symbol.name != name && readable(symbol.name) != name) continue;
      const std::uint64_t first = symbol.address + module.bias;
      ranges.push_back({.first = first,
                        .last = first + std::max<std::uint64_t>(symbol.bytes, 1) - 1,
                        .any_space = false,
                        .virtualized = module.virtualized,
                        .vm = module.vm});
    }
  }
  return ranges;
}

std::string Symbols::missing(std::string_view name) const {
  std::string text = "\"" + std::string(name) + "\": no image has a symbol of that name";
  if (const auto near = similar(name)) text += ", did you mean \"" + *near + "\"?";
  for (const std::string& file : without_)
    text += "; " + file + " has no symbols of its own" +
            (file_looks_like_linux(file) ? " (a VM's kernel: vms[].symbols may name its System.map)" : "");
  return text;
}

std::optional<std::string> Symbols::similar(std::string_view name) const {
  std::vector<std::string> names;
  for (const Module& module : modules_)
    for (const Symbol& symbol : module.image.symbols) names.push_back(readable(symbol.name));
  return nearest(name, {names.begin(), names.end()});
}

}  // namespace hvsim::sim
