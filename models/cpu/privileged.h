// Who may execute the privileged instructions, and what MRET and SRET do.
#pragma once

#include <cstdint>

#include "models/cpu/csr_file.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/isa/cause.h"

namespace hvsim::cpu {

csr_file::CsrResult may_mret(const HartState& hart);
csr_file::CsrResult may_sret(const HartState& hart);
csr_file::CsrResult may_wait(const HartState& hart);                         // WFI
csr_file::CsrResult may_sfence(const HartState& hart);                       // SFENCE.VMA
csr_file::CsrResult may_hfence(const HartState& hart, bool guest_physical);  // HFENCE.GVMA or .VVMA
csr_file::CsrResult may_order_invalidations(const HartState& hart);  // SFENCE.W.INVAL, SFENCE.INVAL.IR
csr_file::CsrResult may_access_guest(const HartState& hart);         // HLV, HLVX, HSV

// CBO.*: `permission` is the field of xenvcfg that allows the instruction.
csr_file::CsrResult may_use_cache_block(const HartState& hart, std::uint64_t permission);
bool invalidation_flushes(const HartState& hart);  // some xenvcfg.CBIE asks for that

isa::Exception ecall_cause(isa::Mode mode);

// Trap returns: change mode and status registers; the result is the new pc.
std::uint64_t leave_machine(HartState& hart);
std::uint64_t leave_supervisor(HartState& hart);  // SRET, from HS- or VS-mode as V says

}  // namespace hvsim::cpu
