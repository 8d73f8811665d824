// The symbol file of a Linux kernel.
#include "sim/image/system_map.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace hvsim::sim {

std::string read_system_map(const std::string& path,
                            const std::function<std::string(std::uint64_t, const std::string&)>& tell) {
  std::ifstream file(path);
  if (!file) return path + ": cannot be read";
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::uint64_t address = 0;
    std::string type, name, rest;
    if (!(words >> std::hex >> address >> type >> name) || type.size() != 1 || words >> rest) continue;
    if (auto problem = tell(address, name); !problem.empty()) return problem;
  }
  return {};
}

isa::Result<hv::abi::KernelSymbols, std::string> load_system_map(const std::string& path) {
  using hv::abi::kKernelSymbolNames;
  hv::abi::KernelSymbols symbols{};
  const auto note = [&](std::uint64_t address, const std::string& name) -> std::string {
    const auto wanted = std::ranges::find(kKernelSymbolNames, name);
    if (wanted == kKernelSymbolNames.end()) return {};
    std::uint64_t& known = symbols[static_cast<std::size_t>(wanted - kKernelSymbolNames.begin())];
    if (known != 0 && known != address) return path + ": has two symbols " + name;
    known = address;
    return {};
  };
  if (const std::string problem = read_system_map(path, note); !problem.empty()) return isa::Failure{problem};
  for (std::size_t i = 0; i < symbols.size(); ++i)
    if (symbols[i] == 0)
      return isa::Failure{path + ": has no symbol " + std::string(kKernelSymbolNames[i]) +
                          ", expected the System.map of a RISC-V Linux kernel"};
  return symbols;
}

}  // namespace hvsim::sim
