// What must hold of memory at any time: every frame is in one place, or shared and read-only, and none is
// lost.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/hypervisor/bench.h"

namespace hv {

struct MemoryAudit {
  std::uint64_t own = 0, zero = 0, merged = 0, tables = 0;  // 4 KiB pages over all VMs
};

inline MemoryAudit audit_memory(Bench& bench) {
  MemoryAudit sum;
  std::set<std::uint64_t> owned;
  std::map<std::uint64_t, std::uint64_t> shared;  // frame -> pages that map it
  const Hypervisor& core = *bench.core;
  Arch& arch = bench.harts[0];
  for (unsigned number = 0; number < core.vm_count(); ++number) {
    const Vm& vm = core.vm(number);
    if (vm.state != Vm::State::alive) continue;
    std::uint64_t own = 0, zero = 0, merged = 0;
    vm.table.for_each_leaf(arch, [&](Gpa, const StageTwoTable::Leaf& leaf) {
      const auto pages = static_cast<std::uint64_t>(leaf.run());
      for (std::uint64_t i = 0; i < pages; ++i) {
        const Hpa frame = leaf.frame + i * hvsim::isa::kPageBytes;
        EXPECT_FALSE(core.page_pool().is_free(frame)) << "a frame is mapped and free";
        if (core.frames().is_zero(frame)) {
          EXPECT_EQ(leaf.right, LeafRight::shared) << "the zero frame is writable";
          ++zero;
        } else if (leaf.right == LeafRight::shared) {
          ++shared[frame.value];
          ++merged;
        } else {
          EXPECT_TRUE(owned.insert(frame.value).second) << "two pages own one frame";
          ++own;
        }
      }
    });
    EXPECT_EQ(own, vm.sharing[SharingCounter::private_pages]);
    EXPECT_EQ(zero, vm.sharing[SharingCounter::shared_pages]);
    EXPECT_EQ(merged, vm.sharing[SharingCounter::merged_pages]);
    sum.own += own, sum.zero += zero, sum.merged += merged;
    sum.tables += vm.table.table_pages(arch);
  }
  const FrameRecords& records = core.frames().records();
  for (const auto& [frame, pages] : shared) {
    EXPECT_FALSE(owned.contains(frame)) << "a shared frame is somebody's own";
    EXPECT_EQ(records.read(arch, records.number(Hpa{frame})).references, pages);
  }
  EXPECT_EQ(records.shared_frames(), shared.size());
  const std::uint64_t fixed = core.frames().overhead_pages();
  EXPECT_EQ(core.page_pool().free_pages() + sum.own + shared.size() + sum.tables + fixed, core.pool_pages())
      << "frames were lost or given twice";
  if (core.frames().has_zero()) {  // nobody ever wrote to it
    const Hpa at = core.frames().zero_block();
    for (std::uint64_t offset = 0; offset < hvsim::isa::kPageBytes; offset += 8)
      if (arch.read_word(at + offset) != 0) {
        ADD_FAILURE() << "the zero frame is not zero";
        break;
      }
  }
  return sum;
}

}  // namespace hv
