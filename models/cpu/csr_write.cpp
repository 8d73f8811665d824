// Writing CSRs: which bits take, and which values are legal (WARL).
#include "models/cpu/csr_counters.h"
#include "models/cpu/csr_fields.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/csr_float.h"
#include "models/cpu/csr_map.h"
#include "models/cpu/csr_pmp.h"
#include "models/cpu/event_counters.h"
#include "models/cpu/isa/paging.h"

namespace hvsim::cpu::csr_file {
namespace {

namespace csr = isa::csr;

constexpr std::uint64_t kLow32 = 0xFFFF'FFFF;

void assign(std::uint64_t& target, std::uint64_t value, std::uint64_t mask) {
  target = (target & ~mask) | (value & mask);
}

void write_mstatus(HartState& hart, std::uint64_t value) {
  std::uint64_t mask = hart.isa_config.h ? kMstatusWritableH : kMstatusWritable;
  const bool reserved_mpp = (value & csr::kMpp) >> csr::kMppShift == 2;  // MPP keeps its old value then
  if (!reserved_mpp) mask |= csr::kMpp;
  assign(hart.csr.mstatus, value, mask);
}

// MODE 2 and 3 are reserved: such a write is dropped as a whole.
void write_tvec(std::uint64_t& target, std::uint64_t value) {
  if ((value & 3) < 2) target = value;
}

void write_epc(std::uint64_t& target, std::uint64_t value) { target = value & ~std::uint64_t{1}; }

bool supported_mode(const HartState& hart, std::uint64_t value) {
  const std::uint64_t mode = value >> csr::kAtpModeShift;
  return mode == csr::kModeBare || (mode >= csr::kModeSv39 && mode <= hart.isa_config.widest_paging);
}

// satp: a write with an unsupported MODE has no effect. vsatp may do the same (section "Virtual Supervisor
// Address Translation and Protection Register").
void write_satp(const HartState& hart, std::uint64_t& target, std::uint64_t value) {
  if (supported_mode(hart, value)) target = value;
}

// hgatp: an unsupported MODE is not taken, the other fields are. The root table is 16 KiB, so PPN[1:0] are
// zero.
void write_hgatp(HartState& hart, std::uint64_t value) {
  constexpr std::uint64_t mode = std::uint64_t{15} << csr::kAtpModeShift;
  constexpr std::uint64_t others = csr::kVmidMask << csr::kVmidShift | (csr::kAtpPpn & ~std::uint64_t{3});
  assign(hart.csr.hgatp, value, supported_mode(hart, value) ? mode | others : others);
}

void write_mip(HartState& hart, std::uint64_t value) {
  std::uint64_t mask = bit(isa::Interrupt::supervisor_software) | bit(isa::Interrupt::supervisor_external) |
                       local_interrupts(hart.isa_config);
  if (!supervisor_timer_compares(hart)) mask |= bit(isa::Interrupt::supervisor_timer);
  assign(hart.csr.mip, value, mask);
  // VSSIP is the one bit of hip that is writable, and mip shows hip.
  if (hart.isa_config.h) assign(hart.csr.hvip, value, bit(isa::Interrupt::virtual_supervisor_software));
}

void write_mie(HartState& hart, std::uint64_t value) {
  const std::uint64_t virtuals = hart.isa_config.h ? kHypervisorInterrupts : 0;
  hart.csr.mie =
      value & (kMachineInterrupts | kSupervisorInterrupts | virtuals | local_interrupts(hart.isa_config));
}

// CBIE has a reserved value, which reads as "not allowed".
void write_envcfg(std::uint64_t& target, std::uint64_t value, std::uint64_t mask) {
  constexpr std::uint64_t reserved_cbie = std::uint64_t{2} << csr::kCbieShift;
  if ((value & csr::kCbie) == reserved_cbie) value &= ~csr::kCbie;
  assign(target, value, mask);
}

void write_float(HartState& hart, unsigned number, std::uint64_t value) {
  if (number != csr::frm) write_fflags(hart, value);
  if (number == csr::frm) hart.csr.frm = static_cast<std::uint8_t>(value & 7);
  if (number == csr::fcsr) hart.csr.frm = static_cast<std::uint8_t>(value >> 5 & 7);
  make_float_dirty(hart);
}

bool write_event_csr(HartState& hart, unsigned number, std::uint64_t value) {
  const unsigned counter = event_counter_number(number), selector = event_selector_number(number);
  if (counter == 0 && selector == 0) return false;
  if (!hart.isa_config.zihpm) return true;
  settle_event_counters(hart);
  if (counter != 0) write_event_counter(hart, counter, value);
  if (selector != 0) write_event_selector(hart, selector, value);
  select_event_counters(hart);
  return true;
}

bool write_state_enable(HartState& hart, unsigned number, std::uint64_t value) {
  const unsigned m = number - csr::mstateen0, h = number - csr::hstateen0;
  if (m < 4) hart.csr.mstateen[m] = value & stateen_writable(m);
  if (h < 4) assign(hart.csr.hstateen[h], value, stateen_writable(h) & hart.csr.mstateen[h]);
  return m < 4 || h < 4;
}

bool poke_supervisor(HartState& hart, unsigned number, std::uint64_t value) {
  CsrState& c = hart.csr;
  const std::uint64_t delegated = effective_mideleg(hart) & kDelegatedInterrupts;
  switch (number) {
    case csr::sstatus:
      assign(c.mstatus, value, kSstatusWritable);
      return true;
    case csr::sie:
      assign(c.mie, value, delegated);
      return true;
    case csr::sip:
      assign(c.mip, value,
             delegated & (bit(isa::Interrupt::supervisor_software) | bit(isa::Interrupt::counter_overflow)));
      return true;
    case csr::stvec:
      write_tvec(c.stvec, value);
      return true;
    case csr::scounteren:
      c.scounteren = value & kLow32;
      return true;
    case csr::senvcfg:
      write_envcfg(c.senvcfg, value, senvcfg_writable(hart.isa_config));
      return true;
    case csr::sscratch:
      c.sscratch = value;
      return true;
    case csr::sepc:
      write_epc(c.sepc, value);
      return true;
    case csr::scause:
      c.scause = value;
      return true;
    case csr::stval:
      c.stval = value;
      return true;
    case csr::stimecmp:
      c.stimecmp = value;
      return true;
    case csr::satp:
      write_satp(hart, c.satp, value);
      return true;
    default:
      return false;
  }
}

bool poke_hypervisor(HartState& hart, unsigned number, std::uint64_t value) {
  CsrState& c = hart.csr;
  constexpr std::uint64_t vssi = bit(isa::Interrupt::virtual_supervisor_software);
  switch (number) {
    case csr::hstatus:
      assign(c.hstatus, value, kHstatusWritable);
      return true;
    case csr::hedeleg:
      c.hedeleg = value & kHedelegWritable;
      return true;
    case csr::hideleg:
      c.hideleg = value & kVirtualInterrupts;
      return true;
    case csr::hie:
      assign(c.mie, value, kHypervisorInterrupts);
      return true;
    case csr::hip:
      assign(c.hvip, value, vssi);
      return true;
    case csr::hvip:
      c.hvip = value & kVirtualInterrupts;
      return true;
    case csr::htimedelta:
      c.htimedelta = value;
      return true;
    case csr::hcounteren:
      c.hcounteren = value & kLow32;
      return true;
    case csr::henvcfg:
      write_envcfg(c.henvcfg, value, menvcfg_writable(hart.isa_config) & (c.menvcfg | ~kHenvcfgGranted));
      return true;
    case csr::htval:
      c.htval = value;
      return true;
    case csr::htinst:
      c.htinst = value;
      return true;
    case csr::hgatp:
      write_hgatp(hart, value);
      return true;

    case csr::vsstatus:
      assign(c.vsstatus, value, kVsstatusWritable);
      return true;
    case csr::vsie:
      assign(c.mie, value << 1, c.hideleg & kVirtualInterrupts);
      return true;
    case csr::vsip:
      assign(c.hvip, value << 1, c.hideleg & vssi);
      return true;
    case csr::vstvec:
      write_tvec(c.vstvec, value);
      return true;
    case csr::vsscratch:
      c.vsscratch = value;
      return true;
    case csr::vsepc:
      write_epc(c.vsepc, value);
      return true;
    case csr::vscause:
      c.vscause = value;
      return true;
    case csr::vstval:
      c.vstval = value;
      return true;
    case csr::vstimecmp:
      c.vstimecmp = value;
      return true;
    case csr::vsatp:
      write_satp(hart, c.vsatp, value);
      return true;
    default:
      return false;
  }
}

bool poke_machine(HartState& hart, unsigned number, std::uint64_t value) {
  CsrState& c = hart.csr;
  switch (number) {
    case csr::mstatus:
      write_mstatus(hart, value);
      return true;
    case csr::medeleg:
      c.medeleg = value & (hart.isa_config.h ? kMedelegWritableH : kMedelegWritable);
      return true;
    case csr::mideleg:
      c.mideleg = value & (kSupervisorInterrupts | local_interrupts(hart.isa_config));
      return true;
    case csr::mie:
      write_mie(hart, value);
      return true;
    case csr::mip:
      write_mip(hart, value);
      return true;
    case csr::mtvec:
      write_tvec(c.mtvec, value);
      return true;
    case csr::mcounteren:
      c.mcounteren = value & kLow32;
      return true;
    case csr::menvcfg:
      write_envcfg(c.menvcfg, value, menvcfg_writable(hart.isa_config));
      return true;
    case csr::mcountinhibit:
      settle_event_counters(hart);
      write_mcountinhibit(hart, value);
      select_event_counters(hart);
      return true;
    case csr::mscratch:
      c.mscratch = value;
      return true;
    case csr::mepc:
      write_epc(c.mepc, value);
      return true;
    case csr::mcause:
      c.mcause = value;
      return true;
    case csr::mtval:
      c.mtval = value;
      return true;
    case csr::mtval2:
      c.mtval2 = value;
      return true;
    case csr::mtinst:
      c.mtinst = value;
      return true;
    case csr::mcycle:
      write_mcycle(hart, value);
      return true;
    case csr::minstret:
      write_minstret(hart, value);
      return true;
    default:
      return write_event_csr(hart, number, value) || write_state_enable(hart, number, value) ||
             write_pmp(hart, number, value);
  }
}

}  // namespace

void poke(HartState& hart, unsigned number, std::uint64_t value) {
  if (number >= csr::fflags && number <= csr::fcsr) return write_float(hart, number, value);
  if (poke_supervisor(hart, number, value) || poke_hypervisor(hart, number, value)) return;
  poke_machine(hart, number, value);  // misa, sstateen and the like keep their value
}

CsrResult write(HartState& hart, unsigned number, std::uint64_t value) {
  const CsrResult result = check(hart, number, true);
  if (result == CsrResult::ok) poke(hart, resolve(hart, number), value);
  return result;
}

}  // namespace hvsim::cpu::csr_file
