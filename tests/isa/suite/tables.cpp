#include "tests/isa/suite/tables.h"

namespace suite {
namespace {

uint64_t address_of(const uint64_t* table) { return reinterpret_cast<uint64_t>(table); }
uint64_t atp(const uint64_t* root) { return csr::kModeSv39 << csr::kAtpModeShift | address_of(root) >> 12; }

}  // namespace

alignas(16384) constinit Tables tables{};

void map_all() {
  Tables& t = tables;
  for (uint64_t& each : t.g_root) each = 0;
  for (uint64_t i = 0; i < 512; ++i) {
    t.root[i] = t.middle[i] = t.g_middle[i] = 0;
    map_guest(i, kLeaf | kRwx);
    map_g(i, kLeaf | kRwx | pte::u);
  }
  t.root[2] = entry(0x8000'0000, kLeaf | kRwx);
  t.root[kPages >> 30] = entry(address_of(t.middle), pte::v);
  t.middle[0] = entry(address_of(t.last), pte::v);
  t.g_root[2] = entry(0x8000'0000, kLeaf | kRwx | pte::u);
  t.g_root[kPages >> 30] = t.g_root[2047] = entry(address_of(t.g_middle), pte::v);
  t.g_middle[0] = t.g_middle[511] = entry(address_of(t.g_last), pte::v);
}

void use_g_stage() {
  put<csr::hgatp>(atp(tables.g_root));
  hfence_gvma();
}
void use_guest_stage() {
  put<csr::vsatp>(atp(tables.root));
  hfence_vvma();
}

}  // namespace suite
