// What random page tables are exercised with: pointers, permissions, fetches, and changes with their fences.
#include "models/cpu/isa/csr.h"
#include "tests/isa/generate.h"
#include "tests/isa/paging.h"

namespace hvsim::oracle {
namespace {

namespace csr = isa::csr;
using cpu::Id;

constexpr unsigned kSet = 2, kClear = 3, kStoreDouble = 3, kStoreOpcode = 0x23;

// The fence with a register for its address and one for its address space, or neither.
void put_fence(Builder& b, std::uint32_t fence, std::uint64_t address, std::uint64_t space) {
  if (b.random.one_in(2)) {
    b.li(kT0, address);
    fence = Builder::with_rs1(fence, kT0);
  }
  if (b.random.one_in(2)) {
    b.li(kT1, space);
    fence = Builder::with_rs2(fence, kT1);
  }
  b.emit(fence);
}

}  // namespace

void put_pointer(Builder& b) {
  if (!b.reserve(40)) return;
  const unsigned reg = b.random.of({kSp, kPointerA, kPointerB, kAligned, kAnywhere});
  b.li(reg, random_pointer(b, reg));
}

void put_permission(Builder& b) {
  if (!b.reserve(24)) return;
  const Paging& paging = b.paging;
  const bool hypervisor = !paging.virtualized && paging.through_guest;
  unsigned number = csr::sstatus;
  if (hypervisor)
    number = paging.permissions == 0 ? csr::hstatus : b.random.of({number, csr::vsstatus, csr::hstatus});
  b.li(kT0, b.random.next() & (number == csr::hstatus ? csr::kSpvp : paging.permissions));
  b.csr(b.random.of({kSet, kClear}), 0, number, kT0);
  if (hypervisor) b.emit(as::hfence_vvma);  // for QEMU
}

// The jump ends its bundle: wherever it goes, the program resumes at the next one.
void put_fetch(Builder& b) {
  if (!b.paging.fetches || b.paging.fetched.empty() || !b.reserve(24)) return;
  const std::uint64_t page = b.random.of(b.paging.fetched);
  b.li(kT0, page + (b.random.one_in(4) ? 0x104 + b.random.below(0xEFC) : b.random.below(64) * 4));
  b.emit(as::jalr(kT1, kT0, 0));
  b.next_bundle();
}

// A new leaf in place of one that may be in use, the fence that this needs, and a pointer at its page.
void put_table_change(Builder& b) {
  if (!b.reserve(kBundleBytes - 8)) return;
  const Paging& paging = b.paging;
  const bool second = paging.second && !paging.virtualized && (!paging.first || b.random.one_in(2));
  if (!second && !paging.first) return;
  const unsigned page = b.random.between(kFirstChanged, kLastChanged);
  b.li(kT0, leaf_address(b, second, page));
  b.li(kT1, changed_leaf(b, second));
  b.emit(as::s_type(kStoreOpcode, kStoreDouble, kT0, kT1, 0));
  const std::uint64_t address = std::uint64_t{page} << 12;
  if (second) return put_fence(b, as::hfence_gvma, address >> 2, vmid(b.program));
  const bool other = paging.through_guest && !paging.virtualized;
  put_fence(b, other ? as::hfence_vvma : as::sfence_vma, address, asid(b.program));
}

}  // namespace hvsim::oracle
