// The VCPUs that wait for a hart: one line for each set of harts, so that nobody is passed over in search of
// one that may run here.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/atomics.h"
#include "hypervisor/bits.h"
#include "hypervisor/limits.h"
#include "hypervisor/vcpu_heap.h"

namespace hv {

class ReadyQueue {
 public:
  using Line = std::uint8_t;

  Line line_for(std::uint64_t harts);  // at most as many different sets as there are VMs
  void push(VcpuHeap::Places& places, Line line, VcpuId vcpu, VcpuHeap::Key key) {
    lines_[line].push(places, vcpu, key);
    if (lines_[line].size() == 1) occupied_changed();
  }
  void remove(VcpuHeap::Places& places, Line line, VcpuId vcpu) {
    lines_[line].remove(places, vcpu);
    if (lines_[line].size() == 0) occupied_changed();
  }

  // Where those that wait may run. The only thing that may be looked at while others push and remove.
  std::uint64_t harts() const { return load_relaxed(waited_for_); }

  // The one with the least key of those that may run on `hart`; kNoVcpu: none.
  VcpuId first(const VcpuHeap::Places& places, unsigned hart) const {
    VcpuId best = kNoVcpu;
    for_each_line(hart, [&](const VcpuHeap& line) {
      if (line.size() == 0) return;
      const VcpuId candidate = line.front();
      if (best == kNoVcpu || places[candidate].key < places[best].key) best = candidate;
    });
    return best;
  }
  template <class Visit>
  void for_each(unsigned hart, Visit&& visit) const {  // of those that may run on `hart`
    for_each_line(hart, [&](const VcpuHeap& line) {
      for (unsigned i = 0; i < line.size(); ++i) visit(line.at(i));
    });
  }
  const VcpuHeap& line(Line number) const { return lines_[number]; }
  unsigned lines() const { return count_; }

 private:
  template <class Visit>
  void for_each_line(unsigned hart, Visit&& visit) const {
    for (std::uint64_t left = of_hart_[hart]; left != 0; left &= left - 1) visit(lines_[lowest_bit(left)]);
  }

  void occupied_changed();

  std::array<VcpuHeap, kMaxVms> lines_;
  std::array<std::uint64_t, kMaxVms> harts_{};      // of each line
  std::array<std::uint64_t, kMaxHarts> of_hart_{};  // the lines whose VCPUs may run there
  unsigned count_ = 0;
  std::uint64_t waited_for_ = 0;
};
static_assert(kMaxVms <= 64);  // a set of lines is one word

}  // namespace hv
