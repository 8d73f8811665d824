// The port to a modelled hart: every operation is done at once and charged by the cost model.
#include "arch.h"

#include <algorithm>
#include <iterator>

#include "models/cpu/isa/csr.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;

constexpr std::uint64_t kLineBytes = 64;

// CSR by CSR in the order of the target's port; vstimecmp only where the guest may write it.
struct Place {
  unsigned number;
  std::uint64_t VsRegisters::*member;
};
constexpr Place kVsCsrs[] = {
    {csr::vsstatus, &VsRegisters::vsstatus},     {csr::vsie, &VsRegisters::vsie},
    {csr::vstvec, &VsRegisters::vstvec},         {csr::vsscratch, &VsRegisters::vsscratch},
    {csr::vsepc, &VsRegisters::vsepc},           {csr::vscause, &VsRegisters::vscause},
    {csr::vstval, &VsRegisters::vstval},         {csr::vsatp, &VsRegisters::vsatp},
    {csr::scounteren, &VsRegisters::scounteren}, {csr::senvcfg, &VsRegisters::senvcfg}};
static_assert(std::size(kVsCsrs) == kVsSavedCsrs);

bool has_timer(const VsRegisters& vs) { return (vs.henvcfg & csr::kStce) != 0; }

constexpr std::uint64_t lines(Hpa at, std::uint64_t bytes) {
  return (at.value % kLineBytes + bytes + kLineBytes - 1) / kLineBytes;
}

}  // namespace

WorkTable::WorkTable(const CostModel& costs, const ImageMap& image) {
  for (std::size_t i = 0; i < kWorks; ++i) {
    WorkKind& one = each_[i];
    one.why = static_cast<Work>(i);
    one.takes.cycles = costs.cycles(one.why);
    if (!costs.own_lines || !image.known()) continue;
    one.takes.code = image.code(i);
    one.takes.lines = static_cast<unsigned>(code_lines(i));
    one.takes.cycles_per_cold_line = costs.cycles(Work::cold_line);
  }
}

std::uint64_t Arch::read_word(Hpa at) {
  std::uint64_t value = 0;
  hart_.read(at, &value, sizeof value);
  touch(at, sizeof value, false);
  charge_word(at);
  return value;
}

void Arch::write_word(Hpa at, std::uint64_t value) {
  hart_.write(at, &value, sizeof value);
  touch(at, sizeof value, true);
  charge_word(at);
}

void Arch::charge_word(Hpa at) {
  charge(at == last_word_ + sizeof(std::uint64_t) ? Work::next_word : Work::word_access, 1);
  last_word_ = at;
}

void Arch::or_word(Hpa at, std::uint64_t bits) { write_word(at, read_word(at) | bits); }

void Arch::copy_in(void* to, Hpa from, std::size_t bytes) {
  hart_.read(from, to, bytes);
  touch(from, bytes, false);
  charge(Work::copy_line, lines(from, bytes));
}

void Arch::copy_out(Hpa to, const void* from, std::size_t bytes) {
  hart_.write(to, from, bytes);
  touch(to, bytes, true);
  charge(Work::copy_line, lines(to, bytes));
}

void Arch::zero(Hpa at, std::uint64_t bytes) {
  hart_.zero(at, bytes);
  touch(at, bytes, true);
  charge(Work::zero_line, lines(at, bytes));
}

void Arch::fence(const GuestFence& fence) {
  const std::uint64_t others = fence.harts & ~(std::uint64_t{1} << hart());
  charge(Work::fence, 1);
  if (others != 0) charge(Work::ipi, 1);  // one firmware call reaches all of them
  hart_.fence(fence);
  if (others != 0) charge(Work::ipi_return, 1);
}

void Arch::send_ipi(unsigned hart) {
  charge(Work::ipi, 1);
  hart_.send_ipi(hart);
  charge(Work::ipi_return, 1);
}

void Arch::save(Vcpu& vcpu, RegisterGroup group) {
  if (group == RegisterGroup::fp) {
    std::copy_n(hart_.f().begin(), 32, vcpu.fp.f);
    vcpu.fp.fcsr = hart_.csr(csr::fcsr);
    uses(&vcpu.fp, sizeof vcpu.fp, true);
    charge(Work::fp_register, 33);
    return;
  }
  for (const Place& place : kVsCsrs) vcpu.vs.*place.member = hart_.csr(place.number);
  if (has_timer(vcpu.vs)) vcpu.vs.vstimecmp = hart_.csr(csr::vstimecmp);
  uses(&vcpu.vs, sizeof vcpu.vs, true);
  charge(Work::csr, kVsSavedCsrs + (has_timer(vcpu.vs) ? 1 : 0));
}

void Arch::restore(Vcpu& vcpu, RegisterGroup group) {
  if (group == RegisterGroup::fp) {
    hart_.write_csr(csr::sstatus, hart_.csr(csr::sstatus) | (std::uint64_t{1} << csr::kFsShift));
    std::copy_n(vcpu.fp.f, 32, hart_.f().begin());
    hart_.write_csr(csr::fcsr, vcpu.fp.fcsr);
    uses(&vcpu.fp, sizeof vcpu.fp, false);
    charge(Work::fp_register, 33);
    return;
  }
  hart_.write_csr(csr::hgatp, vcpu.vs.hgatp);
  hart_.write_csr(csr::henvcfg, vcpu.vs.henvcfg);
  for (const Place& place : kVsCsrs) hart_.write_csr(place.number, vcpu.vs.*place.member);
  if (has_timer(vcpu.vs)) hart_.write_csr(csr::vstimecmp, vcpu.vs.vstimecmp);
  uses(&vcpu.vs, sizeof vcpu.vs, false);
  charge(Work::csr, kVsLoadedCsrs + (has_timer(vcpu.vs) ? 1 : 0));
}

void Arch::lock(Lock& lock) {
  charge(Work::lock_wait, lock.left(hart_.cycles()));
  lock.taken_at = hart_.cycles();
  uses(&lock, sizeof(std::uint32_t), true);  // another hart's line, if that had it last
  charge(Work::lock, 1);
}

void Arch::console(std::string_view text) {
  charge(Work::console_byte, text.size());
  hart_.console(text);
}

}  // namespace hv
