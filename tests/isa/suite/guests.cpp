// Two stages of translation as riscv-hyp-tests and the hypervisor tests of riscv-tests go through them: from
// within, by HLV and its kin, by MPRV; fences; what traps say.
#include "tests/isa/suite/tables.h"

namespace suite {
namespace {

constexpr uint64_t kLoadPage = 13, kStorePage = 15, kFetchGuest = 20, kLoadGuest = 21, kStoreGuest = 23;
constexpr uint64_t kA = 1, kB = 2, kUnmapped = 3, kInvalid = 4, kReadOnly = 5;  // test pages
constexpr uint64_t bit(uint64_t cause) { return uint64_t{1} << cause; }

uint64_t load_in_guest(uint64_t address) { return load(address); }
uint64_t jump_in_guest(uint64_t address) {
  jump(address);
  return 0;
}
uint64_t fence_in_guest(uint64_t) {
  sfence();
  return 0;
}

void prepare() {
  reset();
  map_all();
  store(frame(kA), 0x11);
  store(frame(kB), 0x22);
  map_g(kUnmapped, 0);
  map_guest(kInvalid, 0);
  map_g(kInvalid, 0);
  map_g(kReadOnly, kLeaf | pte::r | pte::u);
  put<csr::hstatus>(csr::kSpvp);
}

uint64_t machine_load(uint64_t address, Mode as) {
  uint64_t value = 0;
  clear<csr::mstatus>(csr::kMpp);
  set<csr::mstatus>((as & 3) << csr::kMppShift | csr::kMpv);
  asm volatile("csrs mstatus, %2\n ld %0, 0(%1)\n csrc mstatus, %2"
               : "+r"(value)
               : "r"(address), "r"(csr::kMprv)
               : "memory");
  clear<csr::mstatus>(csr::kMpv);
  return value;
}

}  // namespace

void two_stages() {
  prepare();
  use_g_stage();
  check("G-stage alone", run_in(kVs, load_in_guest, page(kA)), 0x11);
  swap(tables.g_last[kA], tables.g_last[kB]);
  hfence_gvma();
  check("G-stage alone, changed", run_in(kVs, load_in_guest, page(kA)), 0x22);
  check("the last page that Sv39x4 reaches", run_in(kVs, load_in_guest, kLastPages + kB * kPageBytes), 0x11);
  check_no_trap("G-stage alone");
  put<csr::medeleg>(bit(kLoadPage) | bit(kLoadGuest));
  run_in(kVs, load_in_guest, page(kUnmapped));
  check_trap("an unmapped page at the G-stage", kLoadGuest, kHs);
  check("its guest physical address", seen.value2, page(kUnmapped) >> 2);
  check("hstatus.GVA and SPV", seen.status & (csr::kHGva | csr::kSpv), csr::kHGva | csr::kSpv);
  forget();
  run_in(kVs, load_in_guest, kLastPages | uint64_t{1} << 41);
  check_trap("a guest physical address beyond Sv39x4", kLoadGuest, kHs);

  prepare();
  use_g_stage();
  use_guest_stage();
  check("two stages", run_in(kVs, load_in_guest, page(kA)), 0x11);
  swap(tables.g_last[kA], tables.g_last[kB]);
  hfence_gvma();
  check("two stages, the second changed", run_in(kVs, load_in_guest, page(kA)), 0x22);
  swap(tables.last[kA], tables.last[kB]);
  run_in(kVs, fence_in_guest, 0);
  check("two stages, both changed", run_in(kVs, load_in_guest, page(kA)), 0x11);
  check_no_trap("two stages");
  put<csr::medeleg>(bit(kLoadPage) | bit(kLoadGuest));
  put<csr::hedeleg>(bit(kLoadPage));
  run_in(kVs, jump_in_guest, page(kUnmapped));
  check_trap("a fetch from an unmapped page at the G-stage", kFetchGuest);
  check("the fetch's guest physical address", seen.value2, page(kUnmapped) >> 2);
  check("mstatus.GVA and MPV", seen.status & (csr::kGva | csr::kMpv), csr::kGva | csr::kMpv);
  forget();
  run_in(kVs, load_in_guest, page(kInvalid));
  check_trap("invalid at both stages: the guest's own fault", kLoadPage, kVs);

  forget();
  check("MPRV as VS-mode", machine_load(page(kB), kVs), 0x22);
  map_guest(kA, kLeaf | kRwx | pte::u);
  hfence_vvma();
  check("MPRV as VU-mode", machine_load(page(kA), kVu), 0x22);
  check_no_trap("MPRV");
  machine_load(page(kA), kVs);
  check("MPRV as VS-mode from a user page", seen.count, 1);
  forget();
  set<csr::vsstatus>(csr::kSum);
  machine_load(page(kA), kVs);
  check_no_trap("MPRV as VS-mode from a user page with vsstatus.SUM");

  forget();
  hsv(page(kReadOnly) + 8, 1);
  check_trap("hsv to what the G-stage lets read", kStoreGuest);
  check("its guest physical address", seen.value2, (page(kReadOnly) + 8) >> 2);
  forget();
  map_guest(kReadOnly, kLeaf | pte::r);
  hfence_vvma();
  hsv(page(kReadOnly), 1);
  check_trap("hsv to what both stages let read", kStorePage);
}

// Every combination of R, W, X and U of both stages, by HLV, HLVX and HSV as VS- and VU-mode.
void permissions() {
  constexpr uint64_t kinds[] = {pte::r, pte::r | pte::w, pte::x, pte::r | pte::x, kRwx};
  for (const uint64_t user : {uint64_t{0}, uint64_t{pte::u}})
    for (const uint64_t first : kinds)
      for (const uint64_t g_user : {uint64_t{0}, uint64_t{pte::u}})
        for (const uint64_t second : kinds)
          for (unsigned state = 0; state < 16; ++state) {
            const bool spvp = (state & 1) != 0, sum = (state & 2) != 0, guest_mxr = (state & 4) != 0,
                       mxr = (state & 8) != 0;
            prepare();
            map_guest(kA, kLeaf | first | user);
            map_g(kA, kLeaf | second | g_user);
            use_g_stage();
            use_guest_stage();
            put<csr::hstatus>(spvp ? csr::kSpvp : 0);
            put<csr::vsstatus>((sum ? csr::kSum : 0) | (guest_mxr ? csr::kMxr : 0));
            put<csr::mstatus>(csr::kMpp | (mxr ? csr::kMxr : 0));
            const bool may_enter = spvp ? user == 0 || sum : user != 0;
            const auto expected = [&](bool first_allows, bool second_allows, uint64_t page_fault,
                                      uint64_t guest_fault) -> uint64_t {
              if (!may_enter || !first_allows) return page_fault;
              return g_user == 0 || !second_allows ? guest_fault : ~uint64_t{0};
            };
            forget();
            hlv(page(kA));
            check("hlv by permissions", seen.cause,
                  expected((first & pte::r) != 0 || ((guest_mxr || mxr) && (first & pte::x) != 0),
                           (second & pte::r) != 0 || (mxr && (second & pte::x) != 0), kLoadPage, kLoadGuest));
            forget();
            hlvx(page(kA));
            check("hlvx by permissions", seen.cause,
                  expected((first & pte::x) != 0, (second & pte::x) != 0, kLoadPage, kLoadGuest));
            forget();
            hsv(page(kA), 0);
            check("hsv by permissions", seen.cause,
                  expected((first & pte::w) != 0, (second & pte::w) != 0, kStorePage, kStoreGuest));
          }
}

// What TLBs may keep they keep here, and what a fence names goes.
void fences() {
  prepare();
  use_g_stage();
  use_guest_stage();
  check("hlv", hlv(page(kA)), 0x11);
  swap(tables.g_last[kA], tables.g_last[kB]);
  check("stale: no fence yet", hlv(page(kA)), 0x11);
  hfence_vvma();
  check("walked again after hfence.vvma", hlv(page(kA)), 0x22);
  swap(tables.g_last[kA], tables.g_last[kB]);
  check("stale: no fence yet again", hlv(page(kA)), 0x22);
  hfence_gvma();
  check("walked again after hfence.gvma", hlv(page(kA)), 0x11);
  swap(tables.g_last[kA], tables.g_last[kB]);
  sfence();
  check("stale: HS-mode's sfence.vma leaves a guest's translations", hlv(page(kA)), 0x11);

  prepare();
  put<csr::satp>(csr::kModeSv39 << csr::kAtpModeShift | reinterpret_cast<uint64_t>(tables.root) >> 12);
  for (const uint64_t number : {kA, kB}) tables.last[number] = entry(frame(number), kLeaf | kRwx);
  sfence();
  check("HS-mode's own stage", run_in(kHs, load_in_guest, page(kA)), 0x11);
  swap(tables.last[kA], tables.last[kB]);
  run_in(kVs, fence_in_guest, 0);
  check("stale: VS-mode's sfence.vma leaves HS-mode's translations", run_in(kHs, load_in_guest, page(kA)),
        0x11);
  sfence();
  check("HS-mode's own stage, changed", run_in(kHs, load_in_guest, page(kA)), 0x22);
}

void trap_values() {
  prepare();
  use_g_stage();
  use_guest_stage();
  // The table of the guest's last level is where the G-stage maps nothing.
  tables.middle[0] = entry(page(kUnmapped), pte::v);
  hfence_vvma();
  hlv(page(kA) + 0x10);
  check_trap("a walk into nothing", kLoadGuest);
  check("a walk into nothing: the address", seen.value, page(kA) + 0x10);
  check("a walk into nothing: the entry", seen.value2, (page(kUnmapped) + kA * 8) >> 2);
  check("a walk into nothing: the pseudoinstruction", seen.instruction, 0x3000);
  check("mstatus.GVA without MPV", seen.status & (csr::kGva | csr::kMpv), csr::kGva);

  // A store needs D in an entry that the G-stage lets nobody write.
  prepare();
  store(frame(kReadOnly) + kA * 8, entry(page(kA), pte::v | kRwx));
  tables.middle[0] = entry(page(kReadOnly), pte::v);
  use_g_stage();
  use_guest_stage();
  hsv(page(kA), 1);
  check_trap("a D bit that cannot be set", kStoreGuest);
  check("a D bit that cannot be set: the entry", seen.value2, (page(kReadOnly) + kA * 8) >> 2);
  check("a D bit that cannot be set: the pseudoinstruction", seen.instruction, 0x3020);

  // Eight bytes of which the second four lie on a page that the G-stage does not map.
  prepare();
  use_g_stage();
  use_guest_stage();
  hlv(page(kUnmapped) - 4);
  if (seen.cause == 4) return;  // misaligned accesses trap
  check_trap("a load across pages", kLoadGuest);
  check("a load across pages: the address", seen.value, page(kUnmapped));
  check("a load across pages: the guest physical address", seen.value2, page(kUnmapped) >> 2);
}

}  // namespace suite
