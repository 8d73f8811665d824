// Running a bare-metal program with data on QEMU's virt board and reading what it sent through the UART.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hvsim::cpu::witness {

struct Data {
  std::uint64_t address;
  std::vector<std::uint64_t> words;
};

// `extensions` are for QEMU's -cpu. Empty if QEMU failed.
std::vector<std::uint64_t> run_on_qemu(const std::string& elf, std::span<const Data> data,
                                       const std::string& extensions = "sstc=true");

// Where the linker put a symbol; 0 if there is none.
std::uint64_t symbol_address(const std::string& elf, const std::string& name);

// HVSIM_SEED, HVSIM_STEPS.
std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise);

}  // namespace hvsim::cpu::witness
