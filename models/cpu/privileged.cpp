// Privileged instructions: permissions (TSR, TVM, TW and their hstatus twins) and trap return.
#include "models/cpu/privileged.h"

#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {
namespace {

namespace csr = isa::csr;
using csr_file::CsrResult;
using isa::Privilege;

constexpr CsrResult kOk = CsrResult::ok, kIllegal = CsrResult::illegal_instruction,
                    kVirtual = CsrResult::virtual_instruction;

bool machine(const HartState& hart) { return hart.mode.privilege == Privilege::machine; }
bool user(const HartState& hart) { return hart.mode.privilege == Privilege::user; }

// A supervisor instruction that mstatus can forbid to HS-mode and hstatus to VS-mode.
CsrResult supervisor_only(const HartState& hart, std::uint64_t mstatus_trap, std::uint64_t hstatus_trap) {
  if (machine(hart)) return kOk;
  if (hart.mode.virtualized) return user(hart) || (hart.csr.hstatus & hstatus_trap) != 0 ? kVirtual : kOk;
  return user(hart) || (hart.csr.mstatus & mstatus_trap) != 0 ? kIllegal : kOk;
}

// xIE = xPIE, xPIE = 1.
void pop_enable(std::uint64_t& status, std::uint64_t enable, std::uint64_t previous) {
  status = (status & previous) != 0 ? status | enable : status & ~enable;
  status |= previous;
}

Privilege previous_supervisor(std::uint64_t status) {
  return (status & csr::kSpp) != 0 ? Privilege::supervisor : Privilege::user;
}

}  // namespace

CsrResult may_mret(const HartState& hart) { return machine(hart) ? kOk : kIllegal; }

CsrResult may_sret(const HartState& hart) { return supervisor_only(hart, csr::kTsr, csr::kVtsr); }

// The time limits of TW and VTW are zero here, and U-mode never waits.
CsrResult may_wait(const HartState& hart) {
  if (machine(hart)) return kOk;
  if ((hart.csr.mstatus & csr::kTw) != 0) return kIllegal;
  return supervisor_only(hart, csr::kTw, csr::kVtw);
}

CsrResult may_sfence(const HartState& hart) { return supervisor_only(hart, csr::kTvm, csr::kVtvm); }

CsrResult may_hfence(const HartState& hart, bool guest_physical) {
  if (!hart.isa_config.h) return kIllegal;
  if (hart.mode.virtualized) return kVirtual;
  return supervisor_only(hart, guest_physical ? csr::kTvm : 0, 0);
}

CsrResult may_order_invalidations(const HartState& hart) { return supervisor_only(hart, 0, 0); }

CsrResult may_use_cache_block(const HartState& hart, std::uint64_t permission) {
  const CsrState& c = hart.csr;
  if (machine(hart)) return kOk;
  if ((c.menvcfg & permission) == 0) return kIllegal;
  if (hart.mode.virtualized && (c.henvcfg & permission) == 0) return kVirtual;
  if (user(hart) && (c.senvcfg & permission) == 0) return hart.mode.virtualized ? kVirtual : kIllegal;
  return kOk;
}

bool invalidation_flushes(const HartState& hart) {
  const auto flushes = [](std::uint64_t envcfg) {
    return (envcfg & csr::kCbie) == std::uint64_t{1} << csr::kCbieShift;
  };
  const CsrState& c = hart.csr;
  if (machine(hart)) return false;
  return flushes(c.menvcfg) || (hart.mode.virtualized && flushes(c.henvcfg)) ||
         (user(hart) && flushes(c.senvcfg));
}

CsrResult may_access_guest(const HartState& hart) {
  if (!hart.isa_config.h) return kIllegal;
  if (hart.mode.virtualized) return kVirtual;
  return user(hart) && (hart.csr.hstatus & csr::kHu) == 0 ? kIllegal : kOk;
}

isa::Exception ecall_cause(isa::Mode mode) {
  switch (mode.privilege) {
    case Privilege::user:
      return isa::Exception::ecall_from_u;
    case Privilege::supervisor:
      return mode.virtualized ? isa::Exception::ecall_from_vs : isa::Exception::ecall_from_s;
    case Privilege::machine:
      break;
  }
  return isa::Exception::ecall_from_m;
}

std::uint64_t leave_machine(HartState& hart) {
  std::uint64_t& mstatus = hart.csr.mstatus;
  const auto privilege = static_cast<Privilege>((mstatus & csr::kMpp) >> csr::kMppShift);
  const bool to_machine = privilege == Privilege::machine;
  hart.mode = {privilege, !to_machine && (mstatus & csr::kMpv) != 0};
  pop_enable(mstatus, csr::kMie, csr::kMpie);
  mstatus &= ~(csr::kMpp | csr::kMpv);
  if (!to_machine) mstatus &= ~csr::kMprv;
  return hart.csr.mepc;
}

std::uint64_t leave_supervisor(HartState& hart) {
  const bool virtualized = hart.mode.virtualized;
  std::uint64_t& status = virtualized ? hart.csr.vsstatus : hart.csr.mstatus;
  const std::uint64_t target = virtualized ? hart.csr.vsepc : hart.csr.sepc;
  hart.mode = {previous_supervisor(status), virtualized || (hart.csr.hstatus & csr::kSpv) != 0};
  pop_enable(status, csr::kSie, csr::kSpie);
  status &= ~csr::kSpp;
  if (!virtualized) hart.csr.hstatus &= ~csr::kSpv;
  hart.csr.mstatus &= ~csr::kMprv;
  return target;
}

}  // namespace hvsim::cpu
