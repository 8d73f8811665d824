// What the assembly offers to C++ and expects from it.
#pragma once

#include <cstdint>

#include "hypervisor/registers.h"

extern "C" {

// world_switch.S
[[noreturn]] void riscv_enter_guest(hv::GeneralRegisters* general);
void riscv_trap();                                             // for stvec
bool riscv_has_stimecmp();                                     // reading it does not trap
std::uint64_t riscv_read_guest_instruction(std::uint64_t pc);  // all ones: it cannot be fetched
void riscv_hfence_gvma();
void riscv_hfence_gvma_vmid(std::uint64_t vmid);
void riscv_hfence_gvma_page(std::uint64_t guest_physical_shifted_by_2, std::uint64_t vmid);
void riscv_hfence_vvma();
void riscv_save_fp(hv::FpRegisters* fp);
void riscv_restore_fp(const hv::FpRegisters* fp);

// boot.S
void riscv_secondary_start();  // a0 = hart, a1 = its stack's top

// main.cpp; called on this hart's stack
hv::GeneralRegisters* riscv_exit(hv::GeneralRegisters* general);
[[noreturn]] void riscv_own_trap(std::uint64_t cause, std::uint64_t pc, std::uint64_t value);
[[noreturn]] void riscv_boot(std::uint64_t hart, std::uint64_t device_tree);
[[noreturn]] void riscv_secondary(std::uint64_t hart);
}
