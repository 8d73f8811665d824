// Branch prediction: two-bit counters, a target buffer for indirect jumps and a return stack.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/branch_predictor_config.h"
#include "models/state/archive_forward.h"

namespace hvsim::cpu {

// What is impossible about a configuration, in words; empty if nothing is.
std::optional<std::string> problem(const BranchPredictorConfig& config);

class BranchPredictor {
 public:
  // The config must have no problem().
  explicit BranchPredictor(const BranchPredictorConfig& config);

  // A conditional branch: learns, and tells whether it was mispredicted.
  bool predict_and_update_branch(std::uint64_t pc, bool taken, bool backward = false) {
    std::uint8_t& counter = counters_[place(pc)];
    bool predicted = counter >= 2;
    if (counter == kUnknown) {
      predicted = backward;
      counter = 2;
    }
    if (taken) {
      counter = static_cast<std::uint8_t>(counter + (counter < 3));
    } else {
      counter = static_cast<std::uint8_t>(counter - (counter > 0));
    }
    history_ = (history_ << 1 | static_cast<std::uint64_t>(taken)) & history_mask_;
    const bool mispredicted = predicted != taken;
    ++stats_.branches;
    stats_.branch_mispredicts += mispredicted;
    return mispredicted;
  }

  // A direct call (JAL that links): its target is known at decode, its return address is remembered.
  void call(std::uint64_t link) { push(link); }

  // JALR: learns, and tells whether the target was mispredicted. `link` is the next instruction's address;
  // call and return are told by rd and rs1 being x1 or x5 (unprivileged manual, "Unconditional Jumps").
  bool jump_register(std::uint64_t pc, std::uint64_t target, std::uint64_t link, bool is_call,
                     bool is_return) {
    const bool mispredicted =
        is_return && !stack_.empty() ? return_mispredicted(target) : target_mispredicted(pc, target);
    if (is_call) push(link);
    return mispredicted;
  }

  // For fetches on a wrong path, which use the predictor and teach it nothing but the return stack.
  static constexpr std::uint64_t kNoPrediction = ~std::uint64_t{0};
  bool predicts_taken(std::uint64_t pc, bool backward) const {
    const std::uint8_t counter = counters_[place(pc)];
    return counter == kUnknown ? backward : counter >= 2;
  }
  std::uint64_t predicted_target(std::uint64_t pc, bool is_return) {
    if (is_return && !stack_.empty()) return pop();
    const Target& entry = targets_[(pc >> 1) & target_mask_];
    return !config_.btb_tagged || entry.pc == pc ? entry.target : kNoPrediction;
  }
  std::uint64_t last_prediction() const { return last_prediction_; }  // of jump_register()

  void flush();
  void switched_mode() {  // by a trap or a return from one
    if (config_.flushed_by_traps) flush();
  }
  const BranchPredictorConfig& config() const { return config_; }
  const BranchPredictorStats& stats() const { return stats_; }
  void persist(state::Archive& archive);

 private:
  static constexpr std::uint8_t kUnknown = 4;

  struct Target {
    std::uint64_t pc = ~std::uint64_t{0};
    std::uint64_t target = ~std::uint64_t{0};
    void persist(state::Archive& archive);
  };

  std::uint64_t place(std::uint64_t pc) const { return (pc >> 1 ^ history_) & counter_mask_; }
  void push(std::uint64_t link) {
    if (stack_.empty()) return;
    top_ = top_ + 1 == stack_.size() ? 0 : top_ + 1;
    stack_[top_] = link;
    depth_ += depth_ < stack_.size();
  }
  std::uint64_t pop() {
    if (depth_ == 0) return kNoPrediction;
    const std::uint64_t link = stack_[top_];
    top_ = top_ == 0 ? stack_.size() - 1 : top_ - 1;
    --depth_;
    return link;
  }
  bool return_mispredicted(std::uint64_t target) {
    last_prediction_ = pop();
    const bool mispredicted = last_prediction_ != target;
    ++stats_.returns;
    stats_.return_mispredicts += mispredicted;
    return mispredicted;
  }
  bool target_mispredicted(std::uint64_t pc, std::uint64_t target) {
    Target& entry = targets_[(pc >> 1) & target_mask_];
    const bool mispredicted = entry.target != target || (config_.btb_tagged && entry.pc != pc);
    last_prediction_ = config_.btb_tagged && entry.pc != pc ? kNoPrediction : entry.target;
    entry = {pc, target};
    ++stats_.indirect_jumps;
    stats_.indirect_mispredicts += mispredicted;
    return mispredicted;
  }

  BranchPredictorConfig config_;
  std::uint64_t counter_mask_, target_mask_, history_mask_;
  std::uint64_t history_ = 0;  // of outcomes, the last in bit 0; always 0 if nothing asks for it
  std::vector<std::uint8_t> counters_;
  std::vector<Target> targets_;
  std::vector<std::uint64_t> stack_;  // circular: deeper calls overwrite the oldest
  std::size_t top_ = 0, depth_ = 0;
  std::uint64_t last_prediction_ = kNoPrediction;
  BranchPredictorStats stats_;
};

}  // namespace hvsim::cpu
