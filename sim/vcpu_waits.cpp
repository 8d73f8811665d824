// Pairs of marks.
#include "sim/vcpu_waits.h"

#include "sim/statistics_names.h"

namespace hvsim::sim {

void VcpuWaits::runnable(std::uint64_t vcpu, isa::Cycles now) {
  if (runnable_since_.size() < kMaxVcpus) runnable_since_.try_emplace(vcpu, now);
}

void VcpuWaits::running(std::uint64_t vcpu, isa::Cycles now) {
  const auto found = runnable_since_.find(vcpu);
  if (found == runnable_since_.end()) return;
  waits_[vcpu].add(now > found->second ? now - found->second : 0);
  runnable_since_.erase(found);
}

std::vector<VcpuWaitRow> VcpuWaits::rows(const Config& config) const {
  std::vector<VcpuWaitRow> rows;
  for (const auto& [vcpu, waits] : waits_)
    rows.push_back({vm_name(static_cast<std::uint32_t>(vcpu >> 16), config),
                    static_cast<unsigned>(vcpu & 0xFFFF), distribution(waits)});
  return rows;
}

}  // namespace hvsim::sim
