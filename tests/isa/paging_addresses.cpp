// Roots, addresses and protection to go with the page tables.
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/types.h"
#include "tests/isa/paging.h"

namespace hvsim::oracle {
namespace {

namespace csr = isa::csr;

constexpr std::uint64_t kPage = 4096, kMegapage = std::uint64_t{1} << 21, kGigapage = std::uint64_t{1} << 30;

std::uint64_t root(std::uint64_t address, unsigned levels, std::uint64_t space) {
  const std::uint64_t mode = csr::kModeSv39 + levels - 3;
  return mode << csr::kAtpModeShift | space << csr::kAsidShift | address >> isa::kPageShift;
}

// `changing`: those too whose entries programs change, which they fence at their first address only.
std::uint64_t in_window(Random& random, bool changing = false) {
  const unsigned choice = random.below(16);
  // Of the page of 64 KiB, only where it maps data.
  if (choice == 0) return (kLargePage + (ORACLE_DATA_PAGE >> 12) + 1) * kPage + random.below(3 * kPage);
  if (changing && choice < 4)
    return kFirstChanged * kPage + random.below((kLastChanged - kFirstChanged + 1) * kPage);
  return kPage + random.below((kRandomPages - 2) * kPage);
}

// 2 MiB pages, and ways to the window through other pointers.
std::uint64_t in_megapages(Random& random, std::uint64_t data) {
  if (random.one_in(2)) return random.between(8, 11) * kMegapage + in_window(random);
  return random.between(1, 7) * kMegapage + (data & (kMegapage - 1));
}

std::uint64_t in_gigapages(Random& random, std::uint64_t data, bool second, unsigned levels) {
  if (random.one_in(2))
    return random.between(4, 7) * kGigapage +
           (random.one_in(2) ? in_window(random) : in_megapages(random, data));
  const std::uint64_t low = data & (kGigapage - 1);
  if (levels == 3 && random.one_in(3)) return low + (second ? 513 * kGigapage : 0 - kGigapage);
  return random.of({1u, 3u}) * kGigapage + low;
}

std::uint64_t in_tree(Random& random, std::uint64_t data, bool second, unsigned levels) {
  switch (random.below(8)) {
    case 0:
      return data;
    case 1:
      return in_megapages(random, data);
    case 2:
      return in_gigapages(random, data, second, levels);
    case 3:  // 512 GiB and 256 TiB
      if (levels > 3) return data | std::uint64_t{1} << (levels == 5 && random.one_in(2) ? 48 : 39);
      break;
    case 4:
      if (random.one_in(8)) return random.next();
      // Not where the large pages are: they map the lowest addresses to devices.
      if (random.one_in(4))
        return in_window(random) | std::uint64_t{1} << random.of({38u, 41u, 47u, 49u, 56u, 63u});
      break;
    default:
      break;
  }
  return in_window(random, true);
}

std::uint64_t data_page(Builder& b) {
  return b.program.slot + ORACLE_DATA_PAGE + b.random.below(ORACLE_DATA_PAGES) * kPage;
}

}  // namespace

std::uint64_t asid(const Program& program) { return program.slot >> 17 & 0xFF; }
std::uint64_t vmid(const Program& program) { return program.slot >> 17 & 0x7F; }

std::uint64_t first_stage_root(const Program& program, const Paging& paging) {
  if (!paging.first) return 0;
  return root(program.slot + ORACLE_TABLE_PAGE, paging.first_levels, asid(program));
}

std::uint64_t g_stage_root(const Program& program, const Paging& paging) {
  if (!paging.second) return 0;
  return root(program.slot + ORACLE_G_ROOT, paging.g_levels, vmid(program));
}

std::uint64_t hs_root(const Program& program) {
  return root(program.slot + ORACLE_HS_ROOT, 3, asid(program) ^ 1);
}

std::uint64_t hs_user_code(const Program& program) {
  return kGigapage + (program.slot + ORACLE_CODE_PAGE - ORACLE_RAM);
}

std::uint64_t random_address(Builder& b) {
  const std::uint64_t data = b.program.slot + ORACLE_DATA_PAGE + kPage + b.random.below(3 * kPage);
  if (b.paging.first) return in_tree(b.random, data, false, b.paging.first_levels);
  if (b.paging.second) return in_tree(b.random, data, true, b.paging.g_levels);
  return data;
}

std::uint64_t random_pointer(Builder& b, unsigned reg) {
  const std::uint64_t address = random_address(b);
  if (reg == kAligned) return address & ~std::uint64_t{15};
  if (b.program.aligned) return address & ~std::uint64_t{7};
  return reg == kAnywhere || b.random.one_in(4) ? address : address & ~std::uint64_t{7};
}

void point_anywhere(Builder& b) {
  for (const unsigned reg : {kSp, kPointerA, kPointerB, kAligned, kAnywhere})
    b.program.x[reg] = random_pointer(b, reg);
}

void add_protection(Builder& b) {
  Random& random = b.random;
  Program& p = b.program;
  constexpr std::uint64_t tor = 1 << 3, napot = 3 << 3;
  for (unsigned number = 1; number <= 6; ++number) {
    if (random.one_in(3)) continue;
    const bool table = random.one_in(8);
    const std::uint64_t page = table ? leaf_address(b, random.one_in(2), 0) : data_page(b);
    std::uint64_t permissions = random.below(8);
    if ((permissions & 1) == 0) permissions &= ~std::uint64_t{2};  // W without R is reserved
    if (p.hlvx) permissions |= permissions >> 2 & 1;               // for QEMU, to which X suffices
    if (table) permissions |= (permissions & 1) << 1;              // for QEMU, which writes where it may read
    // TOR from a lower page; from the entry before, whatever that is, it would reach all of RAM.
    const bool range = number >= 2 && random.one_in(4);
    const auto address = [&p](unsigned n) -> std::uint64_t& {
      return p.csrs[static_cast<unsigned>(StartCsr::pmpaddr0) + n];
    };
    std::uint64_t& configs = p[StartCsr::pmpcfg0_final];
    if (range) {
      configs &= ~(std::uint64_t{0xFF} << 8 * (number - 1));
      address(number - 1) = page >> 2;
      address(number) = (page + 4096) >> 2;
    } else {
      address(number) = page >> 2 | 0x1FF;
    }
    configs |= (permissions | (range ? tor : napot)) << 8 * number;
  }
}

}  // namespace hvsim::oracle
