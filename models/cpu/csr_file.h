// The CSRs as instructions see them: existence, privilege, aliases and legal values, by the privileged
// manual.
#pragma once

#include <cstdint>

#include "models/cpu/hart_state.h"

namespace hvsim::cpu::csr_file {

enum class CsrResult : std::uint8_t { ok, illegal_instruction, virtual_instruction };

// What a CSR instruction does. `value` and the hart are untouched unless the result is ok.
CsrResult read(const HartState& hart, unsigned number, std::uint64_t& value);
CsrResult write(HartState& hart, unsigned number, std::uint64_t value);

// May an instruction in the present mode make this access?
CsrResult check(const HartState& hart, unsigned number, bool write);

// The register that `number` means in the present mode: with V=1, VS CSRs stand in for supervisor CSRs.
unsigned resolve(const HartState& hart, unsigned number);

// Access by a number that was resolved and needs no check (host hypervisor, debugger, tests). Absent ones
// read as zero and ignore writes; poke() legalises values as any write does.
std::uint64_t peek(const HartState& hart, unsigned number);
void poke(HartState& hart, unsigned number, std::uint64_t value);

// What CSRRS and CSRRC modify: the value read, save for mip.SEIP, where the interrupt controller's
// signal must not be copied into the software-writable bit (section on mip and mie).
std::uint64_t modify_base(const HartState& hart, unsigned number, std::uint64_t read_value);

// Whether a write may change how addresses are translated or protected.
bool affects_translation(unsigned number);

}  // namespace hvsim::cpu::csr_file
