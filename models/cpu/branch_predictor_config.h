// Parameters and counters of branch prediction.
#pragma once

#include <cstdint>

namespace hvsim::cpu {

struct BranchPredictorConfig {
  unsigned bht_entries = 128;      // two-bit counters, indexed by pc
  unsigned btb_entries = 32;       // targets of indirect jumps, direct-mapped
  unsigned ras_depth = 2;          // return addresses; 0: returns are predicted by the BTB
  bool btb_tagged = true;          // false: jumps that share an entry take each other's target
  bool static_prediction = false;  // branches that the BHT does not know yet: backward ones are taken
  bool flushed_by_traps = false;   // every trap and return from one empties all three
};

struct BranchPredictorStats {
  std::uint64_t branches = 0, branch_mispredicts = 0;
  std::uint64_t indirect_jumps = 0, indirect_mispredicts = 0;
  std::uint64_t returns = 0, return_mispredicts = 0;
};

}  // namespace hvsim::cpu
