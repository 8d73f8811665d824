// The model's walks beside the reference walk, over random page tables.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>

#include "models/mmu/tlb.h"
#include "tests/unit/mmu/random_page_tables.h"

namespace hvsim::mmu {
namespace {

using reference::Circumstances;
using reference::Outcome;
using reference::Wants;
using Why = TranslationFault::Why;

constexpr Wants kWants[] = {Wants::fetch, Wants::read, Wants::write, Wants::hlvx};
constexpr Manners kManners[] = {{0, 0}, {0, 1}, {0, 8}, {10, 20}};

// PMP: a few hot pages with rights of their own, everything else open.
struct GuardedPage {
  std::uint64_t page;
  unsigned rights;  // R 1, W 2, X 4
};

Circumstances draw_circumstances(Dice& dice) {
  constexpr unsigned modes[] = {0, 8, 9, 10};
  Circumstances c;
  c.guest = dice.chance(65);
  c.first_mode = modes[dice.below(4)];
  c.g_mode = modes[dice.below(4)];
  c.first_ppn = (kRam >> 12) + dice.below(kHotPages);
  c.g_ppn = ((kRam >> 12) + dice.below(kHotPages)) & ~3ULL;
  if (c.guest && c.g_mode != 0) c.first_ppn = dice.below(kHotPages) | dice.below(1 << 11) << 18;
  c.user = dice.chance(50);
  c.sum = dice.chance(70);
  c.mxr_of_guest = dice.chance(30);
  c.mxr = dice.chance(30);
  c.adue_first = dice.chance(75);
  c.adue_g = dice.chance(75);
  c.pbmte_first = dice.chance(50);
  c.pbmte_g = dice.chance(50);
  c.svnapot = dice.chance(70);
  return c;
}

AddressSpace space_of(const Circumstances& c) {
  AddressSpace space;
  space.first = {isa::find_scheme(isa::kFirstStageSchemes, c.first_mode), c.first_ppn << 12, 1};
  space.virtualized = c.guest;
  if (c.guest) space.g_stage = {isa::find_scheme(isa::kGStageSchemes, c.g_mode), c.g_ppn << 12, 1};
  space.privilege = c.user ? isa::Privilege::user : isa::Privilege::supervisor;
  space.sum = c.sum;
  space.mxr_g_stage = c.mxr;
  space.mxr_first = c.mxr || (c.guest && c.mxr_of_guest);
  space.hardware_ad_first = c.adue_first;
  space.hardware_ad_g_stage = c.adue_g;
  space.napot = c.svnapot;
  space.pbmt_first = c.pbmte_first;
  space.pbmt_g_stage = c.pbmte_g;
  return space;
}

isa::Access access_of(Wants wants) {
  switch (wants) {
    case Wants::fetch:
      return isa::Access::fetch;
    case Wants::read:
      return isa::Access::load;
    case Wants::write:
      return isa::Access::store;
    case Wants::hlvx:
      break;
  }
  return isa::Access::execute_read;
}

unsigned step_of(const TranslationFault& fault) {
  switch (fault.why) {
    case Why::not_canonical:
      return 0;
    case Why::not_valid:
    case Why::reserved_encoding:
    case Why::reserved_bits:
    case Why::memory_type:
    case Why::napot_size:
      return 3;
    case Why::not_a_leaf:
      return 4;
    case Why::misaligned_superpage:
      return 5;
    case Why::privilege:
      return 6;
    case Why::permission:
      return 8;
    case Why::accessed_dirty:
      return 9;
    case Why::pmp:
    case Why::no_memory:
      break;
  }
  if (!fault.pte_address) return 11;
  return fault.pte == 0 ? 2 : 9;  // an unreadable PTE, or one that may not be updated
}

// A few bits decide the whole path, so small numbers and extremes are as likely as anything.
std::uint64_t draw_address(Dice& dice, const Circumstances& c) {
  std::uint64_t address = dice.word() >> dice.below(40);
  const unsigned mode = c.first_mode != 0 ? c.first_mode : c.guest ? c.g_mode : 0;
  if (mode == 0) return address >> 8;  // physical addresses have 56 bits
  if (!dice.chance(3)) {
    const unsigned bits = 12 + 9 * (mode - 5) + (c.first_mode == 0 ? 2 : 0);
    address = address << (64 - bits) >> (64 - bits);
    if (c.first_mode != 0 && (address >> (bits - 1)) != 0) address |= ~std::uint64_t{0} << (bits - 1);
  }
  return address;
}

class RandomWalks : public ::testing::Test {
 protected:
  void protect(std::vector<GuardedPage> guards) {
    std::vector<std::uint8_t> cfg;
    std::vector<std::uint64_t> addr;
    for (const GuardedPage& g : guards) {
      cfg.push_back(static_cast<std::uint8_t>(0x18 | g.rights));
      addr.push_back(g.page >> 2 | 0x1FF);
    }
    cfg.push_back(0x1F);
    addr.push_back(~std::uint64_t{0});
    machine.pmp.update(cfg, addr);
    guarded = std::move(guards);
  }
  unsigned rights(std::uint64_t address) const {
    for (const GuardedPage& g : guarded)
      if (address >> 12 == g.page >> 12) return g.rights;
    return 7;
  }
  bool final_access_allowed(std::uint64_t address, Wants wants) const {
    constexpr unsigned needed[] = {4, 1, 2, 5};
    const unsigned need = needed[static_cast<unsigned>(wants)];
    return (rights(address) & need) == need;
  }
  reference::Walk reference_walk(const Circumstances& c) {
    return reference::Walk(
        c, [this](auto address, bool g, unsigned level) { return tables.read(address, g, level); },
        [this](auto address, bool write) { return (rights(address) & (write ? 2 : 1)) != 0; });
  }
  void apply(const reference::Walk& walk) {
    for (const auto& access : walk.accesses())
      if (access.write) expected_[access.address] = access.value;
  }
  void compare_accesses(const reference::Walk& walk) {
    ASSERT_EQ(machine.trace.count, walk.accesses().size());
    for (unsigned i = 0; i < machine.trace.count; ++i) {
      const PteRead& got = machine.trace.reads[i];
      const reference::PteAccess as_told{got.address.value, got.guest_physical.value,
                                         got.value,         got.stage == Stage::g_stage,
                                         got.level,         got.write};
      ASSERT_EQ(as_told, walk.accesses()[i]) << "access " << i << " of the walk";
    }
  }
  void compare_memory() {
    for (const auto& [address, word] : tables.words()) {
      const auto changed = expected_.find(address);
      ASSERT_EQ(machine.load(address), changed == expected_.end() ? word : changed->second)
          << std::hex << address;
    }
  }
  static void compare(const Translation& got, const Outcome& expected, const Circumstances& c) {
    EXPECT_EQ(expected.step, 10U);
    EXPECT_EQ(got.address.value, expected.physical);
    EXPECT_EQ(got.guest_physical.value, expected.guest_physical);
    EXPECT_EQ(std::uint64_t{1} << got.page_shift, expected.page_bytes);
    EXPECT_EQ(c.first_mode != 0 && (got.first_pte & bits::g) != 0, expected.global);
  }
  static void compare(const TranslationFault& got, const Outcome& expected) {
    EXPECT_EQ(step_of(got), expected.step);
    EXPECT_EQ(got.access_fault(), expected.access_fault);
    if (got.access_fault()) return;
    EXPECT_EQ(got.stage == Stage::g_stage, expected.guest_page_fault);
    if (!expected.guest_page_fault) return;
    EXPECT_EQ(got.guest_physical.value, expected.faulting_guest_physical);
    EXPECT_EQ(got.implicit, expected.implicit);
    EXPECT_EQ(got.implicit_write, expected.implicit_write);
  }
  void one_round();
  std::optional<Translation> walk(const Circumstances& c, std::uint64_t address, Wants wants,
                                  Outcome& expected);
  void go_there_again(Circumstances c, std::uint64_t address);
  void ask_the_leaf(const Translation& kept, const Outcome& first, Circumstances c, std::uint64_t address);

  Dice dice{1};
  Machine machine;
  PageTables tables{dice, machine.memory};
  std::vector<GuardedPage> guarded;
  std::map<std::uint64_t, std::uint64_t> expected_;
  std::map<Why, unsigned> faults;
  std::map<std::uint64_t, unsigned> pages;
  unsigned implicit_faults = 0, implicit_writes = 0, updates = 0, hits = 0, refusals = 0, returns = 0;
};

void RandomWalks::one_round() {
  const Circumstances c = draw_circumstances(dice);
  tables.begin(c, kManners[dice.below(4)]);
  expected_.clear();
  std::vector<GuardedPage> pages_to_guard;
  if (dice.chance(25))
    for (unsigned i = 0; i < 3; ++i)
      pages_to_guard.push_back({kRam + dice.below(kHotPages) * 4096, static_cast<unsigned>(dice.below(8))});
  if (!pages_to_guard.empty() || !guarded.empty()) protect(pages_to_guard);

  const std::uint64_t address = draw_address(dice, c);
  Outcome expected;
  const auto got = walk(c, address, kWants[dice.below(4)], expected);
  if (HasFailure() || !got) return;
  ++pages[expected.page_bytes];
  ASSERT_NO_FATAL_FAILURE(go_there_again(c, address));
  if (guarded.empty() && translates(space_of(c))) {
    const auto kept = walk(c, address, Wants::read, expected);
    if (kept && !HasFailure()) ask_the_leaf(*kept, expected, c, address);
  }
}

// Nothing if it ended in a fault, as it should have.
std::optional<Translation> RandomWalks::walk(const Circumstances& c, std::uint64_t address, Wants wants,
                                             Outcome& expected) {
  expected_.clear();
  reference::Walk walk = reference_walk(c);
  expected = walk.translate(address, wants);
  if (expected.step == 10 && !final_access_allowed(expected.physical, wants)) {
    expected.step = 11;
    expected.access_fault = true;
  }
  apply(walk);
  machine.trace = {};
  const auto got = machine.mmu.translate(isa::Gva{address}, access_of(wants), 1, space_of(c), machine.trace);
  std::optional<Translation> found;
  [&] {
    ASSERT_NO_FATAL_FAILURE(compare_accesses(walk));
    ASSERT_NO_FATAL_FAILURE(compare_memory());
    ASSERT_EQ(got.ok(), expected.step == 10);
    if (got.ok()) {
      compare(*got, expected, c);
      found = *got;
    } else {
      compare(got.error(), expected);
      ++faults[got.error().why];
      implicit_faults += expected.implicit;
      implicit_writes += expected.implicit_write;
    }
  }();
  updates += !expected_.empty();
  for (const auto& [where, word] : expected_) tables.put(where, word);
  return found;
}

// What the walker remembers of its ways never shows: other accesses nearby, by others, while PTEs change.
void RandomWalks::go_there_again(Circumstances c, std::uint64_t address) {
  for (unsigned i = 0; i < 4; ++i) {
    if (!tables.words().empty() && dice.chance(30)) {
      auto word = tables.words().begin();
      std::advance(word, static_cast<std::ptrdiff_t>(dice.below(tables.words().size())));
      tables.put(word->first, word->second ^ std::uint64_t{1} << dice.below(dice.chance(80) ? 16 : 64));
    }
    if (dice.chance(20)) c.user = !c.user;
    if (dice.chance(20)) c.sum = !c.sum;
    if (dice.chance(20)) c.mxr = !c.mxr;
    if (dice.chance(5)) c.pbmte_g = !c.pbmte_g;
    if (dice.chance(5)) c.svnapot = !c.svnapot;
    if (dice.chance(3)) c.g_ppn ^= 4;
    const std::uint64_t nearby = dice.chance(50) ? address : address ^ dice.below(1 << 21);
    Outcome expected;
    returns += walk(c, nearby, kWants[dice.below(4)], expected).has_value();
    ASSERT_FALSE(HasFailure()) << "return " << i;
  }
}

// A TLB's answer to other accesses of the page, by other modes, is that of a new walk.
void RandomWalks::ask_the_leaf(const Translation& kept, const Outcome& first, Circumstances c,
                               std::uint64_t address) {
  tables.settle_siblings(first.first_leaf_address);
  tables.settle_siblings(first.g_leaf_address);
  if (!tables.siblings_agree()) return;
  Translation page = kept;
  page.address.value &= ~(first.page_bytes - 1);
  page.guest_physical.value &= ~(first.page_bytes - 1);
  for (unsigned i = 0; i < 4; ++i) {
    c.user = dice.chance(50);
    c.sum = dice.chance(50);
    c.mxr = dice.chance(40);
    c.mxr_of_guest = dice.chance(40);
    const Wants wants = kWants[dice.below(4)];
    const std::uint64_t other = (address & ~(first.page_bytes - 1)) | dice.below(first.page_bytes);
    reference::Walk walk = reference_walk(c);
    const Outcome again = walk.translate(other, wants);
    bool updated = false;
    for (const auto& access : walk.accesses()) updated |= access.write;
    const bool allowed = leaf_allows(page, access_of(wants), space_of(c));
    ASSERT_EQ(allowed, again.step == 10 && !updated);
    if (allowed) {
      ASSERT_EQ(at(page, isa::Gva{other}).address.value, again.physical);
      ASSERT_EQ(at(page, isa::Gva{other}).guest_physical.value, again.guest_physical);
    }
    (allowed ? hits : refusals)++;
  }
}

unsigned long rounds_asked_for() {
  const char* text = std::getenv("HVSIM_WALKS");
  return text == nullptr ? 200'000 : std::strtoul(text, nullptr, 10);
}

// HVSIM_WALKS asks for more rounds.
TEST_F(RandomWalks, EndAsTheManualsAlgorithmDoes) {
  const unsigned long rounds = rounds_asked_for();
  for (unsigned long round = 0; round < rounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(one_round()) << "round " << round;
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
  for (const Why why : {Why::not_canonical, Why::not_valid, Why::reserved_encoding, Why::reserved_bits,
                        Why::memory_type, Why::napot_size, Why::not_a_leaf, Why::misaligned_superpage,
                        Why::privilege, Why::permission, Why::accessed_dirty, Why::pmp, Why::no_memory})
    EXPECT_GE(faults[why], rounds / 2000) << static_cast<unsigned>(why);
  for (const unsigned shift : {12, 16, 21, 30, 39, 48})
    EXPECT_GE(pages[std::uint64_t{1} << shift], rounds / 5000) << shift;
  EXPECT_GT(implicit_faults, rounds / 50);
  EXPECT_GT(implicit_writes, rounds / 500);
  EXPECT_GT(updates, rounds / 20);
  EXPECT_GT(hits, rounds / 20);
  EXPECT_GT(refusals, rounds / 20);
  EXPECT_GT(returns, rounds / 10);
}

}  // namespace
}  // namespace hvsim::mmu
