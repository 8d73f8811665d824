// A set of VCPUs ordered by a key of each: the least goes first, entering and leaving take O(log n).
#include "hypervisor/vcpu_heap.h"

namespace hv {

void VcpuHeap::push(Places& places, VcpuId vcpu, Key key) {
  places[vcpu].key = key;
  put(places, size_, vcpu);
  sift_up(places, size_++);
}

// The last one takes its place and goes where it belongs.
void VcpuHeap::remove(Places& places, VcpuId vcpu) {
  const unsigned index = places[vcpu].at;
  const VcpuId last = items_[--size_];
  places[vcpu].at = kNowhere;
  if (last == vcpu) return;
  put(places, index, last);
  sift_up(places, index);
  sift_down(places, places[last].at);
}

void VcpuHeap::put(Places& places, unsigned index, VcpuId vcpu) {
  items_[index] = vcpu;
  places[vcpu].at = static_cast<std::uint16_t>(index);
}

void VcpuHeap::sift_up(Places& places, unsigned index) {
  const VcpuId vcpu = items_[index];
  for (; index != 0; index = (index - 1) / 2) {
    const VcpuId parent = items_[(index - 1) / 2];
    if (places[parent].key <= places[vcpu].key) break;
    put(places, index, parent);
  }
  put(places, index, vcpu);
}

void VcpuHeap::sift_down(Places& places, unsigned index) {
  const VcpuId vcpu = items_[index];
  for (unsigned child; (child = 2 * index + 1) < size_; index = child) {
    if (child + 1 < size_ && places[items_[child + 1]].key < places[items_[child]].key) ++child;
    if (places[vcpu].key <= places[items_[child]].key) break;
    put(places, index, items_[child]);
  }
  put(places, index, vcpu);
}

bool VcpuHeap::sound(const Places& places) const {
  for (unsigned index = 0; index < size_; ++index) {
    if (places[items_[index]].at != index) return false;
    if (index != 0 && places[items_[index]].key < places[items_[(index - 1) / 2]].key) return false;
  }
  return true;
}

}  // namespace hv
