// Writes to pmpcfg and pmpaddr (section "Physical Memory Protection CSRs"), with their locks.
#include "models/cpu/csr_pmp.h"

#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {
namespace {

constexpr std::uint8_t kR = 1, kW = 2, kA = 3u << 3, kTor = 1u << 3, kL = 1u << 7;
constexpr std::uint8_t kReservedBits = 3u << 5;
constexpr std::uint64_t kAddressBits = (std::uint64_t{1} << 54) - 1;  // bits 55:2 of a physical address

bool locked(const HartState& hart, unsigned entry) { return (hart.csr.pmpcfg[entry] & kL) != 0; }

// A locked TOR entry also locks the address register below it, its lower bound.
bool address_locked(const HartState& hart, unsigned entry) {
  if (locked(hart, entry)) return true;
  const unsigned next = entry + 1;
  return next < hart.isa_config.pmp_entries && locked(hart, next) && (hart.csr.pmpcfg[next] & kA) == kTor;
}

// R=0 with W=1 is reserved: W is dropped then.
std::uint8_t legal(std::uint8_t config) {
  config = static_cast<std::uint8_t>(config & ~kReservedBits);
  return (config & kR) != 0 ? config : static_cast<std::uint8_t>(config & ~kW);
}

void write_config(HartState& hart, unsigned first, std::uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) {
    const unsigned entry = first + i;
    if (entry < hart.isa_config.pmp_entries && !locked(hart, entry))
      hart.csr.pmpcfg[entry] = legal(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

}  // namespace

bool write_pmp(HartState& hart, unsigned number, std::uint64_t value) {
  namespace csr = isa::csr;
  if (number == csr::pmpcfg0 || number == csr::pmpcfg0 + 2) {
    write_config(hart, (number - csr::pmpcfg0) * 4, value);
    return true;
  }
  const unsigned entry = number - csr::pmpaddr0;
  if (entry >= hart.isa_config.pmp_entries) return false;
  if (!address_locked(hart, entry)) hart.csr.pmpaddr[entry] = value & kAddressBits;
  return true;
}

}  // namespace hvsim::cpu
