// Which instructions were executed without a trap, judged by where the programs were and where they trapped.
#pragma once

#include <array>
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
  // Leaves out what the witness does not have.
  std::set<std::string> missing(const Witness& witness) const;
  // Loads, stores, atomics, and jumps to pages that may not be executable, whether they succeeded or trapped.
  std::uint64_t translated_accesses() const { return accesses_; }
  std::uint64_t two_stage_accesses() const { return two_stage_; }

 private:
  using Limits = std::array<unsigned, ORACLE_MAX_BUNDLES + 2>;  // of each bundle, where it trapped first
  void count_accesses(const Program& program, const Limits& end);

  std::set<std::string> seen_;
  std::uint64_t accesses_ = 0, two_stage_ = 0;  // the latter where both stages translate
};

}  // namespace hvsim::oracle
