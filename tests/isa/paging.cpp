// Page tables by random flags: mostly good ones, so that programs get somewhere.
#include "tests/isa/paging.h"

#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"
#include "models/cpu/isa/types.h"

namespace hvsim::oracle {
namespace {

namespace csr = isa::csr;
namespace pte = isa::pte;

constexpr std::uint64_t kAll = pte::v | pte::r | pte::w | pte::x | pte::a | pte::d;
constexpr unsigned kPage = 4096;
constexpr std::uint64_t kMegapage = std::uint64_t{1} << 21;

constexpr std::uint64_t entry(std::uint64_t address, std::uint64_t flags) {
  return address >> isa::kPageShift << pte::ppn_shift | flags;
}
constexpr std::uint64_t target_of(std::uint64_t value) {
  return (value & pte::ppn_mask) >> pte::ppn_shift << isa::kPageShift;
}

class Tables {
 public:
  explicit Tables(Builder& b) : b_(b), random_(b.random), paging_(b.paging), slot_(b.program.slot) {}

  void fill() {
    if (paging_.second) fill_stage(true, paging_.g_levels);
    if (paging_.first) fill_stage(false, paging_.first_levels);
    if (paging_.first)
      at(false, window(false), kUserCode / kPage) =
          entry(slot_ + ORACLE_CODE_PAGE, (kAll & ~pte::w) | pte::u);
    if (paging_.through_guest) {
      auto& hs = b_.program.pages[ORACLE_HS_ROOT];
      hs[1] = entry(ORACLE_RAM, kAll | pte::u);
      hs[2] = entry(ORACLE_RAM, kAll);
    }
    note_fetched();
  }

  std::uint64_t changed_leaf(bool second) {
    const std::uint64_t flags = random_flags(second) & ~pte::g;
    if (random_.one_in(2)) return entry(ORACLE_STUBS, flags);
    return entry(data_page(), flags & ~pte::x);
  }

 private:
  std::uint64_t& at(bool second, unsigned depth, unsigned index) {
    return b_.program.pages[page_offset(second, depth) + index / 512 * kPage][index % 512];
  }
  static unsigned page_offset(bool second, unsigned depth) {
    if (!second) return ORACLE_TABLE_PAGE + depth * kPage;
    return depth == 0 ? ORACLE_G_ROOT : ORACLE_G_TABLE_PAGE + (depth - 1) * kPage;
  }
  unsigned window(bool second) const { return (second ? paging_.g_levels : paging_.first_levels) - 1; }

  // From the root down; the last table is the window.
  void fill_stage(bool second, unsigned levels) {
    const unsigned giga = levels - 3, mega = levels - 2;
    for (unsigned depth = 0; depth + 1 < levels; ++depth)
      at(second, depth, 0) = entry(table_address(second, depth + 1), pte::v);
    for (unsigned depth = 0; depth < giga; ++depth) at(second, depth, 1) = superpage(second, 0);
    const std::uint64_t own = second ? pte::u : random_.one_in(2) ? pte::g : 0;
    at(second, giga, 2) = entry(ORACLE_RAM, kAll | own);
    for (const unsigned index : {1u, 3u}) at(second, giga, index) = superpage(second, ORACLE_RAM);
    if (levels == 3) at(second, giga, second ? 513 : 511) = superpage(second, ORACLE_RAM);
    for (unsigned index = 4; index < 8; ++index) at(second, giga, index) = pointer(second, mega);
    for (unsigned index = 1; index < 8; ++index)
      at(second, mega, index) = superpage(second, slot_ & ~(kMegapage - 1));
    for (unsigned index = 8; index < 12; ++index) at(second, mega, index) = pointer(second, mega + 1);
    fill_window(second);
  }

  void fill_window(bool second) {
    const unsigned last = window(second);
    for (unsigned page = 0; page < kRandomPages; ++page) at(second, last, page) = leaf(second);
    for (unsigned page = kFirstChanged; page <= kLastChanged; ++page)
      at(second, last, page) = changed_leaf(second);
    const std::uint64_t large = large_leaf(second);
    for (unsigned page = kLargePage; page < kLargePage + 16; ++page) at(second, last, page) = large;
    for (unsigned page = 0; second && page < ORACLE_TABLE_PAGES; ++page) {
      std::uint64_t flags = random_flags(true);
      if ((flags & pte::r) == 0) flags &= ~pte::x;  // for QEMU
      at(second, last, kTablesInWindow + page) = entry(slot_ + ORACLE_TABLE_PAGE + page * kPage, flags);
    }
  }

  // Guests find some of their tables through random entries of the G-stage.
  std::uint64_t table_address(bool second, unsigned depth) {
    if (!second && paging_.second && random_.one_in(8)) {
      paging_.behind_window = true;
      return (kTablesInWindow + depth) * std::uint64_t{kPage};
    }
    return slot_ + page_offset(second, depth);
  }

  std::uint64_t data_page() { return slot_ + ORACLE_DATA_PAGE + random_.below(ORACLE_DATA_PAGES) * kPage; }

  // RAM or, for guests, the window of the G-stage; now and then nothing at all, where QEMU lets cbo.clean,
  // flush and inval go.
  std::uint64_t target(bool second) {
    if (!b_.program.cache_blocks && random_.one_in(24))
      return random_.of<std::uint64_t>({0x9'0000'0000, 0xFFFF'F000, 0x8800'0000});
    if (!second && paging_.second) {
      if (random_.one_in(24)) return random_.next() & (pte::ppn_mask << 2);
      if (random_.one_in(2)) return random_.below(kRandomPages) * kPage;
      if (random_.one_in(8)) return random_.between(kFirstChanged, kLastChanged) * kPage;
    }
    return random_.one_in(4) ? ORACLE_STUBS : data_page();
  }

  std::uint64_t random_flags(bool second) {
    const std::uint64_t user = second || random_.one_in(2) ? pte::u : 0;
    std::uint64_t flags = kAll | user;
    for (const std::uint64_t bit : {pte::r, pte::w, pte::x, pte::a, pte::d})
      if (random_.one_in(5)) flags &= ~bit;
    if (random_.one_in(6)) flags = random_.next() & 0xFF;
    // QEMU sets A and D of an entry that the guest may not write; so they are set where that may be.
    if (paging_.behind_window) flags |= pte::a | pte::d;
    return flags;
  }
  // Memory types, where there are any. QEMU does not know that one is reserved.
  std::uint64_t random_type() {
    const bool any = b_.program.witness->has_memory_extensions() && random_.one_in(6);
    return any ? std::uint64_t{random_.between(1, 2)} << pte::pbmt_shift : 0;
  }
  std::uint64_t leaf(bool second) {
    const std::uint64_t value = entry(target(second), random_flags(second));
    if (!random_.one_in(24)) return value | random_type();
    // Not by chance a NAPOT range, whose sixteen entries must agree.
    const bool range = (value >> pte::ppn_shift & pte::napot_mask) == pte::napot_64k;
    return value | std::uint64_t{1} << random_.between(54, range ? 62 : 63);
  }
  // Svnapot's encoding of 64 KiB, sometimes a reserved one.
  std::uint64_t large_leaf(bool second) {
    const std::uint64_t napot = random_.one_in(4) ? random_.below(16) : 8;
    return entry(slot_ + napot * kPage, random_flags(second)) | random_type() | pte::n;
  }
  // Sometimes misaligned, which must fault.
  std::uint64_t superpage(bool second, std::uint64_t address) {
    const std::uint64_t offset = random_.one_in(4) ? kPage << random_.below(9) : 0;
    const std::uint64_t flags = random_flags(second);
    if ((flags & (pte::r | pte::w | pte::x)) == 0) return flags & ~pte::v;
    return entry(address + offset, flags) | random_type();
  }
  // Sometimes with flags that a pointer must not have.
  std::uint64_t pointer(bool second, unsigned depth) {
    const std::uint64_t flags = random_.one_in(3) ? random_.next() & (pte::u | pte::g | pte::a | pte::d) : 0;
    std::uint64_t value = entry(slot_ + page_offset(second, depth), pte::v | flags);
    return random_.one_in(12) ? value | std::uint64_t{1} << random_.between(54, 63) : value;
  }

  // Whatever of these pages can be executed is a stub: an ecall or, behind them, an illegal instruction.
  void note_fetched() {
    if (!paging_.first && !paging_.second) return;
    const bool second = !paging_.first;
    for (unsigned page = 0; page <= kLastChanged; ++page)
      if (page != kUserCode / kPage && only_traps(at(second, window(second), page), second))
        b_.paging.fetched.push_back(std::uint64_t{page} * kPage);
  }
  bool only_traps(std::uint64_t value, bool second) {
    const std::uint64_t to = target_of(value);
    if ((value & pte::x) == 0 || to == ORACLE_STUBS) return true;
    if (second || !paging_.second) return false;
    return to < (kLastChanged + 1) * kPage &&
           only_traps(at(true, window(true), static_cast<unsigned>(to / kPage)), true);
  }

  Builder& b_;
  Random& random_;
  Paging& paging_;
  std::uint64_t slot_;
};

}  // namespace

void add_page_tables(Builder& b) { Tables(b).fill(); }

std::uint64_t changed_leaf(Builder& b, bool second) { return Tables(b).changed_leaf(second); }

std::uint64_t leaf_address(const Builder& b, bool second, unsigned page) {
  const unsigned depth = (second ? b.paging.g_levels : b.paging.first_levels) - 1;
  const unsigned table = second ? ORACLE_G_TABLE_PAGE + (depth - 1) * 4096 : ORACLE_TABLE_PAGE + depth * 4096;
  return b.program.slot + table + page * 8;
}

}  // namespace hvsim::oracle
