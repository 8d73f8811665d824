// Memory as a debugger sees it: through a hart's address space, without leaving a trace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "models/cpu/hart_state.h"
#include "models/mem/physical_memory.h"
#include "models/mmu/mmu.h"
#include "models/mmu/pmp.h"

namespace hvsim::gdb {

// Whose addresses a debugger's are.
enum class Space : std::uint8_t {
  current,         // of the mode that the hart is in
  physical,        // none: the bus's
  supervisor,      // HS-mode's: satp
  guest,           // VS-mode's: vsatp and hgatp
  guest_physical,  // what VS-mode takes for physical: hgatp
};

// Permissions and PMP do not bind a debugger. Devices are not memory: reading them may have effects.
class DebugMemory {
 public:
  explicit DebugMemory(mem::PhysicalMemory& memory);

  isa::Result<mmu::Translation, mmu::TranslationFault> translate(const cpu::HartState& hart, Space space,
                                                                 std::uint64_t address,
                                                                 mmu::WalkTrace& trace) const;
  // As many bytes as there are from `address` on, at most `bytes`.
  std::string read(const cpu::HartState& hart, Space space, std::uint64_t address, std::uint64_t bytes) const;
  // All or nothing; RAM only.
  bool write(const cpu::HartState& hart, Space space, std::uint64_t address, std::string_view bytes);
  // The walk in words: each PTE, where it ends, and what a load, a store and a fetch would meet.
  std::string explain(const cpu::HartState& hart, Space space, std::uint64_t address) const;

 private:
  mem::PhysicalMemory& memory_;
  mmu::Pmp no_pmp_;
};

}  // namespace hvsim::gdb
