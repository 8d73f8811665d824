// A VM's guest-physical to host-physical mapping: Sv39x4 tables with 4 KiB and 2 MiB leaves.
#pragma once

#include <cstdint>
#include <optional>

#include "arch.h"
#include "hypervisor/page_pool.h"
#include "models/cpu/isa/paging.h"
#include "models/cpu/isa/types.h"

namespace hv {

// What a leaf allows its guest; the last two are told apart by a bit that the PTE leaves to software.
enum class LeafRight : std::uint8_t {
  write,   // read, write, execute: a frame of this VM's own
  marked,  // the same frame, read-only: "first free" by the VM's memory map
  shared   // read-only, and the frame is others', too
};

class StageTwoTable {
 public:
  struct Mapping {
    Hpa at{};                 // where the guest-physical byte lies
    std::uint64_t bytes = 0;  // as many follow in the same leaf
  };

  struct Leaf {
    Hpa entry{};  // where its PTE lies
    Hpa frame{};  // what it maps, from its first byte
    unsigned level = 0;
    LeafRight right = LeafRight::write;
    PageRun run() const { return level == 1 ? PageRun::block : PageRun::page; }
  };

  bool create(Arch& arch, PagePool& pool);  // an empty table; false: no memory
  // Maps one leaf of `run` (page or block), both addresses aligned to it. False: misaligned, out of the
  // address space, already mapped, or no memory for a table.
  bool map(Arch& arch, PagePool& pool, Gpa guest, Hpa host, PageRun run, LeafRight right = LeafRight::write);
  std::optional<Mapping> lookup(Arch& arch, Gpa guest) const;
  // Changing leaves. Whoever may have the old translation cached is to be fenced by the caller.
  std::optional<Leaf> leaf(Arch& arch, Gpa guest) const;
  // The leaf `pages` behind `first` in the same table.
  Leaf sibling(Arch& arch, const Leaf& first, std::uint64_t pages) const {
    const Hpa entry = first.entry + 8 * pages;
    return as_leaf(entry, arch.read_word(entry), 0);
  }
  void set(Arch& arch, const Leaf& leaf, Hpa frame, LeafRight right);
  // One 2 MiB leaf becomes 512 leaves of the same right; in `one_frame`, all map the first frame.
  // False: no memory for the table, and nothing has changed.
  bool split(Arch& arch, PagePool& pool, const Leaf& block, bool one_frame);
  // The 512 leaves below the 2 MiB at `guest` become one. The table is the caller's to release, after the
  // fence; empty: there is no table.
  std::optional<Hpa> join(Arch& arch, Gpa guest, Hpa frame, LeafRight right);
  // Calls `visit(Gpa, const Leaf&)` for each leaf, in the order of addresses.
  template <class Visit>
  void for_each_leaf(Arch& arch, Visit visit) const {
    if (exists_) visit_table(arch, root_, kTop, Gpa{0}, visit);
  }
  std::uint64_t table_pages(Arch& arch) const;  // 4 KiB pages that the tables themselves take

  // Gives the tables back, but nothing that leaves map.
  void release_tables(Arch& arch, PagePool& pool);
  // Gives all leaves and tables back. Whoever may have translations cached must have been fenced before.
  void release(Arch& arch, PagePool& pool);

  std::uint64_t hgatp(std::uint16_t vmid) const;
  Hpa root() const { return root_; }
  const Hpa& inspect_root() const { return root_; }  // where it is kept

 private:
  static constexpr unsigned kTop = 2;
  static unsigned entries(unsigned level) { return level == kTop ? 2048 : 512; }
  static std::uint64_t reach(unsigned level) { return std::uint64_t{1} << (12 + 9 * level); }
  static Leaf as_leaf(Hpa entry, std::uint64_t value, unsigned level);

  template <class Visit>
  void visit_table(Arch& arch, Hpa table, unsigned level, Gpa base, Visit& visit) const {
    namespace pte = hvsim::isa::pte;
    for (std::uint64_t i = 0; i < entries(level); ++i) {
      const Hpa entry = table + 8 * i;
      const std::uint64_t value = arch.read_word(entry);
      if ((value & pte::v) == 0) continue;
      const Leaf leaf = as_leaf(entry, value, level);
      if ((value & (pte::r | pte::w | pte::x)) != 0)
        visit(base + i * reach(level), leaf);
      else
        visit_table(arch, leaf.frame, level - 1, base + i * reach(level), visit);
    }
  }
  std::optional<Hpa> entry_at(Arch& arch, Gpa guest, unsigned level) const;
  std::uint64_t count_tables(Arch& arch, Hpa table, unsigned level) const;
  std::optional<Hpa> table_below(Arch& arch, PagePool& pool, Hpa entry) const;
  void release_table(Arch& arch, PagePool& pool, Hpa table, unsigned level, bool leaves) const;
  Hpa root_{};
  bool exists_ = false;
};

}  // namespace hv
