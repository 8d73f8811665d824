// Parameters and counters of branch prediction.
#pragma once

#include <cstdint>

namespace hvsim::cpu {

// What a branch's two-bit counter is found by: bimodal by its pc; gshare by that and what the last branches
// did (McFarling, "Combining Branch Predictors", 1993).
enum class BranchPrediction : std::uint8_t { bimodal, gshare };

struct BranchPredictorConfig {
  BranchPrediction kind = BranchPrediction::bimodal;
  unsigned history_bits = 8;       // gshare: how many branches
  unsigned bht_entries = 128;      // two-bit counters
  unsigned btb_entries = 32;       // targets of indirect jumps, direct-mapped
  unsigned ras_depth = 2;          // return addresses; 0: returns are predicted by the BTB
  bool btb_tagged = true;          // false: jumps that share an entry take each other's target
  bool static_prediction = false;  // branches that the BHT does not know yet: backward ones are taken
  bool flushed_by_traps = false;   // every trap and return from one empties all three, and the history
};

struct BranchPredictorStats {
  std::uint64_t branches = 0, branch_mispredicts = 0;
  std::uint64_t indirect_jumps = 0, indirect_mispredicts = 0;
  std::uint64_t returns = 0, return_mispredicts = 0;
};

}  // namespace hvsim::cpu
