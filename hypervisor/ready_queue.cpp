// The VCPUs that wait for a hart: one line for each set of harts.
#include "hypervisor/ready_queue.h"

namespace hv {

ReadyQueue::Line ReadyQueue::line_for(std::uint64_t harts) {
  unsigned line = 0;
  while (line < count_ && harts_[line] != harts) ++line;
  if (line < count_) return static_cast<Line>(line);
  harts_[count_++] = harts;
  for (unsigned hart = 0; hart < kMaxHarts; ++hart)
    if ((harts >> hart & 1) != 0) of_hart_[hart] |= std::uint64_t{1} << line;
  return static_cast<Line>(line);
}

void ReadyQueue::occupied_changed() {
  std::uint64_t harts = 0;
  for (unsigned line = 0; line < count_; ++line)
    if (lines_[line].size() != 0) harts |= harts_[line];
  store_release(waited_for_, harts);
}

}  // namespace hv
