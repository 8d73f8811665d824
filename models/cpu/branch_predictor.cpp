// Branch prediction: configuration checks and reset.
#include "models/cpu/branch_predictor.h"

#include <algorithm>
#include <bit>

namespace hvsim::cpu {

namespace {

constexpr std::uint8_t kWeaklyNotTaken = 1;
constexpr unsigned kMaxEntries = 1U << 20, kMaxDepth = 1024, kMaxHistory = 20;

std::optional<std::string> problem_of_table(const std::string& name, unsigned entries) {
  if (std::has_single_bit(entries) && entries <= kMaxEntries) return std::nullopt;
  return name + ": " + std::to_string(entries) + " is not a power of two from 1 to " +
         std::to_string(kMaxEntries);
}

}  // namespace

std::optional<std::string> problem(const BranchPredictorConfig& config) {
  if (auto found = problem_of_table("bht_entries", config.bht_entries)) return found;
  if (auto found = problem_of_table("btb_entries", config.btb_entries)) return found;
  if (config.history_bits > kMaxHistory)
    return "history_bits: " + std::to_string(config.history_bits) + " is above " +
           std::to_string(kMaxHistory);
  if (config.ras_depth > kMaxDepth)
    return "ras_depth: " + std::to_string(config.ras_depth) + " is above " + std::to_string(kMaxDepth);
  return std::nullopt;
}

BranchPredictor::BranchPredictor(const BranchPredictorConfig& config)
    : config_(config),
      counter_mask_(config.bht_entries - 1),
      target_mask_(config.btb_entries - 1),
      history_mask_(config.kind == BranchPrediction::gshare ? (std::uint64_t{1} << config.history_bits) - 1
                                                            : 0),
      counters_(config.bht_entries, config.static_prediction ? kUnknown : kWeaklyNotTaken),
      targets_(config.btb_entries),
      stack_(config.ras_depth, 0) {}

void BranchPredictor::flush() {
  std::ranges::fill(counters_, config_.static_prediction ? kUnknown : kWeaklyNotTaken);
  std::ranges::fill(targets_, Target{});
  history_ = 0;
  top_ = 0;
  depth_ = 0;
}

}  // namespace hvsim::cpu
