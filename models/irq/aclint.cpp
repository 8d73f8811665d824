// Register map of the core-local interruptor.
#include "models/irq/aclint.h"

#include <cassert>

#include "models/cpu/isa/cause.h"

namespace hvsim::irq {
namespace {

constexpr unsigned kMsipLine = static_cast<unsigned>(isa::Interrupt::machine_software);

// The part of a 64-bit register that an access of 4 or 8 bytes sees, and the register after a write to it.
std::uint64_t part(std::uint64_t whole, std::uint64_t offset, unsigned bytes) {
  return bytes == 8 ? whole : (whole >> (offset % 8 * 8)) & 0xFFFFFFFF;
}

std::uint64_t merge(std::uint64_t whole, std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (bytes == 8) return value;
  const unsigned shift = static_cast<unsigned>(offset % 8 * 8);
  const std::uint64_t mask = std::uint64_t{0xFFFFFFFF} << shift;
  return (whole & ~mask) | ((value << shift) & mask);
}

constexpr bool is_msip(std::uint64_t offset) { return offset < Aclint::kMtimecmp; }
constexpr bool is_mtime(std::uint64_t offset) { return offset >= Aclint::kMtime && offset < 0xC000; }
constexpr bool width_fits(std::uint64_t offset, unsigned bytes) {
  return bytes == 4 || (bytes == 8 && !is_msip(offset));
}
constexpr std::uint64_t msip_hart(std::uint64_t offset) { return offset / 4; }
constexpr std::uint64_t mtimecmp_hart(std::uint64_t offset) { return (offset - Aclint::kMtimecmp) / 8; }

}  // namespace

Aclint::Aclint(AclintWiring wiring) : wiring_(std::move(wiring)) {
  assert(wiring_.harts.size() <= kMaxHarts);
  // mtimecmp is not defined at reset; none pending is what firmware expects of a machine that was off.
  state_.mtimecmp.fill(~std::uint64_t{0});
}

// Registers of harts that the machine lacks read as zero and ignore writes.
bool Aclint::read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) {
  if (!width_fits(offset, bytes)) return false;
  value = 0;
  if (is_msip(offset)) {
    if (msip_hart(offset) < harts()) value = state_.msip[msip_hart(offset)];
  } else if (is_mtime(offset)) {
    value = part(wiring_.now(), offset, bytes);
  } else if (mtimecmp_hart(offset) < harts()) {
    value = part(state_.mtimecmp[mtimecmp_hart(offset)], offset, bytes);
  }
  return true;
}

bool Aclint::write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (!width_fits(offset, bytes)) return false;
  if (is_msip(offset)) {
    if (msip_hart(offset) < harts()) set_msip(static_cast<unsigned>(msip_hart(offset)), (value & 1) != 0);
  } else if (is_mtime(offset)) {
    wiring_.set_mtime(merge(wiring_.now(), offset, bytes, value));
  } else if (const std::uint64_t hart = mtimecmp_hart(offset); hart < harts()) {
    set_mtimecmp(static_cast<unsigned>(hart), merge(state_.mtimecmp[hart], offset, bytes, value));
  }
  return true;
}

void Aclint::restore(const AclintState& state) {
  for (unsigned hart = 0; hart < harts(); ++hart) {
    set_msip(hart, state.msip[hart]);
    set_mtimecmp(hart, state.mtimecmp[hart]);
  }
}

void Aclint::reset() {
  wiring_.set_mtime(0);
  AclintState fresh;
  fresh.mtimecmp.fill(~std::uint64_t{0});
  restore(fresh);
}

void Aclint::set_msip(unsigned hart, bool high) {
  state_.msip[hart] = high;
  wiring_.harts[hart]->set_level(kMsipLine, high);
}

void Aclint::set_mtimecmp(unsigned hart, std::uint64_t value) {
  state_.mtimecmp[hart] = value;
  wiring_.set_mtimecmp(hart, value);
}

}  // namespace hvsim::irq
