// Memory as a debugger sees it: through a hart's address space, without leaving a trace.
#pragma once

#include <array>
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

struct SpaceName {
  const char* name;
  Space space;
};
inline constexpr std::array kSpaces = std::to_array<SpaceName>({{"current", Space::current},
                                                                {"physical", Space::physical},
                                                                {"supervisor", Space::supervisor},
                                                                {"guest", Space::guest},
                                                                {"guest-physical", Space::guest_physical}});

// A walk, where it ends, and what accesses would meet.
struct Examined {
  struct Verdict {
    const char* access = "";
    std::string why_not;  // empty: allowed
  };
  mmu::AddressSpace space{};
  mmu::WalkTrace walk{};
  isa::Result<mmu::Translation, mmu::TranslationFault> place{mmu::Translation{}};
  std::string why_not;                // there is no translation
  std::array<Verdict, 3> verdicts{};  // of a load, a store and a fetch, if there is one
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
  Examined examine(const cpu::HartState& hart, Space space, std::uint64_t address) const;
  // The same in words.
  std::string explain(const cpu::HartState& hart, Space space, std::uint64_t address) const;

 private:
  mem::PhysicalMemory& memory_;
  mmu::Pmp no_pmp_;
};

}  // namespace hvsim::gdb
