// Policies that change while VMs run: which, and when.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/scheduling.h"
#include "hypervisor/sharing/settings.h"

namespace hv {

struct PolicySwitch {
  std::uint32_t at_us = 0;  // after boot
  SchedulerPolicy scheduler = SchedulerPolicy::round_robin;
  SharingPolicy sharing = SharingPolicy::none;
};

inline constexpr unsigned kMaxPolicySwitches = 64;
inline constexpr std::uint32_t kLatestPolicySwitch = kLongestSharingTime;  // microseconds

struct PolicyPlan {
  std::array<PolicySwitch, kMaxPolicySwitches>
      switches{};  // the first `count` of them, each later than the last
  std::uint32_t count = 0;
};

}  // namespace hv
