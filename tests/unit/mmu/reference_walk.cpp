// The translation processes of the chapters "Sv32" (to which Sv39 and up refer), "Svnapot", "Svpbmt", "Svadu"
// and, of the hypervisor extension, "Two-Stage Address Translation".
#include "tests/unit/mmu/reference_walk.h"

#include <algorithm>

namespace hvsim::reference {
namespace {

std::uint64_t field(std::uint64_t word, unsigned high, unsigned low) {
  return word << (63 - high) >> (63 - high) >> low;
}

struct Pte {
  explicit Pte(std::uint64_t word)
      : v(field(word, 0, 0)),
        r(field(word, 1, 1)),
        w(field(word, 2, 2)),
        x(field(word, 3, 3)),
        u(field(word, 4, 4)),
        g(field(word, 5, 5)),
        a(field(word, 6, 6)),
        d(field(word, 7, 7)),
        ppn(field(word, 53, 10)),
        reserved(field(word, 60, 54)),
        pbmt(field(word, 62, 61)),
        n(field(word, 63, 63)) {}
  bool pointer() const { return !r && !w && !x; }

  std::uint64_t v, r, w, x, u, g, a, d, ppn, reserved, pbmt, n;
};

// Step 3, with what Svnapot and Svpbmt add to it.
bool reserved_or_invalid(const Pte& pte, unsigned i, bool svnapot, bool pbmte) {
  if (pte.v == 0) return true;
  if (pte.r == 0 && pte.w == 1) return true;
  if (pte.reserved != 0) return true;
  if (pte.pointer()) return pte.a || pte.d || pte.u || pte.n || pte.pbmt != 0;
  switch (pte.pbmt) {
    case 0:
      break;
    case 1:
    case 2:
      if (!pbmte) return true;
      break;
    default:
      return true;
  }
  if (pte.n == 0) return false;
  return !svnapot || i > 0 || pte.ppn % 16 != 8;
}

bool misaligned(const Pte& pte, unsigned i) { return i > 0 && pte.ppn % (std::uint64_t{1} << 9 * i) != 0; }

// pa: the parts of ppn from i up come from the PTE, those below from the address; for NAPOT the low four bits
// too.
std::uint64_t combine(const Pte& pte, unsigned i, std::uint64_t address, std::uint64_t& bytes) {
  bytes = 4096;
  for (unsigned k = 0; k < i; ++k) bytes *= 512;
  if (pte.n) bytes *= 16;
  const std::uint64_t start = pte.ppn * 4096;
  return start - start % bytes + address % bytes;
}

bool readable(const Pte& pte, Wants wants, bool mxr) {
  if (wants == Wants::write) return pte.w;
  if (wants == Wants::read) return pte.r || (mxr && pte.x);
  return pte.x;  // fetches; HLVX has execute take the place of read
}

bool needs_update(const Pte& pte, Wants wants) { return !pte.a || (wants == Wants::write && !pte.d); }

std::uint64_t updated(std::uint64_t word, Wants wants) {
  return word | 0x40 | (wants == Wants::write ? 0x80 : 0);
}

unsigned levels(unsigned mode) { return mode - 5; }
unsigned width(unsigned mode) { return 12 + 9 * levels(mode); }

}  // namespace

void Walk::page_fault(unsigned step) {
  outcome_.step = step;
  throw Stop{};
}

void Walk::guest_page_fault(unsigned step, std::uint64_t gpa, Wants wants, bool explicit_access) {
  outcome_.guest_page_fault = true;
  outcome_.faulting_guest_physical = gpa;
  outcome_.implicit = !explicit_access;
  outcome_.implicit_write = !explicit_access && wants == Wants::write;
  page_fault(step);
}

void Walk::access_fault(unsigned step) {
  outcome_.access_fault = true;
  page_fault(step);
}

std::uint64_t Walk::load(std::uint64_t address, std::uint64_t guest_physical, bool g_stage, unsigned level) {
  if (!protection_(address, false)) access_fault(2);
  const auto word = memory_(address, g_stage, level);
  if (!word) access_fault(2);
  std::uint64_t value = *word;
  for (const auto& [where, what] : written_)
    if (where == address) value = what;
  if (!repeating_) accesses_.push_back({address, guest_physical, value, g_stage, level, false});
  return value;
}

void Walk::store(std::uint64_t address, std::uint64_t guest_physical, std::uint64_t value, bool g_stage,
                 unsigned level) {
  if (!protection_(address, true)) access_fault(9);
  written_.emplace_back(address, value);
  accesses_.push_back({address, guest_physical, value, g_stage, level, true});
}

Walk::Place Walk::first_stage(std::uint64_t table, unsigned i, std::uint64_t va, Wants wants) {
  const std::uint64_t pte_address = table + 8 * (va >> (12 + 9 * i) & 511);
  const std::uint64_t own = c_.guest ? pte_address : 0;
  const std::uint64_t where = c_.guest ? g_stage(pte_address, Wants::read, false).address : pte_address;
  const std::uint64_t word = load(where, own, false, i);
  const Pte pte(word);
  if (reserved_or_invalid(pte, i, c_.svnapot, c_.pbmte_first)) page_fault(3);
  outcome_.global |= pte.g != 0;
  if (pte.pointer()) {
    if (i == 0) page_fault(4);
    return first_stage(pte.ppn * 4096, i - 1, va, wants);
  }
  if (misaligned(pte, i)) page_fault(5);
  if (c_.user && !pte.u) page_fault(6);
  if (!c_.user && pte.u && (wants == Wants::fetch || !c_.sum)) page_fault(6);
  if (!readable(pte, wants, c_.mxr || (c_.guest && c_.mxr_of_guest))) page_fault(8);
  outcome_.first_leaf_address = where;
  if (needs_update(pte, wants)) {
    if (!c_.adue_first) page_fault(9);
    if (c_.guest) {
      repeating_ = true;
      g_stage(pte_address, Wants::write, false);
      repeating_ = false;
    }
    store(where, own, updated(word, wants), false, i);
  }
  Place place{};
  place.address = combine(pte, i, va, place.page_bytes);
  return place;
}

// "Guest Physical Address Translation": all accesses are as though in U-mode.
Walk::Place Walk::g_stage(std::uint64_t gpa, Wants wants, bool explicit_access) {
  if (c_.g_mode == 0) return {gpa, ~std::uint64_t{0}};
  const unsigned bits = width(c_.g_mode) + 2;
  if (gpa >> bits != 0) guest_page_fault(0, gpa, wants, explicit_access);
  return g_stage_below(c_.g_ppn * 4096, levels(c_.g_mode) - 1, gpa, wants, explicit_access);
}

Walk::Place Walk::g_stage_below(std::uint64_t table, unsigned i, std::uint64_t gpa, Wants wants,
                                bool explicit_access) {
  const bool root = i == levels(c_.g_mode) - 1;
  const std::uint64_t where = table + 8 * (gpa >> (12 + 9 * i) & (root ? 2047 : 511));
  const std::uint64_t word = load(where, 0, true, i);
  const Pte pte(word);
  const auto fault = [&](unsigned step) { guest_page_fault(step, gpa, wants, explicit_access); };
  if (reserved_or_invalid(pte, i, c_.svnapot, c_.pbmte_g)) fault(3);
  if (pte.pointer()) {
    if (i == 0) fault(4);
    return g_stage_below(pte.ppn * 4096, i - 1, gpa, wants, explicit_access);
  }
  if (misaligned(pte, i)) fault(5);
  if (!pte.u) fault(6);
  if (!readable(pte, wants, c_.mxr && explicit_access)) fault(8);
  if (explicit_access) outcome_.g_leaf_address = where;
  if (needs_update(pte, wants)) {
    if (!c_.adue_g) fault(9);
    store(where, 0, updated(word, wants), true, i);
  }
  Place place{};
  place.address = combine(pte, i, gpa, place.page_bytes);
  return place;
}

Outcome Walk::translate(std::uint64_t address, Wants wants) {
  outcome_ = {};
  try {
    Place first{address, ~std::uint64_t{0}};
    if (c_.first_mode != 0) {
      const unsigned top = width(c_.first_mode) - 1;
      const std::uint64_t upper = address >> top;
      if (upper != 0 && upper != ~std::uint64_t{0} >> top) page_fault(0);
      first = first_stage(c_.first_ppn * 4096, levels(c_.first_mode) - 1, address, wants);
    }
    outcome_.guest_physical = first.address;
    const Place final = c_.guest ? g_stage(first.address, wants, true) : first;
    outcome_.physical = final.address;
    outcome_.page_bytes = std::min(first.page_bytes, final.page_bytes);
    if (outcome_.page_bytes == ~std::uint64_t{0}) outcome_.page_bytes = 4096;
  } catch (const Stop&) {
  }
  return outcome_;
}

}  // namespace hvsim::reference
