// Random loads and stores over random page tables, and the model's account of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/cpu/hart_state.h"
#include "models/mem/physical_memory.h"
#include "models/mmu/mmu.h"
#include "models/mmu/pmp.h"

namespace hvsim::cpu::witness {

inline constexpr std::uint64_t kMemorySteps = 0x81000000, kTables = 0x83000000;
inline constexpr std::uint64_t kTableBytes = 16 * isa::kPageBytes;

// One load or store as the witness program runs it: x5 is the address, x6 the data, x10 the result.
struct MemoryInstruction {
  const char* name;
  std::uint32_t encoding;
  isa::Access access;
  unsigned bytes;
  bool sign_extends;
  bool to_guest;  // HLV, HLVX, HSV
};

struct MemoryStep {
  const MemoryInstruction* instruction;
  std::uint64_t x5, x6, satp, vsatp, hgatp, hstatus, vsstatus, menvcfg, henvcfg, mstatus;
};

struct MemoryOutcome {
  std::uint64_t x10, mcause, mtval, mtval2, mtinst;
  friend bool operator==(const MemoryOutcome&, const MemoryOutcome&) = default;
};

// `extensions`: with Svnapot and Svpbmt.
std::vector<std::uint64_t> random_tables(std::uint64_t seed, bool extensions);
std::vector<MemoryStep> random_memory_steps(std::uint64_t seed, std::size_t count, bool extensions);
std::string describe(const MemoryStep& step);
std::string describe(const MemoryOutcome& outcome);

class MemoryModel {
 public:
  MemoryModel(const std::vector<std::uint64_t>& tables, bool extensions);
  MemoryOutcome run(const MemoryStep& step);
  std::vector<std::uint64_t> tables() const;

 private:
  std::unique_ptr<mem::PhysicalMemory> memory_;
  mmu::Pmp pmp_;
  bool extensions_;
};

}  // namespace hvsim::cpu::witness
