// Programs of random page tables and accesses: everything but translation and protection is as it should be.
#include "models/cpu/isa/csr.h"
#include "tests/isa/generate.h"
#include "tests/isa/kinds.h"
#include "tests/isa/paging.h"

namespace hvsim::oracle {
namespace {

namespace csr = isa::csr;

constexpr std::uint64_t kUser = 0, kSupervisor = 1, kMachine = 3;

// SUM and MXR of both levels, and what of them may change. Each restriction is a weakness of the witness
// (known_differences.h).
void choose_permissions(Builder& b) {
  Paging& paging = b.paging;
  Program& p = b.program;
  std::uint64_t own = some_of(b.random, csr::kSum | csr::kMxr),
                guest = some_of(b.random, csr::kSum | csr::kMxr);
  paging.permissions = csr::kSum | csr::kMxr;
  if (!p.witness->right_about_status()) {
    paging.fetches = paging.mode != kSupervisor || b.random.one_in(2);
    if (paging.through_guest) {
      paging.permissions = paging.virtualized ? csr::kSum : 0;
      guest = (own & csr::kMxr) | (guest & csr::kSum);
      if (!paging.virtualized) guest |= csr::kSum;
    }
    if (paging.fetches && paging.mode == kSupervisor) {
      paging.permissions &= ~csr::kSum;
      (paging.virtualized ? guest : own) &= ~csr::kSum;
    }
  }
  if (p.hlvx) {
    guest &= ~csr::kSum;
    paging.permissions &= ~csr::kSum;
  }
  p.start_status |= own;
  p[StartCsr::vsstatus] = csr::kFs | guest;
}

// What may be a page fault to us and an access fault to QEMU, or the other way about, goes to one place.
void choose_delegation(Builder& b) {
  Program& p = b.program;
  p.amos = b.random.one_in(2);
  p.cache_blocks = p.witness->has_cache_blocks() && p.amos && b.random.one_in(2);
  p.hlvx = p.witness->right_about_hlvx() && p.amos;
  std::uint64_t& medeleg = p[StartCsr::medeleg];
  constexpr std::uint64_t page_faults = 1u << 12 | 1u << 13 | 1u << 15;
  if (b.random.one_in(2)) medeleg = paired_medeleg(some_of(b.random, kMedeleg));
  if (b.random.one_in(2)) p[StartCsr::hedeleg] = some_of(b.random, kHedeleg);
  if (!p.amos) return;
  medeleg = (medeleg & ~page_faults) | ((medeleg & 2) != 0 ? page_faults : 0);
  p[StartCsr::hedeleg] &= ~page_faults;
}

// Who updates A and D, whether there are memory types, and which cache-block instructions there are: all of
// it mostly.
void choose_environment(Builder& b) {
  Program& p = b.program;
  if (!p.witness->has_memory_extensions()) return;
  constexpr std::uint64_t all = csr::kAdue | csr::kPbmte | csr::kCbie | csr::kCbcfe | csr::kCbze;
  const auto mostly = [&b] { return b.random.one_in(3) ? legal_environment(some_of(b.random, all)) : all; };
  p[StartCsr::menvcfg] = mostly();
  p[StartCsr::henvcfg] = b.paging.virtualized ? mostly() : p[StartCsr::menvcfg];
  p[StartCsr::senvcfg] = mostly() & ~(csr::kAdue | csr::kPbmte);
}

void start(Builder& b) {
  Program& p = b.program;
  Random& random = b.random;
  const Paging& paging = b.paging;
  p.most_bundles = ORACLE_MAX_BUNDLES;
  p.faults_anywhere = true;
  add_page_tables(b);
  p[StartCsr::satp] = paging.through_guest ? hs_root(p) : first_stage_root(p, paging);
  if (paging.through_guest) p[StartCsr::vsatp] = first_stage_root(p, paging);
  p[StartCsr::hgatp] = g_stage_root(p, paging);
  p.start_status = paging.mode << csr::kMppShift | (paging.virtualized ? csr::kMpv : 0) | csr::kFs;
  choose_delegation(b);
  choose_permissions(b);
  choose_environment(b);
  p[StartCsr::hstatus] = some_of(random, csr::kSpvp | csr::kHu);
  // User mode cannot run where supervisors do.
  const bool translated = paging.virtualized ? paging.first : p[StartCsr::satp] != 0;
  if (paging.mode == kUser && translated) {
    p.code_address = paging.through_guest && !paging.virtualized ? hs_user_code(p) : kUserCode;
    p[StartCsr::mepc] = p.code_address;
  }
  b.pinned = kPinned;
  point_anywhere(b);
}

void choose_mode(Builder& b) { b.paging.mode = b.random.of({kUser, kSupervisor, kSupervisor, kMachine}); }

}  // namespace

void paging(Builder& b) {
  add_data(b);
  b.program.guests = false;
  b.paging.first = true;
  b.paging.first_levels = b.random.between(3, 5);
  choose_mode(b);
  b.program.aligned = b.random.one_in(4);
  start(b);
  if (b.program.aligned) add_protection(b);
  switch (b.paging.mode) {
    case kMachine:  // to which the pointers mean nothing
      return fill(b, {{put_protected, 20}, {put_pointer, 5}, {put_table_change, 2}});
    case kUser:
      return fill(b, {{put_memory, 12},
                      {put_atomic, 3},
                      {put_cache_block, 1},
                      {put_fetch, 4},
                      {put_pointer, 8},
                      {put_integer, 1}});
    default:
      return fill(b, {{put_memory, 12},
                      {put_atomic, 3},
                      {put_cache_block, 1},
                      {put_fetch, 4},
                      {put_pointer, 8},
                      {put_table_change, 2},
                      {put_permission, 2},
                      {put_integer, 1}});
  }
}

void guest_paging(Builder& b) {
  add_data(b);
  Paging& paging = b.paging;
  Random& random = b.random;
  paging.through_guest = true;
  paging.first = !random.one_in(4);
  paging.second = !random.one_in(8);
  paging.first_levels = random.between(3, 5);
  paging.g_levels = random.between(3, 5);
  choose_mode(b);
  paging.virtualized = paging.mode != kMachine && random.one_in(2);
  b.program.aligned = random.one_in(4);
  start(b);
  if (b.program.aligned) add_protection(b);
  if (!paging.virtualized)
    return fill(b, {{put_guest_memory, 20},
                    {put_protected, paging.mode == kMachine ? 10u : 0u},
                    {put_pointer, 10},
                    {put_table_change, paging.mode == kUser ? 0u : 3u},
                    {put_permission, paging.mode == kUser ? 0u : 3u},
                    {put_integer, 1}});
  fill(b, {{put_memory, 12},
           {put_atomic, 3},
           {put_cache_block, 1},
           {put_fetch, 4},
           {put_pointer, 8},
           {put_table_change, paging.mode == kUser ? 0u : 2u},
           {put_permission, paging.mode == kUser ? 0u : 2u},
           {put_guest_memory, 1},
           {put_integer, 1}});
}

void protection(Builder& b) {
  add_data(b);
  b.program.guests = false;
  b.program.aligned = true;
  choose_mode(b);
  start(b);
  add_protection(b);
  fill(b, {{put_memory, 20}, {put_atomic, 4}, {put_protected, 3}, {put_integer, 3}});
}

}  // namespace hvsim::oracle
