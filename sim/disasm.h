// `hvsim disasm`: lists instructions as `objdump -d` does, by the simulator's own table.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "models/cpu/disassembler.h"
#include "models/cpu/isa/result.h"
#include "sim/image/image.h"

namespace hvsim::sim {

struct DisasmOptions {
  std::string file;
  std::optional<std::uint64_t> base{};  // of a flat image
  std::optional<std::uint64_t> start{}, end{};
  std::string symbol{};
  bool canonical = false;
};

// Lines go to `print`, so that a kernel's listing need not be held in memory.
isa::Result<int, std::string> list_code(const DisasmOptions& options,
                                        const std::function<void(const std::string&)>& print);

int disasm(const DisasmOptions& options);  // to standard output; the exit code

}  // namespace hvsim::sim
