// Who may access which CSR: the order of checks that decides between ok, illegal and virtual instruction.
#include <array>

#include "models/cpu/csr_fields.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/csr_map.h"

namespace hvsim::cpu::csr_file {
namespace {

namespace csr = isa::csr;

bool exists(const HartState& hart, CsrKind kind, unsigned number) {
  const IsaConfig& config = hart.isa_config;
  switch (kind) {
    case CsrKind::absent:
      return false;
    case CsrKind::hypervisor:
    case CsrKind::hgatp:
    case CsrKind::henvcfg:
      return config.h;
    case CsrKind::counter:
      return number == csr::time ? config.time_csr : number < csr::hpmcounter3 || config.zihpm;
    case CsrKind::overflow:
      return config.sscofpmf;
    case CsrKind::mstateen:
    case CsrKind::sstateen:
      return config.smstateen;
    case CsrKind::hstateen:
      return config.smstateen && config.h;
    case CsrKind::stimecmp:
      return config.sstc;
    case CsrKind::vstimecmp:
      return config.sstc && config.h;
    case CsrKind::pmp_config:
      return (number - csr::pmpcfg0) * 4 < config.pmp_entries;
    case CsrKind::pmp_address:
      return number - csr::pmpaddr0 < config.pmp_entries;
    default:
      return true;
  }
}

bool is_timer_compare(CsrKind kind) { return kind == CsrKind::stimecmp || kind == CsrKind::vstimecmp; }

std::uint64_t counter_bit(unsigned number) { return std::uint64_t{1} << (number & 31); }

// Smstateen: the bit of a state-enable register that must be set for the access; 0: none.
std::uint64_t state_enable(const HartState& hart, CsrKind kind) {
  if (!hart.isa_config.smstateen) return 0;
  if (kind == CsrKind::senvcfg || kind == CsrKind::henvcfg) return csr::kStateenEnvcfg;
  return kind == CsrKind::hstateen || kind == CsrKind::sstateen ? csr::kStateenSe : 0;
}
// Which of the four such registers: envcfg is in the first.
unsigned state_enable_index(CsrKind kind, unsigned number) {
  return kind == CsrKind::hstateen || kind == CsrKind::sstateen ? number & 3 : 0;
}
bool state_enabled(const std::array<std::uint64_t, 4>& stateen, const HartState& hart, CsrKind kind,
                   unsigned number) {
  const std::uint64_t needed = state_enable(hart, kind);
  return (stateen[state_enable_index(kind, number)] & needed) == needed;
}

// Machine level lets the access through to HS-mode (TVM apart).
bool machine_allows(const HartState& hart, CsrKind kind, unsigned number) {
  if (kind == CsrKind::counter) return (hart.csr.mcounteren & counter_bit(number)) != 0;
  if (is_timer_compare(kind)) return (hart.csr.mcounteren & csr::kTm) != 0 && supervisor_timer_compares(hart);
  return state_enabled(hart.csr.mstateen, hart, kind, number);
}

CsrResult check_native(const HartState& hart, CsrKind kind, unsigned number) {
  const bool supervisor = hart.mode.privilege == isa::Privilege::supervisor;
  if (!supervisor && csr_level(number) != 0) return CsrResult::illegal_instruction;
  if (!supervisor && kind == CsrKind::counter && (hart.csr.scounteren & counter_bit(number)) == 0)
    return CsrResult::illegal_instruction;
  // TVM guards satp and hgatp, not vsatp (section "Machine Status Registers" of the H extension).
  if ((kind == CsrKind::satp || kind == CsrKind::hgatp) && (hart.csr.mstatus & csr::kTvm) != 0)
    return CsrResult::illegal_instruction;
  return CsrResult::ok;
}

// What remains would be allowed in HS-mode, so a refusal is a virtual-instruction exception (section
// "Trap Cause Codes" of the H extension).
CsrResult check_virtual(const HartState& hart, CsrKind kind, unsigned number) {
  const bool supervisor = hart.mode.privilege == isa::Privilege::supervisor;
  const unsigned level = csr_level(number);
  if (level == 2 || (level == 1 && !supervisor)) return CsrResult::virtual_instruction;
  if (kind == CsrKind::counter) {
    const std::uint64_t enabled =
        supervisor ? hart.csr.hcounteren : hart.csr.hcounteren & hart.csr.scounteren;
    if ((enabled & counter_bit(number)) == 0) return CsrResult::virtual_instruction;
  }
  if (kind == CsrKind::stimecmp && ((hart.csr.hcounteren & csr::kTm) == 0 || !virtual_timer_compares(hart)))
    return CsrResult::virtual_instruction;
  if (kind == CsrKind::satp && (hart.csr.hstatus & csr::kVtvm) != 0) return CsrResult::virtual_instruction;
  if (!state_enabled(hart.csr.hstateen, hart, kind, number)) return CsrResult::virtual_instruction;
  return CsrResult::ok;
}

}  // namespace

CsrResult check(const HartState& hart, unsigned number, bool write) {
  number &= 0xFFF;
  const CsrKind kind = kCsrMap[number];
  if (!exists(hart, kind, number)) return CsrResult::illegal_instruction;
  if (write && csr_read_only(number)) return CsrResult::illegal_instruction;
  // FS keeps out every mode, and never with a virtual-instruction exception.
  if (kind == CsrKind::floating && float_is_off(hart)) return CsrResult::illegal_instruction;
  if (hart.mode.privilege == isa::Privilege::machine) return CsrResult::ok;
  if (csr_level(number) == 3 || !machine_allows(hart, kind, number)) return CsrResult::illegal_instruction;
  return hart.mode.virtualized ? check_virtual(hart, kind, number) : check_native(hart, kind, number);
}

unsigned resolve(const HartState& hart, unsigned number) {
  number &= 0xFFF;
  return hart.mode.virtualized ? virtual_csr(number) : number;
}

}  // namespace hvsim::cpu::csr_file
