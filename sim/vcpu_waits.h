// How long VCPUs wait for a hart, by the marks of the hypervisor.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/state/archive_forward.h"
#include "models/statistics/histogram.h"
#include "sim/activity_results.h"
#include "sim/config.h"

namespace hvsim::sim {

// VCPUs by isa::mark_vcpu(). Marks come from several harts, whose clocks differ by up to a quantum: no wait
// counts as less than nothing.
class VcpuWaits {
 public:
  void runnable(std::uint64_t vcpu, isa::Cycles now);
  void running(std::uint64_t vcpu, isa::Cycles now);
  void reset() { waits_.clear(); }  // who waits goes on waiting

  void persist(state::Archive& archive);

  std::vector<VcpuWaitRow> rows(const Config& config) const;

 private:
  static constexpr std::size_t kMaxVcpus = 4096;  // numbers come from software

  std::map<std::uint64_t, isa::Cycles> runnable_since_;
  std::map<std::uint64_t, statistics::Histogram> waits_;
};

}  // namespace hvsim::sim
