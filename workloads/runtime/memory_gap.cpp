// Choice of the free region; apart from the allocator because it runs on the host, too.
#include "workloads/runtime/memory.h"

namespace guest::memory {

Region largest_gap(Region whole, std::span<const Region> taken) {
  Region best;
  std::uint64_t begin = whole.begin;
  while (begin < whole.end) {
    std::uint64_t end = whole.end;
    std::uint64_t resume = whole.end;
    for (const Region& region : taken) {
      if (region.end <= begin || region.begin >= end) continue;
      end = region.begin > begin ? region.begin : begin;
      resume = region.end;
    }
    if (end - begin > best.bytes()) best = {begin, end};
    begin = resume;
  }
  return best;
}

}  // namespace guest::memory
