// The host-physical pages that VMs and their tables are made of: one bit per free 4 KiB page.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "arch.h"
#include "hypervisor/limits.h"
#include "models/cpu/isa/types.h"

namespace hv {

enum class PageRun : std::uint16_t { page = 1, root_table = 4, block = 512 };  // pages, naturally aligned

constexpr std::uint64_t bytes(PageRun run) {
  return static_cast<std::uint64_t>(run) * hvsim::isa::kPageBytes;
}

class PagePool {
 public:
  // All of [base, base + size) becomes free, as far as the bit map reaches.
  void add(Hpa base, std::uint64_t size);
  // Takes out every page that [base, base + size) touches; parts outside the pool do not matter.
  void reserve(Hpa base, std::uint64_t size);

  // 2 MiB blocks come from the bottom and small runs from the top, so that neither splinters the other.
  // Pages that are kept for tables are left alone.
  std::optional<Hpa> allocate(Arch& arch, PageRun run);
  // Only what was allocated; giving back a free or foreign page is refused.
  bool release(Arch& arch, Hpa at, PageRun run);

  // Free pages that nobody gets but those who split 2 MiB leaves: as many are kept as there are such leaves.
  // False: not so many are free.
  bool keep(Arch& arch, std::uint64_t pages);
  void keep_no_more(Arch& arch, std::uint64_t pages);
  std::optional<Hpa> take_kept(Arch& arch);      // one of them, or where none is kept, any
  bool release_and_keep(Arch& arch, Hpa table);  // the reverse

  Hpa base() const { return base_; }
  std::uint64_t pages() const { return pages_; }            // from base() on, reserved ones included
  std::uint64_t free_pages() const { return free_pages_; }  // kept ones included
  std::uint64_t kept_pages() const { return kept_pages_; }
  std::uint64_t pages_to_give() const { return free_pages_ - kept_pages_; }
  std::uint64_t least_free_pages() const { return least_free_pages_; }  // ever, since boot
  bool is_free(Hpa page) const;                                         // one 4 KiB page of the pool
  bool audit(Arch& arch);  // whether as many pages are free as it says

 private:
  bool run_is(std::uint64_t first, std::uint64_t pages, bool free) const;
  void set_run(std::uint64_t first, std::uint64_t pages, bool free);
  std::optional<std::uint64_t> find_block() const;
  std::optional<std::uint64_t> find_small(std::uint64_t pages);
  void take(Arch& arch, std::uint64_t first, std::uint64_t pages);
  bool put_back(Arch& arch, Hpa at, std::uint64_t pages);

  static constexpr std::uint64_t kWords = kMaxPoolPages / 64;
  std::array<std::uint64_t, kWords> free_{};
  Hpa base_{};  // 2 MiB aligned, so that aligned bits are aligned pages
  std::uint64_t pages_ = 0, free_pages_ = 0, least_free_pages_ = ~std::uint64_t{0};
  std::uint64_t kept_pages_ = 0;
  std::uint64_t top_word_ = kWords - 1;  // no page above this word of the map is free
  Arch::Lock lock_{};
};

}  // namespace hv
