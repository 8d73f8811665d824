// Who looks on while a hart runs: told of traps and, if it wants, of instructions.
#pragma once

#include <cstdint>
#include <optional>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/types.h"
#include "models/cpu/op.h"
#include "models/cpu/trap.h"
#include "models/mmu/mmu.h"

namespace hvsim::cpu {

// The memory access behind an exception.
struct FaultSeen {
  enum class Kind : std::uint8_t {
    translation,  // `why` says what stopped it
    access,       // translated, but PMP forbids it, or nothing (or a device that refuses) is at `physical`
    misaligned
  };
  Kind kind{};
  isa::Access access{};
  std::uint64_t address = 0;  // as the instruction named it
  mmu::AddressSpace space{};
  mmu::TranslationFault why{};
  std::optional<isa::Hpa> physical{};    // where the access went, if it was translated
  const mmu::WalkTrace* walk = nullptr;  // of this access; null: nothing was walked
};

struct TrapSeen {
  TrapTaken taken;
  const Op* op = nullptr;            // null: an interrupt, or a fetch that failed
  const FaultSeen* fault = nullptr;  // null: no memory access was at fault
  std::uint32_t vm = 0xFFFF;         // kNoVm: nobody, or not known
  std::uint32_t vcpu = 0;
  bool native = false;  // HS-mode is not simulated: the hypervisor handles this natively
};

// An instruction that is about to execute; the counts are those before it.
struct StepSeen {
  const Op* op = nullptr;
  std::uint64_t pc = 0;
  isa::Mode mode{};
  isa::Cycles cycle = 0;
  std::uint64_t retired = 0;
  std::uint32_t vm = 0xFFFF;
  std::uint32_t vcpu = 0;
};

class Observer {
 public:
  virtual ~Observer() = default;

  // The hart has just entered its trap handler.
  virtual void trapped(const HartState& hart, const TrapSeen& seen) = 0;

  // All of them if steps() says so when a hart is made, else those that Hart::observe() names: each step
  // begins, and then retires, traps or (when it has to wait for other harts, and begins anew) does neither.
  virtual bool steps() const { return false; }
  // False: the hart leaves before the instruction (Stop::breakpoint). That cuts its block, which may move
  // cycles by a few; all else that an observer does leaves no trace.
  virtual bool begins(const HartState&, const StepSeen&) { return true; }
  virtual void retired(const HartState&) {}
  virtual void abandoned(const HartState&) {}
};

}  // namespace hvsim::cpu
