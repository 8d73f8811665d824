// Sentences about failed walks (privileged manual, "Virtual Address Translation Process": the step numbers
// are the manual's).
#include <span>

#include "models/cpu/isa/paging.h"
#include "models/mmu/pmp.h"
#include "sim/image/format.h"
#include "sim/trap_words.h"

namespace hvsim::sim {
namespace {

namespace pte = isa::pte;
using Why = mmu::TranslationFault::Why;

bool pointer(std::uint64_t entry) { return (entry & (pte::r | pte::x)) == 0; }

// What the walk wants of the PTE at fault: its own accesses to VS-stage PTEs are loads and stores.
isa::Access access_of(const cpu::FaultSeen& fault) {
  if (!fault.why.implicit) return fault.access;
  return fault.why.implicit_write ? isa::Access::store : isa::Access::load;
}

std::string privilege_words(const cpu::FaultSeen& fault, std::uint64_t entry) {
  if (fault.why.stage == mmu::Stage::g_stage) return "U=0, and every G-stage access counts as U-mode's";
  if ((entry & pte::u) == 0) return "U=0, and the access is U-mode's";
  return access_of(fault) == isa::Access::fetch ? "U=1, and S-mode never fetches from a page of U-mode"
                                                : "U=1, and SUM=0 keeps S-mode out of pages of U-mode";
}

std::string permission_words(const cpu::FaultSeen& fault, std::uint64_t entry) {
  switch (access_of(fault)) {
    case isa::Access::store:
      return "W=0, and the access is a store";
    case isa::Access::fetch:
    case isa::Access::execute_read:
      return "X=0, and the access is a fetch";
    case isa::Access::load:
      break;
  }
  return (entry & pte::x) != 0 ? "R=0, and MXR=0 does not let X stand for it"
                               : "R=0, and the access is a load";
}

std::string rule_words(const cpu::FaultSeen& fault) {
  const std::uint64_t entry = fault.why.pte;
  const bool g_stage = fault.why.stage == mmu::Stage::g_stage;
  switch (fault.why.why) {
    case Why::not_canonical:
      return g_stage ? "the address has bits set above what the scheme translates (before step 1)"
                     : "the address is not canonical: its upper bits are not all equal (before step 1)";
    case Why::not_valid:
      return "V=0: the PTE is not valid (step 3)";
    case Why::reserved_encoding:
      return (entry & (pte::r | pte::w)) == pte::w
                 ? "W=1 with R=0 is reserved (step 3)"
                 : "D, A and U are reserved in a pointer to the next table (step 3)";
    case Why::reserved_bits:
      return pointer(entry) ? "bits 63:54 are reserved in a pointer to the next table (step 3)"
                            : "bits 60:54 are reserved (step 3)";
    case Why::memory_type:
      return "PBMT (bits 62:61) is reserved, or not enabled by PBMTE (step 3)";
    case Why::napot_size:
      return "N=1 (bit 63) in a PTE that is not of 64 KiB, or without Svnapot (step 3)";
    case Why::not_a_leaf:
      return "R=0 and X=0 at the last level: no leaf (step 4)";
    case Why::misaligned_superpage:
      return "a superpage whose low PPN bits are not 0 (step 5)";
    case Why::privilege:
      return privilege_words(fault, entry) + " (step 6)";
    case Why::permission:
      return permission_words(fault, entry) + " (step 6)";
    case Why::accessed_dirty:
      return (entry & pte::a) == 0 ? "A=0, and the hardware does not set it (step 9, Svade)"
                                   : "D=0 on a store, and the hardware does not set it (step 9, Svade)";
    case Why::pmp:
      return fault.why.pte_address ? "PMP forbids the access to the PTE (step 2)" : "PMP forbids the access";
    case Why::no_memory:
      return "there is no memory at the PTE's address (step 2)";
  }
  return "unknown";
}

std::string stage_words(const cpu::FaultSeen& fault) {
  if (fault.why.stage == mmu::Stage::g_stage) return "G-stage";
  return fault.space.virtualized ? "VS-stage" : "first stage";
}

std::string refusal_words(const cpu::HartState& hart, const cpu::FaultSeen& fault) {
  if (!fault.physical) return "nothing there takes such an access";
  mmu::Pmp pmp;
  const auto entries = hart.isa_config.pmp_entries;
  pmp.update(std::span(hart.csr.pmpcfg).first(entries), std::span(hart.csr.pmpaddr).first(entries));
  const std::string at = " physical " + hex(fault.physical->value);
  if (!pmp.allows(*fault.physical, 1, fault.access, fault.space.privilege))
    return "PMP forbids the access to" + at;
  return "nothing is at" + at + ", or what is there does not take such an access";
}

}  // namespace

std::string fault_words(const cpu::HartState& hart, const cpu::FaultSeen& fault) {
  using Kind = cpu::FaultSeen::Kind;
  if (fault.kind == Kind::misaligned) return "the address is not a multiple of the access's size";
  if (fault.kind == Kind::access) return refusal_words(hart, fault);
  std::string text =
      stage_words(fault) + ", level " + std::to_string(fault.why.level) + ": " + rule_words(fault);
  if (fault.why.implicit)
    text += fault.why.implicit_write ? "; the access was the walk's own update of a VS-stage PTE"
                                     : "; the access was the walk's own read of a VS-stage PTE";
  return text;
}

std::string pte_flags(std::uint64_t entry) {
  constexpr std::string_view letters = "DAGUXWRV";
  std::string text;
  for (unsigned i = 0; i < letters.size(); ++i) text += (entry >> (7 - i) & 1) != 0 ? letters[i] : '-';
  return text;
}

std::string pte_words(const mmu::PteRead& read) {
  if (read.write) return "updated: A or D set";
  if ((read.value & pte::v) == 0) return "not valid";
  const std::string page = hex((read.value & pte::ppn_mask) >> pte::ppn_shift << isa::kPageShift);
  return (pointer(read.value) ? "table at " : "page at ") + page;
}

}  // namespace hvsim::sim
