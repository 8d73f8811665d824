// The page-table walk, written once for both stages (privileged manual, "Virtual Address Translation
// Process"; the step numbers are the manual's).
#pragma once

#include <cstdint>
#include <optional>

#include "models/cpu/isa/paging.h"
#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"
#include "models/mmu/mmu.h"

namespace hvsim::mmu {

// Who asks, as far as leaf permissions depend on it.
struct Asker {
  isa::Privilege privilege = isa::Privilege::user;
  bool sum = false;
  bool mxr = false;
};

// Which of a PTE's high bits have a meaning; the others are reserved.
struct PteFormat {
  bool napot = false;
  bool pbmt = false;
};

struct WalkRequest {
  Stage stage = Stage::first;
  const isa::PagingScheme* scheme = nullptr;
  std::uint64_t table = 0;    // of the root
  std::uint64_t address = 0;  // to translate
  isa::Access access = isa::Access::load;
  Asker asker{};
  bool hardware_ad = true;
  PteFormat format{};
};

struct Leaf {
  std::uint64_t pte = 0;
  std::uint64_t pte_address = 0;
  std::uint64_t output = 0;  // the translated address, page offset included
  std::uint8_t level = 0;
  bool global = false;  // by its own G bit or that of a table above
};

// The single steps of the walk, inlined: two stages take dozens of them.
namespace steps {

inline constexpr unsigned kIndexBits = 9;
inline constexpr std::uint64_t kPteBytes = 8;
inline constexpr std::uint64_t kHighBits = isa::pte::reserved | isa::pte::pbmt | isa::pte::n;
constexpr std::uint64_t ones(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

// Any of these lets the access through. HLVX takes X in R's place, whatever MXR says.
constexpr std::uint64_t rights_for(isa::Access access, bool mxr) {
  switch (access) {
    case isa::Access::fetch:
    case isa::Access::execute_read:
      return isa::pte::x;
    case isa::Access::load:
      return mxr ? isa::pte::r | isa::pte::x : isa::pte::r;
    case isa::Access::store:
      break;
  }
  return isa::pte::w;
}

std::optional<TranslationFault::Why> malformed_high_bits(std::uint64_t pte, unsigned level, PteFormat format,
                                                         bool leaf);

}  // namespace steps

inline bool points_to_leaf(std::uint64_t pte) { return (pte & (isa::pte::r | isa::pte::x)) != 0; }

// Step 1's precondition: canonical for a first stage, zero above the width for the G-stage.
inline bool address_fits(const isa::PagingScheme& scheme, Stage stage, std::uint64_t address) {
  if (stage == Stage::g_stage) return address >> scheme.va_bits == 0;
  const unsigned unused = 64U - scheme.va_bits;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(address << unused) >> unused) == address;
}

inline std::uint64_t pte_address(const isa::PagingScheme& scheme, std::uint64_t table, std::uint64_t address,
                                 unsigned level) {
  const bool root = level + 1U == scheme.levels;
  const unsigned index_bits = steps::kIndexBits + (root ? scheme.root_extra_bits : 0U);
  const unsigned shift = isa::kPageShift + steps::kIndexBits * level;
  return table + (address >> shift & steps::ones(index_bits)) * steps::kPteBytes;
}

// Step 3.
inline std::optional<TranslationFault::Why> malformed(std::uint64_t pte, unsigned level, PteFormat format) {
  using Why = TranslationFault::Why;
  if ((pte & isa::pte::v) == 0) return Why::not_valid;
  if ((pte & (isa::pte::r | isa::pte::w)) == isa::pte::w) return Why::reserved_encoding;
  const bool leaf = points_to_leaf(pte);
  if (!leaf && (pte & (isa::pte::d | isa::pte::a | isa::pte::u)) != 0) return Why::reserved_encoding;
  if ((pte & steps::kHighBits) == 0) return std::nullopt;
  return steps::malformed_high_bits(pte, level, format, leaf);
}

inline bool misaligned_superpage(std::uint64_t pte, unsigned level) {  // step 5
  return (pte >> isa::pte::ppn_shift & steps::ones(steps::kIndexBits * level)) != 0;
}

// Steps 6 and 8.
inline std::optional<TranslationFault::Why> forbidden(std::uint64_t pte, isa::Access access,
                                                      const Asker& asker) {
  const bool of_user = (pte & isa::pte::u) != 0;
  const bool supervisor_may = !of_user || (asker.sum && access != isa::Access::fetch);
  if (asker.privilege == isa::Privilege::user ? !of_user : !supervisor_may)
    return TranslationFault::Why::privilege;
  if ((pte & steps::rights_for(access, asker.mxr)) == 0) return TranslationFault::Why::permission;
  return std::nullopt;
}

inline std::uint64_t missing_accessed_dirty(std::uint64_t pte, isa::Access access) {  // step 9: bits to set
  const std::uint64_t needed = access == isa::Access::store ? isa::pte::a | isa::pte::d : isa::pte::a;
  return needed & ~pte;
}

inline std::uint64_t output_address(std::uint64_t pte, std::uint64_t address, unsigned level) {
  const std::uint64_t page = (pte & isa::pte::ppn_mask) >> isa::pte::ppn_shift << isa::kPageShift;
  const std::uint64_t offset = steps::ones(isa::leaf_shift(level, pte));
  return (page & ~offset) | (address & offset);
}

inline TranslationFault fault_of(TranslationFault::Why why, Stage stage, unsigned level) {
  return {.why = why, .stage = stage, .level = static_cast<std::uint8_t>(level)};
}

// Steps 6 to 9 for a leaf at hand: is the access allowed, and are A and D as they must be?
template <class Ptes>
std::optional<TranslationFault> use_leaf(const WalkRequest& request, Leaf& leaf, Ptes& ptes) {
  using Why = TranslationFault::Why;
  if (const auto why = forbidden(leaf.pte, request.access, request.asker))
    return fault_of(*why, request.stage, leaf.level);
  const std::uint64_t missing = missing_accessed_dirty(leaf.pte, request.access);
  if (missing == 0) return std::nullopt;
  if (!request.hardware_ad) return fault_of(Why::accessed_dirty, request.stage, leaf.level);
  // One thread runs the machine, so nothing stores to the PTE since step 2 and setting bits is atomic.
  if (auto fault = ptes.set(leaf.pte_address, missing, leaf.level)) return fault;
  leaf.pte |= missing;
  return std::nullopt;
}

// `Ptes` reads and updates PTEs at addresses in the root's own address space:
//   std::optional<TranslationFault> read(std::uint64_t address, std::uint8_t level, std::uint64_t& pte)
//   std::optional<TranslationFault> set(std::uint64_t address, std::uint64_t bits, std::uint8_t level)
// The leaf is filled in where it is wanted, unless there is a fault: copies of results would be a good part
// of what a walk takes.
template <class Ptes>
std::optional<TranslationFault> walk(const WalkRequest& request, Ptes& ptes, Leaf& leaf) {
  using Why = TranslationFault::Why;
  const isa::PagingScheme& scheme = *request.scheme;
  if (!address_fits(scheme, request.stage, request.address))
    return fault_of(Why::not_canonical, request.stage, scheme.levels - 1U);

  std::uint64_t table = request.table;  // step 1
  bool global = false;
  for (unsigned level = scheme.levels; level-- > 0;) {
    const std::uint64_t where = pte_address(scheme, table, request.address, level);
    std::uint64_t pte = 0;
    if (auto fault = ptes.read(where, static_cast<std::uint8_t>(level), pte)) [[unlikely]]  // step 2
      return fault;
    if (const auto why = malformed(pte, level, request.format))  // step 3
      return fault_of(*why, request.stage, level);
    global |= (pte & isa::pte::g) != 0;
    if (!points_to_leaf(pte)) {  // step 4
      table = (pte & isa::pte::ppn_mask) >> isa::pte::ppn_shift << isa::kPageShift;
      continue;
    }
    if (misaligned_superpage(pte, level))  // step 5
      return fault_of(Why::misaligned_superpage, request.stage, level);
    leaf.pte = pte;
    leaf.pte_address = where;
    leaf.output = output_address(pte, request.address, level);  // step 10
    leaf.level = static_cast<std::uint8_t>(level);
    leaf.global = global;
    return use_leaf(request, leaf, ptes);  // steps 6 to 9
  }
  return fault_of(Why::not_a_leaf, request.stage, 0);  // step 4: i < 0
}

}  // namespace hvsim::mmu
