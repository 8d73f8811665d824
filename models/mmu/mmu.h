// Two-stage address translation: the walks of the privileged manual, and why a walk failed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "models/cpu/isa/paging.h"
#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"

namespace hvsim::mem {
class PhysicalMemory;
}

namespace hvsim::mmu {

class Pmp;
class KnownWays;

enum class Stage : std::uint8_t { first, g_stage };

// One root: satp, vsatp or hgatp taken apart. scheme == nullptr means Bare.
struct Root {
  const isa::PagingScheme* scheme = nullptr;
  std::uint64_t table = 0;  // physical address of the root table (GPA for vsatp)
  std::uint16_t space = 0;  // ASID or VMID
  friend bool operator==(const Root&, const Root&) = default;
};

// Everything the translation of one access depends on, captured once from the CSRs by the hart.
struct AddressSpace {
  Root first{};                                        // satp with V=0, vsatp with V=1
  Root g_stage{};                                      // hgatp; used only if `virtualized`
  bool virtualized = false;                            // V=1 (or an access made as if V=1)
  isa::Privilege privilege = isa::Privilege::machine;  // effective; machine means no translation
  bool sum = false;                                    // SUM of the first stage's status register
  bool mxr_first = false;         // MXR that applies to the first stage (sstatus | vsstatus if V)
  bool mxr_g_stage = false;       // MXR of HS-level sstatus, applies to both stages
  bool hardware_ad_first = true;  // Svadu at the first stage; false: A/D clear faults (Svade)
  bool hardware_ad_g_stage = true;
  bool napot = false;       // Svnapot: leaves may have N
  bool pbmt_first = false;  // Svpbmt is on (PBMTE) for the first stage: leaves may have a memory type
  bool pbmt_g_stage = false;
  friend bool operator==(const AddressSpace&, const AddressSpace&) = default;
};

// Whether accesses in this space are translated at all; if not, addresses are physical.
inline bool translates(const AddressSpace& space) {
  return space.privilege != isa::Privilege::machine &&
         (space.first.scheme != nullptr || (space.virtualized && space.g_stage.scheme != nullptr));
}

struct PteRead {
  isa::Hpa address{};
  isa::Gpa guest_physical{};  // where a guest's own PTE is for the guest; else zero
  std::uint64_t value = 0;
  Stage stage = Stage::first;
  std::uint8_t level = 0;
  bool write = false;  // the walker set A or D
};

// Every memory access of a walk in order. Timing charges for it, explanations print it.
struct WalkTrace {
  static constexpr unsigned kMax = 48;  // Sv57 over Sv57x4 makes 35 reads, plus A/D writes
  std::array<PteRead, kMax> reads{};
  std::uint8_t count = 0;
  // Their stages and levels, four bits each, the last one lowest: tells walks that wrote nothing and made no
  // more accesses than have room from each other.
  std::uint64_t kinds = 0;
  bool wrote = false;  // the walker set A or D
  static constexpr unsigned kKinds = 16;
  static std::uint64_t kind_of(const PteRead& read) {
    return static_cast<std::uint64_t>(read.stage) << 3 | read.level;
  }
  void clear() {
    count = 0;
    kinds = 0;
    wrote = false;
  }
};

struct TranslationFault {
  enum class Why : std::uint8_t {
    not_canonical,
    not_valid,
    reserved_encoding,  // W without R; A, D or U in a pointer
    reserved_bits,      // bits 60:54, in a pointer also N and PBMT
    memory_type,        // PBMT is 3, or not enabled
    napot_size,         // N in a PTE that is not of 64 KiB, or without Svnapot
    not_a_leaf,
    misaligned_superpage,
    privilege,   // the U bit against mode and SUM
    permission,  // R, W and X against the access and MXR
    accessed_dirty,
    pmp,
    no_memory  // the last two are access faults
  };
  Why why{};
  Stage stage = Stage::first;
  std::uint8_t level = 0;
  isa::Gpa guest_physical{};              // G-stage faults: the address that failed (for htval/mtval2)
  bool implicit = false;                  // G-stage fault on an access to a first-stage PTE
  bool implicit_write = false;            // that access was an A/D update
  std::optional<isa::Hpa> pte_address{};  // the PTE that broke the rule or could not be accessed, if one did
  std::uint64_t pte = 0;                  // as it was read
  bool access_fault() const { return why == Why::pmp || why == Why::no_memory; }
};

// A leaf's rights after both stages; kept by TLBs so that hits can be checked without a walk.
struct Translation {
  isa::Hpa address{};            // of the byte asked for
  isa::Gpa guest_physical{};     // equals `address` when there is no G-stage
  std::uint8_t page_shift = 12;  // 12, 16, 21, ..: the smaller of both stages' pages (12 if both Bare)
  std::uint64_t first_pte = 0;   // leaf PTE bits (A/D as after this access); 0 when stage is Bare. G is also
                                 // set when a table above the leaf is marked global
  std::uint64_t g_pte = 0;
  std::uint8_t first_level = 0, g_level = 0;
};

class Mmu {
 public:
  // A debugger's walks leave PTEs as they are: A and D count as set, and are not.
  enum class Updates : std::uint8_t { made, left };
  // Whether guests' walks are remembered: worth it for who walks more than once.
  enum class Recall : std::uint8_t { ways, nothing };
  Mmu(mem::PhysicalMemory& memory, const Pmp& pmp, Updates updates = Updates::made,
      Recall recall = Recall::ways);
  ~Mmu();

  // Walks (no TLB here). Sets A/D bits as the space allows. PMP is checked for PTE accesses and for the
  // final address (`bytes` long). Machine mode and Bare roots translate to themselves.
  isa::Result<Translation, TranslationFault> translate(isa::Gva address, isa::Access access, unsigned bytes,
                                                       const AddressSpace& space, WalkTrace& trace) const;

 private:
  isa::Result<Translation, TranslationFault> make_walk(isa::Gva address, isa::Access access, unsigned bytes,
                                                       const AddressSpace& space, WalkTrace& trace) const;

  mem::PhysicalMemory& memory_;
  const Pmp& pmp_;
  Updates updates_;
  std::unique_ptr<KnownWays> known_;  // of no consequence for what is found; null: none
};

// Checks a cached leaf against an access, as translate() would: true if no walk is needed (rights suffice,
// and for stores D is set). PMP is not part of a leaf: the caller asks Pmp, per page where it is uniform.
bool leaf_allows(const Translation& leaf, isa::Access access, const AddressSpace& space);

}  // namespace hvsim::mmu
