// Loads and stores in the guest's or another mode's address space.
#include <vector>

#include "models/cpu/isa/csr.h"
#include "tests/isa/generate.h"

namespace hvsim::oracle {
namespace {

using cpu::Class;
using cpu::Id;

std::vector<Id> ids_of(Class klass) {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < cpu::kInstructionCount; ++i)
    if (cpu::kInstructions[i].klass == klass) ids.push_back(static_cast<Id>(i));
  return ids;
}

}  // namespace

void put_guest_memory(Builder& b) {
  static const std::vector<Id> loads = ids_of(Class::guest_load), stores = ids_of(Class::guest_store);
  const unsigned base = b.random.of({kSp, kPointerA, kPointerB, kAligned, kAnywhere});
  const Id id = b.random.of(b.random.one_in(3) ? stores : loads);
  const bool executes = id == Id::hlvx_hu || id == Id::hlvx_wu;
  if (executes && !b.program.hlvx) return;
  b.emit(Builder::with_rs1(b.random_encoding(id), base));
}

// M-mode with MPRV for one access. Everywhere else the first instruction is illegal.
void put_protected(Builder& b) {
  namespace csr = isa::csr;
  if (!b.reserve(kBundleBytes - 8)) return;
  b.li(kT0, csr::kMpp | csr::kMpv | csr::kMprv);
  b.csr(3, 0, csr::mstatus, kT0);
  const std::uint64_t mode = b.random.of({std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1}});
  const std::uint64_t virtualized = b.program.guests ? csr::kMpv : 0;
  b.li(kT1, mode << csr::kMppShift | virtualized | csr::kMprv);
  b.csr(2, 0, csr::mstatus, kT1);
  b.pinned |= 1u << kT0;
  put_memory(b);
  b.pinned &= ~(1u << kT0);
  b.csr(3, 0, csr::mstatus, kT0);
}

}  // namespace hvsim::oracle
