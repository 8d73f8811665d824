// What an execute function may ask of the hart that runs it. Execute functions are templates over a
// Core, so that semantics know nothing of time, caches or block chaining, and tests can fake the hart.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/cache_block.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/types.h"
#include "models/cpu/op.h"

namespace hvsim::cpu {

// An address-translation fence as executed: which translations it covers. Empty optional = all.
struct TranslationFence {
  enum class Kind : std::uint8_t { sfence_vma, hfence_vvma, hfence_gvma };
  Kind kind{};
  bool virtualized = false;              // SFENCE.VMA executed with V=1: VS-stage of current VMID
  std::optional<std::uint64_t> address;  // GVA, for hfence.gvma the GPA
  std::optional<std::uint64_t> space;    // ASID, for hfence.gvma the VMID
};

// Execute functions have one of these shapes; the engine picks its wrapper by the return type/class:
//   void f(Core&, const Op&)   cannot trap, falls through
//   bool f(Core&, const Op&)   false: it trapped (raise() was called) and must have changed nothing else
//   bool f(Core&, const Op&)   class branch: true = taken (target is pc of the op + imm)
// For ops that end a block (csr, fence_i, system, mark) `state.pc` is the op's own address, `state.cycle`
// and `state.retired` are exact, and `next_pc` is the following instruction; xRET overwrites `next_pc`.
template <class C>
concept Core = requires(C core, const C& view, const Op& op, std::uint64_t address, std::uint32_t word,
                        isa::Trap trap, TranslationFence fence, bool flag) {
  { core.state } -> std::convertible_to<HartState&>;
  { core.next_pc } -> std::convertible_to<std::uint64_t>;
  { core.pc(op) } -> std::convertible_to<std::uint64_t>;  // address of the op, for auipc
  { core.raise(trap) } -> std::same_as<bool>;             // records the trap, always returns false
  { core.illegal(op) } -> std::same_as<bool>;             // illegal-instruction, or virtual-instruction never
  { core.template load<std::uint32_t>(address, word) } -> std::same_as<bool>;
  { core.template store<std::uint32_t>(address, word) } -> std::same_as<bool>;
  // amo: reads, lets `update` compute the new value, writes; `word` receives the old value.
  {
    core.template amo<std::uint32_t>(
        address, [](std::uint32_t v) { return v; }, word)
    } -> std::same_as<bool>;
  { core.template load_reserved<std::uint32_t>(address, word) } -> std::same_as<bool>;
  { core.template store_conditional<std::uint32_t>(address, word, flag) } -> std::same_as<bool>;
  // HLV/HLVX/HSV: access as if V=1 with privilege hstatus.SPVP.
  { core.template guest_load<std::uint32_t>(address, isa::Access::load, word) } -> std::same_as<bool>;
  { core.template guest_store<std::uint32_t>(address, word) } -> std::same_as<bool>;
  { core.zero_block(address) } -> std::same_as<bool>;  // the cache block that holds `address`
  { core.manage_block(address, isa::BlockOperation{}) } -> std::same_as<bool>;
  { core.fence(fence) } -> std::same_as<void>;
  { core.fence_instruction() } -> std::same_as<void>;   // FENCE.I
  { core.wait_for_interrupt() } -> std::same_as<void>;  // WFI, already found legal
  { core.mark(std::uint16_t{}, std::uint64_t{}) } -> std::same_as<void>;
};

}  // namespace hvsim::cpu
