// How VCPUs share harts, as a configuration says it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "hypervisor/limits.h"

namespace hv {

enum class SchedulerPolicy : std::uint8_t {
  round_robin,  // whoever has waited longest goes first
  credit        // whoever has had least goes first, by weight; caps
};
inline constexpr std::array<std::string_view, 2> kSchedulerPolicyNames{"round_robin", "credit"};

constexpr std::string_view scheduler_name(SchedulerPolicy policy) {
  return kSchedulerPolicyNames[static_cast<std::size_t>(policy)];
}
constexpr std::optional<SchedulerPolicy> parse_scheduler(std::string_view name) {
  for (std::size_t i = 0; i < kSchedulerPolicyNames.size(); ++i)
    if (kSchedulerPolicyNames[i] == name) return static_cast<SchedulerPolicy>(i);
  return std::nullopt;
}

struct SchedulerSettings {
  SchedulerPolicy policy = SchedulerPolicy::round_robin;
  std::array<std::uint8_t, 7> instead_of_padding{};  // see below
  std::uint64_t slice_ticks = 10'000;
  bool tick_when_alone = false;  // see Scheduler::alone
  std::array<std::uint8_t, 7> here_too{};
  std::uint64_t cap_period_ticks = 100'000;  // a cap is a share of each such period
};
// Checkpoints of host runs hold the core byte for byte, and copies bring what padding held.
static_assert(std::has_unique_object_representations_v<SchedulerSettings>);

// What one VM may have. The credit scheduler heeds it, round robin does not.
struct SchedulerShare {
  std::uint32_t weight = 256;     // 1..kMaxWeight: of the harts that it competes for, relative to the others
  std::uint32_t cap_percent = 0;  // of one hart's time, over all its VCPUs; 0: no limit
};
inline constexpr std::uint32_t kMaxWeight = 10'000, kMaxCapPercent = 100 * kMaxVcpusPerVm;

}  // namespace hv
