// Where QEMU 7.2 is known to leave the privileged manual, or uses a freedom that it gives, each with the
// section.
#include "tests/unit/csr/witness/known_differences.h"

#include <algorithm>
#include <iterator>

#include "models/cpu/csr_map.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu::witness {
namespace {

namespace csr = isa::csr;

std::uint64_t loaded(const Step& step, unsigned number) {
  const auto at = std::find(std::begin(kLoaded), std::end(kLoaded), number);
  return step.loads[static_cast<std::size_t>(std::distance(std::begin(kLoaded), at))];
}

unsigned written_csr(const Step& step) {
  return is_csr_instruction(step.instruction) ? step.instruction >> 20 : 0;
}
// The same after VS CSRs stand in for supervisor CSRs.
unsigned resolved_csr(const Step& step) {
  return step.mode.virtualized ? virtual_csr(written_csr(step)) : written_csr(step);
}

bool is(const Step& step, std::uint32_t match, std::uint32_t mask) {
  return (step.instruction & mask) == match;
}
bool is_ebreak(const Step& step) { return step.instruction == 0x00100073; }
bool is_sret(const Step& step) { return step.instruction == 0x10200073; }
bool may_trap_in_guest(const Step& step) {
  return step.mode.virtualized || is_sret(step) || step.instruction == 0x30200073;  // MRET
}
bool is_wfi(const Step& step) { return step.instruction == 0x10500073; }
bool is_sfence(const Step& step) { return is(step, 0x12000073, 0xFA007FFF); }  // and SINVAL
bool writes_float(const Step& step) {
  return written_csr(step) >= csr::fflags && written_csr(step) <= csr::fcsr;
}
bool takes_unshifted(const Step& step) {
  return resolved_csr(step) == csr::vsip || resolved_csr(step) == csr::vsie;
}
bool is_hfence(const Step& step) { return is(step, 0x22000073, 0xBA007FFF); }  // and HINVAL
bool is_invalidation(const Step& step) {
  return is(step, 0x16000073, 0xFE007FFF) || is(step, 0x26000073, 0xBE007FFF);
}
bool orders_invalidations(const Step& step) { return is(step, 0x18000073, 0xFFEFFFFF); }
bool is_guest_access(const Step& step) { return is(step, 0x60004073, 0xF000707F); }

constexpr isa::Mode kHs{isa::Privilege::supervisor, false};

std::uint64_t dumped(const Outcome& outcome, unsigned number) {
  const auto at = std::find(std::begin(kDumped), std::end(kDumped), number);
  return outcome.dump[static_cast<std::size_t>(std::distance(std::begin(kDumped), at))];
}

// Both took an interrupt at the same destination, but not the same one.
bool took_other_interrupt(const Outcome& model, const Outcome& qemu) {
  for (unsigned number : {csr::mcause, csr::scause, csr::vscause}) {
    const std::uint64_t a = dumped(model, number), b = dumped(qemu, number);
    if (a != b && (a & b & isa::kInterruptBit) != 0 && b < a) return true;
  }
  return false;
}

// The views of pending and enabled interrupts.
std::optional<std::string_view> interrupt_difference(const Step& step, unsigned number,
                                                     std::uint64_t different) {
  constexpr std::uint64_t sti = bit(isa::Interrupt::supervisor_timer);
  constexpr std::uint64_t vsti = bit(isa::Interrupt::virtual_supervisor_timer);
  const bool guests = number == csr::vsip || number == csr::vsie;
  const bool pending = number == csr::mip || number == csr::hip || number == csr::hvip || number == csr::vsip;
  const bool enabled = number == csr::mie || number == csr::hie || number == csr::vsie;
  const auto only = [different](std::uint64_t bits) { return (different & ~bits) == 0; };
  const bool only_virtual = only(guests ? 0x222 : 0x444);

  if ((pending || enabled) && takes_unshifted(step) && only_virtual)
    return "vsip and vsie take bits 2, 6 and 10 as well";
  if (pending && written_csr(step) == csr::mip && only_virtual) return "mip lets VSTIP and VSEIP be written";
  if ((number == csr::mip || number == csr::sip) && written_csr(step) == csr::stimecmp && only(sti))
    return "stimecmp drives STIP without STCE";
  if (pending && !guests && only(vsti)) return "hvip.VSTIP is not writable under STCE";
  if (number == csr::vsip && only(0x220)) return "vsip hides STIP and SEIP";
  return {};
}

// Bits that QEMU stores although they are reserved, or belong to extensions that neither side has, and those
// of exceptions that it never raises, which it lacks.
std::uint64_t reserved_bits_kept(unsigned number) {
  switch (number) {
    case csr::sepc:
    case csr::vsepc:
      return 1;
    case csr::senvcfg:
    case csr::menvcfg:
    case csr::henvcfg:
      return csr::kCbie;  // the reserved encoding
    case csr::mcounteren:
    case csr::scounteren:
    case csr::hcounteren:
      return ~std::uint64_t{0} << 32;
    case csr::hstatus:
      return ~(csr::kHGva | csr::kSpv | csr::kSpvp | csr::kHu | csr::kVtvm | csr::kVtw | csr::kVtsr);
    case csr::vsstatus:
      return ~(csr::kSie | csr::kSpie | csr::kSpp | csr::kFs | csr::kSum | csr::kMxr);
    case csr::hgatp:
      return 3 | std::uint64_t{3} << 58;
    case csr::medeleg:
      return 1 << 11 | 3 << 18;
    case csr::hedeleg:
      return 3 << 18;  // software check and hardware error: writable (table of hedeleg)
    case csr::pmpcfg0:
    case csr::pmpcfg0 + 2:
      return 0x0202'0202'0202'0202;  // W without R
    case csr::pmpaddr0 + 1:
      return ~std::uint64_t{0} << 54;
    default:
      return 0;
  }
}

}  // namespace

std::optional<std::string_view> known_difference(const Step& step, const Outcome& model,
                                                 const Outcome& qemu) {
  const bool user = step.mode.privilege == isa::Privilege::user;
  const bool tvm = (loaded(step, csr::mstatus) & csr::kTvm) != 0;
  if (took_other_interrupt(model, qemu)) return "interrupts go by number, not by the manual's priority";
  if (takes_unshifted(step) && dumped(model, csr::vscause) != dumped(qemu, csr::vscause))
    return "vsip and vsie take bits 2, 6 and 10 as well";
  if (step.mode == kHs && written_csr(step) == csr::hgatp && tvm)
    return "mstatus.TVM leaves hgatp to HS-mode";
  // Svinval: an illegal instruction in U-mode, a virtual one in VU-mode.
  if (user && orders_invalidations(step)) return "SFENCE.W.INVAL and SFENCE.INVAL.IR run in user modes";
  if (!step.mode.virtualized) return {};
  // H, "Trap Cause Codes": all of these raise a virtual-instruction exception.
  if (user && (is_sret(step) || is_sfence(step) || is_hfence(step)))
    return "VU-mode: SRET, SFENCE and HFENCE raise an illegal-instruction exception";
  if (user && is_csr_instruction(step.instruction) && csr_level(step.instruction >> 20) == 1)
    return "VU-mode: supervisor CSRs raise an illegal-instruction exception";
  // H, "Machine Status Registers": TSR and TVM affect HS-mode only.
  if (tvm && (is_sfence(step) || written_csr(step) == csr::satp)) return "mstatus.TVM reaches VS-mode";
  if ((loaded(step, csr::mstatus) & csr::kTsr) != 0 && is_sret(step)) return "mstatus.TSR reaches VS-mode";
  if ((loaded(step, csr::hstatus) & csr::kVtvm) != 0 && written_csr(step) == csr::satp)
    return "hstatus.VTVM leaves satp to VS-mode";
  // There with mstatus.TW=1 it is an illegal instruction.
  if (user && is_wfi(step) && (loaded(step, csr::mstatus) & csr::kTw) != 0)
    return "VU-mode: WFI under TW raises a virtual-instruction exception";
  return {};
}

std::optional<std::string_view> known_difference(const Step& step, unsigned number, std::uint64_t model,
                                                 std::uint64_t qemu) {
  const std::uint64_t different = model ^ qemu;
  if (different == 0) return {};
  if (const auto known = interrupt_difference(step, number, different)) return known;
  const auto only = [different](std::uint64_t bits) { return (different & ~bits) == 0; };
  switch (number) {
    case csr::sstatus:
    case csr::mstatus:
      // H, "Virtual Supervisor Status Register": both FS fields become dirty.
      if (step.mode.virtualized && writes_float(step) && only(csr::kFs | csr::kGva | csr::kSd))
        return "writing fcsr in a guest leaves the HS-level FS alone";
      // H, "Machine Status Registers": set for traps that write a guest virtual address, cleared by others.
      if (only(csr::kGva)) return "mstatus.GVA is set by any trap from a guest with a tval, and stays";
      break;
    case csr::vsstatus:
      if (only(csr::kSd)) return "vsstatus.SD is not derived";
      break;
    case csr::vscause:
      if (model == qemu + 1 && (model == 2 || model == 6))
        return "vscause of exceptions 2 and 6 is translated as if they were interrupts";
      break;
    case csr::mtval:
    case csr::stval:
    case csr::vstval:
      // Machine Trap Value Register: zero, or the virtual address of the instruction.
      if (is_ebreak(step) && qemu == 0) return "the tval of EBREAK is zero";
      if (is_invalidation(step) && qemu == 0) return "tval of a refused SINVAL or HINVAL is zero";
      if (is_guest_access(step)) return "tval of a refused HLV is that of an older instruction";
      break;
    case csr::htinst:
      if (written_csr(step) == csr::htinst && qemu == 0)
        return "htinst holds nothing that software writes (WARL)";
      break;
    case csr::henvcfg:
      if (only(csr::kStce | reserved_bits_kept(csr::henvcfg)))
        return "henvcfg.STCE is writable while menvcfg.STCE is zero";
      break;
    case csr::htval:
      if (may_trap_in_guest(step) && qemu == 0) return "a trap into VS-mode clears htval and hstatus.GVA";
      break;
    case csr::hstatus:
      if (may_trap_in_guest(step) && only(csr::kHGva) && (qemu & csr::kHGva) == 0)
        return "a trap into VS-mode clears htval and hstatus.GVA";
      break;
    default:
      break;
  }
  if (only(reserved_bits_kept(number)))
    return "reserved bits are kept, and those of exceptions never raised are not";
  return {};
}

std::optional<std::string_view> known_result_difference(const Step& step, std::uint64_t model,
                                                        std::uint64_t qemu) {
  return known_difference(step, resolved_csr(step), model, qemu);
}

}  // namespace hvsim::cpu::witness
