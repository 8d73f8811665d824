// Two-stage translation by composing one walk: the first stage's PTE accesses pass through the G-stage.
#include "models/mmu/mmu.h"

#include <algorithm>

#include "models/mem/physical_memory.h"
#include "models/mmu/known_ways.h"
#include "models/mmu/pmp.h"
#include "models/mmu/walk.h"

namespace hvsim::mmu {

namespace {

using Why = TranslationFault::Why;
using Fault = std::optional<TranslationFault>;

constexpr unsigned kPteBytes = 8;

// PTE accesses at supervisor physical addresses; their effective privilege for PMP is S-mode (manual,
// "Physical Memory Protection and Paging").
class PhysicalPtes {
 public:
  PhysicalPtes(mem::PhysicalMemory& memory, const Pmp& pmp, Stage stage, WalkTrace& trace,
               Mmu::Updates updates)
      : memory_(memory), pmp_(pmp), stage_(stage), trace_(trace), updates_(updates) {}

  Fault read(std::uint64_t address, std::uint8_t level, std::uint64_t& value, isa::Gpa guest_physical = {}) {
    if (!pmp_.allows(isa::Hpa{address}, kPteBytes, isa::Access::load, isa::Privilege::supervisor))
        [[unlikely]]
      return inaccessible(Why::pmp, address, level);
    if (!memory_.read(isa::Hpa{address}, value)) [[unlikely]]
      return inaccessible(Why::no_memory, address, level);
    note({isa::Hpa{address}, guest_physical, value, stage_, level, false});
    return std::nullopt;
  }

  Fault set(std::uint64_t address, std::uint64_t bits, std::uint8_t level, isa::Gpa guest_physical = {}) {
    if (!updates()) return std::nullopt;
    std::uint64_t value = 0;
    if (!pmp_.allows(isa::Hpa{address}, kPteBytes, isa::Access::store, isa::Privilege::supervisor))
      return inaccessible(Why::pmp, address, level);
    if (!memory_.read(isa::Hpa{address}, value) || !memory_.write(isa::Hpa{address}, value | bits))
      return inaccessible(Why::no_memory, address, level);
    note({isa::Hpa{address}, guest_physical, value | bits, stage_, level, true});
    return std::nullopt;
  }

  bool updates() const { return updates_ == Mmu::Updates::made; }

 private:
  void note(const PteRead& access) {
    trace_.kinds = trace_.kinds << 4 | WalkTrace::kind_of(access);
    trace_.wrote |= access.write;
    if (trace_.count != WalkTrace::kMax) trace_.reads[trace_.count++] = access;
  }
  TranslationFault inaccessible(Why why, std::uint64_t address, std::uint8_t level) const {
    TranslationFault fault = fault_of(why, stage_, level);
    fault.pte_address = isa::Hpa{address};
    return fault;
  }

  mem::PhysicalMemory& memory_;
  const Pmp& pmp_;
  Stage stage_;
  WalkTrace& trace_;
  Mmu::Updates updates_;
};

// Guest-physical to supervisor-physical. Every access counts as U-mode's (manual, "Guest Physical Address
// Translation"), and MXR helps explicit loads only.
class GStage {
 public:
  enum class For : std::uint8_t { explicit_access, pte_read, pte_write };

  GStage(const AddressSpace& space, PhysicalPtes ptes) : space_(space), ptes_(ptes) {}

  Fault translate(std::uint64_t address, isa::Access access, For purpose, Leaf& leaf) {
    if (bare()) {
      leaf = {.output = address};
      return std::nullopt;
    }
    auto fault = walk(request(address, access, purpose), ptes_, leaf);
    if (fault) [[unlikely]]
      fault = blame(*fault, address, purpose);
    return fault;
  }

  // The walker is about to write through a leaf that it translated for reading.
  Fault allow_pte_write(std::uint64_t address, Leaf& leaf) {
    if (bare()) return std::nullopt;
    auto fault = use_leaf(request(address, isa::Access::store, For::pte_write), leaf, ptes_);
    if (fault) fault = blame(*fault, address, For::pte_write);
    return fault;
  }

 private:
  bool bare() const { return space_.g_stage.scheme == nullptr; }

  WalkRequest request(std::uint64_t address, isa::Access access, For purpose) const {
    return {.stage = Stage::g_stage,
            .scheme = space_.g_stage.scheme,
            .table = space_.g_stage.table,
            .address = address,
            .access = access,
            .asker = {.privilege = isa::Privilege::user,
                      .mxr = space_.mxr_g_stage && purpose == For::explicit_access},
            .hardware_ad = space_.hardware_ad_g_stage,
            .format = {.napot = space_.napot, .pbmt = space_.pbmt_g_stage}};
  }

  static TranslationFault blame(TranslationFault fault, std::uint64_t address, For purpose) {
    fault.guest_physical = isa::Gpa{address};
    fault.implicit = purpose != For::explicit_access;
    fault.implicit_write = purpose == For::pte_write;
    return fault;
  }

  const AddressSpace& space_;
  PhysicalPtes ptes_;
};

// PTE accesses of a guest's first stage: at guest-physical addresses.
class GuestPtes {
 public:
  GuestPtes(GStage& g_stage, PhysicalPtes ptes) : g_stage_(g_stage), ptes_(ptes) {}

  Fault read(std::uint64_t address, std::uint8_t level, std::uint64_t& value) {
    if (auto fault = g_stage_.translate(address, isa::Access::load, GStage::For::pte_read, last_))
        [[unlikely]]
      return fault;
    return ptes_.read(last_.output, level, value, isa::Gpa{address});
  }

  // Only ever the PTE that was read last.
  Fault set(std::uint64_t address, std::uint64_t bits, std::uint8_t level) {
    if (!ptes_.updates()) return std::nullopt;
    if (auto fault = g_stage_.allow_pte_write(address, last_)) return fault;
    return ptes_.set(last_.output, bits, level, isa::Gpa{address});
  }

 private:
  GStage& g_stage_;
  PhysicalPtes ptes_;
  Leaf last_{};
};

Asker first_stage_asker(const AddressSpace& space) {
  return {.privilege = space.privilege, .sum = space.sum, .mxr = space.mxr_first || space.mxr_g_stage};
}

Asker g_stage_asker(const AddressSpace& space) {
  return {.privilege = isa::Privilege::user, .mxr = space.mxr_g_stage};
}

template <class Ptes>
Fault first_stage(isa::Gva address, isa::Access access, const AddressSpace& space, Ptes& ptes, Leaf& leaf) {
  if (space.first.scheme == nullptr) {
    leaf = {.output = address.value};
    return std::nullopt;
  }
  return walk(WalkRequest{.stage = Stage::first,
                          .scheme = space.first.scheme,
                          .table = space.first.table,
                          .address = address.value,
                          .access = access,
                          .asker = first_stage_asker(space),
                          .hardware_ad = space.hardware_ad_first,
                          .format = {.napot = space.napot, .pbmt = space.pbmt_first}},
              ptes, leaf);
}

std::uint8_t page_shift(const Leaf& leaf) {
  return static_cast<std::uint8_t>(isa::leaf_shift(leaf.level, leaf.pte));
}

void enter_first(Translation& translation, const Leaf& leaf) {
  translation.address = isa::Hpa{leaf.output};
  translation.guest_physical = isa::Gpa{leaf.output};
  if (leaf.pte == 0) return;
  translation.first_pte = leaf.pte | (leaf.global ? isa::pte::g : 0);
  translation.first_level = leaf.level;
  translation.page_shift = page_shift(leaf);
}

void enter_g_stage(Translation& translation, const Leaf& leaf) {
  translation.address = isa::Hpa{leaf.output};
  if (leaf.pte == 0) return;
  translation.g_pte = leaf.pte;
  translation.g_level = leaf.level;
  translation.page_shift =
      translation.first_pte == 0 ? page_shift(leaf) : std::min(translation.page_shift, page_shift(leaf));
}

Fault one_stage(isa::Gva address, isa::Access access, const AddressSpace& space, PhysicalPtes ptes,
                Translation& translation) {
  Leaf leaf;
  auto fault = first_stage(address, access, space, ptes, leaf);
  if (!fault) enter_first(translation, leaf);
  return fault;
}

Fault two_stages(isa::Gva address, isa::Access access, const AddressSpace& space, PhysicalPtes first_ptes,
                 PhysicalPtes g_ptes, Translation& translation) {
  GStage g_stage(space, g_ptes);
  GuestPtes guest_ptes(g_stage, first_ptes);
  Leaf first, second;
  if (auto fault = first_stage(address, access, space, guest_ptes, first)) return fault;
  auto fault = g_stage.translate(first.output, access, GStage::For::explicit_access, second);
  if (fault) return fault;
  enter_first(translation, first);
  enter_g_stage(translation, second);
  return std::nullopt;
}

// Names the PTE that broke the rule: the last that was read at that stage and level.
TranslationFault with_pte(TranslationFault fault, const WalkTrace& trace) {
  if (fault.why == Why::not_canonical) return fault;
  for (unsigned i = trace.count; i-- > 0;) {
    const PteRead& read = trace.reads[i];
    if (read.write || read.stage != fault.stage || read.level != fault.level) continue;
    if (!fault.access_fault()) fault.pte_address = read.address;
    if (fault.pte_address == read.address) fault.pte = read.value;
    break;
  }
  return fault;
}

}  // namespace

Mmu::Mmu(mem::PhysicalMemory& memory, const Pmp& pmp, Updates updates, Recall recall)
    : memory_(memory),
      pmp_(pmp),
      updates_(updates),
      known_(recall == Recall::ways ? std::make_unique<KnownWays>() : nullptr) {}
Mmu::~Mmu() = default;

isa::Result<Translation, TranslationFault> Mmu::translate(isa::Gva address, isa::Access access,
                                                          unsigned bytes, const AddressSpace& space,
                                                          WalkTrace& trace) const {
  const bool stages = space.first.scheme != nullptr && space.privilege != isa::Privilege::machine &&
                      (!space.virtualized || space.g_stage.scheme != nullptr);
  if (known_ == nullptr || !stages || trace.count != 0)
    return make_walk(address, access, bytes, space, trace);
  Translation known;
  const Asker asker = first_stage_asker(space);
  if (space.virtualized ? known_->replay_both(address, access, bytes, space, asker, g_stage_asker(space),
                                              pmp_, trace, known)
                        : known_->replay_one(address, access, bytes, space, asker, pmp_, trace, known))
    return known;
  auto found = make_walk(address, access, bytes, space, trace);
  if (found && updates_ == Updates::made) known_->remember(address, space, pmp_, memory_, trace, *found);
  return found;
}

isa::Result<Translation, TranslationFault> Mmu::make_walk(isa::Gva address, isa::Access access,
                                                          unsigned bytes, const AddressSpace& space,
                                                          WalkTrace& trace) const {
  const PhysicalPtes first_ptes(memory_, pmp_, Stage::first, trace, updates_);
  const PhysicalPtes g_ptes(memory_, pmp_, Stage::g_stage, trace, updates_);
  Translation found{.address = isa::Hpa{address.value}, .guest_physical = isa::Gpa{address.value}};
  Fault fault;
  if (translates(space))
    fault = space.virtualized ? two_stages(address, access, space, first_ptes, g_ptes, found)
                              : one_stage(address, access, space, first_ptes, found);
  if (fault) return isa::Failure{with_pte(*fault, trace)};
  if (!pmp_.allows(found.address, bytes, access, space.privilege)) {
    fault = fault_of(Why::pmp, space.virtualized ? Stage::g_stage : Stage::first, 0);
    fault->guest_physical = found.guest_physical;
    return isa::Failure{*fault};
  }
  return found;
}

bool leaf_allows(const Translation& leaf, isa::Access access, const AddressSpace& space) {
  const auto allows = [access](std::uint64_t pte, const Asker& asker) {
    return pte == 0 || (!forbidden(pte, access, asker) && missing_accessed_dirty(pte, access) == 0);
  };
  return allows(leaf.first_pte, first_stage_asker(space)) && allows(leaf.g_pte, g_stage_asker(space));
}

}  // namespace hvsim::mmu
