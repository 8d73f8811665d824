// Reading CSRs: stored values, derived bits and aliases.
#include "models/cpu/csr_file.h"

#include "models/cpu/csr_counters.h"
#include "models/cpu/csr_fields.h"
#include "models/cpu/csr_float.h"
#include "models/cpu/csr_map.h"
#include "models/cpu/event_counters.h"
#include "models/cpu/interrupts.h"

namespace hvsim::cpu::csr_file {
namespace {

namespace csr = isa::csr;

constexpr std::uint64_t extension(char letter) { return std::uint64_t{1} << (letter - 'A'); }

std::uint64_t misa(const HartState& hart) {
  std::uint64_t value = std::uint64_t{2} << 62;  // MXL: 64
  for (char letter : {'A', 'C', 'D', 'F', 'I', 'M', 'S', 'U'}) value |= extension(letter);
  return hart.isa_config.h ? value | extension('H') : value;
}

// sstatus is mstatus seen through the supervisor's fields.
std::uint64_t sstatus_view(std::uint64_t status) { return with_sd((status & kSstatusWritable) | kUxl64); }

// Eight entries in one pmpcfg register, the lowest entry in the lowest byte.
std::uint64_t pmpcfg(const HartState& hart, unsigned number) {
  const unsigned first = (number - csr::pmpcfg0) * 4;
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{hart.csr.pmpcfg[first + i]} << (8 * i);
  return value;
}

}  // namespace

std::uint64_t peek(const HartState& hart, unsigned number) {
  const CsrState& c = hart.csr;
  switch (number) {
    case csr::fflags:
      return read_fflags(hart);
    case csr::frm:
      return c.frm;
    case csr::fcsr:
      return std::uint64_t{c.frm} << 5 | read_fflags(hart);

    case csr::cycle:
    case csr::mcycle:
      return mcycle(hart);
    case csr::instret:
    case csr::minstret:
      return minstret(hart);
    case csr::time:
      return hart.mode.virtualized ? hart.time() + c.htimedelta : hart.time();

    case csr::sstatus:
      return sstatus_view(c.mstatus);
    case csr::sie:
      return c.mie & effective_mideleg(hart) & kDelegatedInterrupts;
    case csr::sip:
      return pending(hart) & effective_mideleg(hart) & kDelegatedInterrupts;
    case csr::stvec:
      return c.stvec;
    case csr::scounteren:
      return c.scounteren;
    case csr::senvcfg:
      return c.senvcfg;
    case csr::sscratch:
      return c.sscratch;
    case csr::sepc:
      return c.sepc;
    case csr::scause:
      return c.scause;
    case csr::stval:
      return c.stval;
    case csr::stimecmp:
      return c.stimecmp;
    case csr::satp:
      return c.satp;

    case csr::hstatus:
      return c.hstatus | kVsxl64;
    case csr::hedeleg:
      return c.hedeleg;
    case csr::hideleg:
      return c.hideleg;
    case csr::hie:
      return c.mie & kHypervisorInterrupts;
    case csr::hip:
      return pending(hart) & kHypervisorInterrupts;
    case csr::hvip:
      return c.hvip;
    case csr::htimedelta:
      return c.htimedelta;
    case csr::hcounteren:
      return c.hcounteren;
    case csr::henvcfg:
      return effective_henvcfg(hart);
    case csr::htval:
      return c.htval;
    case csr::htinst:
      return c.htinst;
    case csr::hgatp:
      return c.hgatp;
    case csr::scountovf:
      return overflow_flags(hart);

    case csr::vsstatus:
      return sstatus_view(c.vsstatus);
    // VS-level interrupt i shows as supervisor interrupt i - 1, where hideleg hands it on.
    case csr::vsie:
      return (c.mie & c.hideleg & kVirtualInterrupts) >> 1;
    case csr::vsip:
      return (pending(hart) & c.hideleg & kVirtualInterrupts) >> 1;
    case csr::vstvec:
      return c.vstvec;
    case csr::vsscratch:
      return c.vsscratch;
    case csr::vsepc:
      return c.vsepc;
    case csr::vscause:
      return c.vscause;
    case csr::vstval:
      return c.vstval;
    case csr::vstimecmp:
      return c.vstimecmp;
    case csr::vsatp:
      return c.vsatp;

    case csr::mhartid:
      return hart.hart_id;
    case csr::mstatus:
      return with_sd(c.mstatus | kUxl64 | kSxl64);
    case csr::misa:
      return misa(hart);
    case csr::medeleg:
      return c.medeleg;
    case csr::mideleg:
      return effective_mideleg(hart);
    case csr::mie:
      return c.mie;
    case csr::mip:
      return pending(hart);
    case csr::mtvec:
      return c.mtvec;
    case csr::mcounteren:
      return c.mcounteren;
    case csr::menvcfg:
      return c.menvcfg;
    case csr::mcountinhibit:
      return c.mcountinhibit;
    case csr::mscratch:
      return c.mscratch;
    case csr::mepc:
      return c.mepc;
    case csr::mcause:
      return c.mcause;
    case csr::mtval:
      return c.mtval;
    case csr::mtval2:
      return c.mtval2;
    case csr::mtinst:
      return c.mtinst;
    case csr::pmpcfg0:
    case csr::pmpcfg0 + 2:
      return pmpcfg(hart, number);
    default:
      break;
  }
  if (number - csr::pmpaddr0 < c.pmpaddr.size()) return c.pmpaddr[number - csr::pmpaddr0];
  if (number - csr::mstateen0 < 4) return c.mstateen[number - csr::mstateen0];
  if (number - csr::hstateen0 < 4)
    return c.hstateen[number - csr::hstateen0] & c.mstateen[number - csr::hstateen0];
  if (const auto counter = event_counter_number(number)) return event_counter(hart, counter);
  if (const auto counter = event_selector_number(number)) return hart.mhpmevent[counter];
  // mvendorid, marchid, mimpid, mconfigptr, hgeie, hgeip, sstateen and the triggers.
  return 0;
}

CsrResult read(const HartState& hart, unsigned number, std::uint64_t& value) {
  const CsrResult result = check(hart, number, false);
  if (result == CsrResult::ok) value = peek(hart, resolve(hart, number));
  return result;
}

std::uint64_t modify_base(const HartState& hart, unsigned number, std::uint64_t read_value) {
  if (number != csr::mip) return read_value;
  constexpr std::uint64_t seip = bit(isa::Interrupt::supervisor_external);
  return (read_value & ~seip) | (hart.csr.mip & seip);
}

bool affects_translation(unsigned number) {
  const CsrKind kind = kCsrMap[number & 0xFFF];
  if (kind == CsrKind::pmp_config || kind == CsrKind::pmp_address) return true;
  switch (number) {
    case csr::mstatus:
    case csr::sstatus:
    case csr::vsstatus:
    case csr::hstatus:
    case csr::satp:
    case csr::vsatp:
    case csr::hgatp:
    case csr::menvcfg:
    case csr::henvcfg:
      return true;
    default:
      return false;
  }
}

}  // namespace hvsim::cpu::csr_file
