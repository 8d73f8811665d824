// A VM's guest-physical to host-physical mapping: Sv39x4 tables with 4 KiB and 2 MiB leaves.
#pragma once

#include <cstdint>
#include <optional>

#include "arch.h"
#include "hypervisor/page_pool.h"
#include "models/cpu/isa/types.h"

namespace hv {

class StageTwoTable {
 public:
  struct Mapping {
    Hpa at{};                 // where the guest-physical byte lies
    std::uint64_t bytes = 0;  // as many follow in the same leaf
  };

  bool create(Arch& arch, PagePool& pool);  // an empty table; false: no memory
  // Maps one leaf of `run` (page or block), both addresses aligned to it. False: misaligned, out of the
  // address space, already mapped, or no memory for a table.
  bool map(Arch& arch, PagePool& pool, Gpa guest, Hpa host, PageRun run);
  std::optional<Mapping> lookup(Arch& arch, Gpa guest) const;
  // Gives all leaves and tables back. Whoever may have translations cached must have been fenced before.
  void release(Arch& arch, PagePool& pool);

  std::uint64_t hgatp(std::uint16_t vmid) const;
  Hpa root() const { return root_; }

 private:
  std::optional<Hpa> table_below(Arch& arch, PagePool& pool, Hpa entry) const;
  void release_table(Arch& arch, PagePool& pool, Hpa table, unsigned level) const;
  Hpa root_{};
  bool exists_ = false;
};

}  // namespace hv
