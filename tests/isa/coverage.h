// Which instructions were executed without a trap, judged by where the programs were and where they trapped.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "tests/isa/program.h"

namespace hvsim::oracle {

class Coverage {
 public:
  void add(const Program& program, std::span<const std::uint8_t> memory);
  // Mnemonics of the instruction table, and of the C extension, that were never seen to be executed.
  std::set<std::string> missing() const;

 private:
  std::set<std::string> seen_;
};

}  // namespace hvsim::oracle
