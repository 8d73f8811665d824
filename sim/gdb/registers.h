// The registers of a hart as GDB numbers and names them (GDB manual, "RISC-V Features").
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/cpu/hart_state.h"
#include "sim/machine.h"

namespace hvsim::gdb {

// GDB's own numbers, which QEMU uses too: a CSR's is that of its first plus the CSR's address.
inline constexpr unsigned kPcRegister = 32, kFirstFloatRegister = 33, kFirstCsrRegister = 65,
                          kPrivRegister = kFirstCsrRegister + 4096, kVirtRegister = kPrivRegister + 1,
                          kRegisters = kVirtRegister + 1;

// Each CSR name stands for that very register whatever V is: `sepc` is the supervisor's, `vsepc` the virtual
// supervisor's. Nothing: there is no such register.
std::optional<std::uint64_t> read_register(const cpu::HartState& hart, unsigned number);
// False: there is no such register or it cannot be written. CSRs keep to their legal values.
bool write_register(cpu::HartState& hart, unsigned number, std::uint64_t value);

// The same on a hart of the machine, which goes on from there.
bool write_hart_register(sim::Machine& machine, unsigned hart, unsigned number, std::uint64_t value);

// In a guest, `sepc` is what the hart calls `vsepc`: the number of the register that a guest's own name
// stands for. Nothing: it has no such register.
std::optional<unsigned> guests_register(unsigned number);

// The target description, with the CSRs that this hart has, or those that mean something to its guests.
enum class Whose : std::uint8_t { hart, guest };
std::string target_xml(const cpu::HartState& hart, Whose whose);

}  // namespace hvsim::gdb
