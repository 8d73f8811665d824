// A set of VCPUs ordered by a key of each: the least goes first, entering and leaving take O(log n).
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "hypervisor/limits.h"

namespace hv {

class VcpuHeap {
 public:
  struct Key {
    std::uint64_t first = 0, second = 0;
    constexpr auto operator<=>(const Key&) const = default;
  };
  static constexpr std::uint16_t kNowhere = 0xFFFF;
  // What all heaps know of each VCPU; it is in one of them at most.
  struct Place {
    Key key;
    std::uint16_t at = kNowhere;
  };
  using Places = std::array<Place, kMaxVcpus>;

  unsigned size() const { return size_; }
  VcpuId front() const { return items_[0]; }  // not when it is empty
  VcpuId at(unsigned index) const { return items_[index]; }
  void push(Places& places, VcpuId vcpu, Key key);
  void remove(Places& places, VcpuId vcpu);  // it is in this one
  bool sound(const Places& places) const;    // for audits

 private:
  void put(Places& places, unsigned index, VcpuId vcpu);
  void sift_up(Places& places, unsigned index);
  void sift_down(Places& places, unsigned index);

  std::array<VcpuId, kMaxVcpus> items_;  // the first size_ of them
  std::uint16_t size_ = 0;
};

}  // namespace hv
