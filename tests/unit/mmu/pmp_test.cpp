// PMP against the manual's rules, byte by byte.
#include "models/mmu/pmp.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace hvsim::mmu {
namespace {

using isa::Access;
using isa::Hpa;
using isa::Privilege;

constexpr std::uint8_t kR = 1, kW = 2, kX = 4, kTor = 1 << 3, kNa4 = 2 << 3, kNapot = 3 << 3, kLocked = 0x80;

struct Entries {
  std::array<std::uint8_t, 16> cfg{};
  std::array<std::uint64_t, 16> addr{};
};

Pmp pmp_of(const Entries& entries) {
  Pmp pmp;
  pmp.update(entries.cfg, entries.addr);
  return pmp;
}

// Does entry i match this one byte? (Manual, "Address Matching".)
bool matches(const Entries& e, std::size_t i, std::uint64_t byte) {
  const std::uint64_t word = byte >> 2;
  switch (e.cfg[i] >> 3 & 3) {
    case 1:
      return word >= (i == 0 ? 0 : e.addr[i - 1]) && word < e.addr[i];
    case 2:
      return word == e.addr[i];
    case 3: {
      const std::uint64_t free = e.addr[i] ^ (e.addr[i] + 1);  // the trailing ones and the zero above
      return (word | free) == (e.addr[i] | free);
    }
    default:
      return false;
  }
}

bool textbook_allows(const Entries& e, std::uint64_t address, unsigned bytes, Access access, Privilege who) {
  for (std::size_t i = 0; i < 16; ++i) {
    unsigned matching = 0;
    for (unsigned b = 0; b < bytes; ++b) matching += matches(e, i, address + b);
    if (matching == 0) continue;
    if (matching != bytes) return false;
    if (who == Privilege::machine && (e.cfg[i] & kLocked) == 0) return true;
    const bool r = (e.cfg[i] & kR) != 0, w = (e.cfg[i] & kW) != 0, x = (e.cfg[i] & kX) != 0;
    switch (access) {
      case Access::load:
        return r;
      case Access::store:
        return w;
      case Access::fetch:
        return x;
      case Access::execute_read:
        return r && x;
    }
  }
  return who == Privilege::machine;
}

TEST(Pmp, AtResetOnlyMachineModeMayAccessMemory) {
  const Pmp pmp;
  EXPECT_TRUE(pmp.allows(Hpa{0x80000000}, 8, Access::store, Privilege::machine));
  EXPECT_FALSE(pmp.allows(Hpa{0x80000000}, 8, Access::load, Privilege::supervisor));
  EXPECT_FALSE(pmp.allows(Hpa{0x80000000}, 8, Access::load, Privilege::user));
}

TEST(Pmp, WithoutEntriesEverythingIsAllowed) {
  Pmp pmp;
  pmp.update({}, {});
  EXPECT_TRUE(pmp.allows(Hpa{0x80000000}, 8, Access::store, Privilege::user));
}

TEST(Pmp, NapotOfAllOnesCoversTheWholeAddressSpace) {
  Entries e;
  e.cfg[0] = kNapot | kR | kW | kX;
  for (const std::uint64_t ones : {(std::uint64_t{1} << 54) - 1, (std::uint64_t{1} << 53) - 1}) {
    e.addr[0] = ones;
    const Pmp pmp = pmp_of(e);
    EXPECT_TRUE(pmp.allows(Hpa{0}, 8, Access::store, Privilege::user));
    EXPECT_TRUE(pmp.allows(Hpa{(std::uint64_t{1} << 56) - 8}, 8, Access::fetch, Privilege::supervisor));
  }
}

TEST(Pmp, AnAccessThatOnlyPartlyMatchesFailsEvenForMachineMode) {
  Entries e;
  e.cfg[0] = kNa4;
  e.addr[0] = 0xC >> 2;
  const Pmp pmp = pmp_of(e);
  EXPECT_FALSE(pmp.allows(Hpa{0x8}, 8, Access::load, Privilege::machine));  // the manual's example
  EXPECT_TRUE(pmp.allows(Hpa{0xC}, 4, Access::load, Privilege::machine));
}

TEST(Pmp, AnEmptyTorRangeMatchesNothing) {
  Entries e;
  e.addr[0] = 0x2000 >> 2;
  e.cfg[1] = kTor;
  e.addr[1] = 0x1000 >> 2;
  e.cfg[2] = kNapot | kR;
  e.addr[2] = (std::uint64_t{1} << 54) - 1;
  EXPECT_TRUE(pmp_of(e).allows(Hpa{0x1800}, 4, Access::load, Privilege::user));
}

TEST(Pmp, LockedEntriesBindMachineMode) {
  Entries e;
  e.cfg[0] = kNapot | kR | kLocked;
  e.addr[0] = 0x1FF;
  const Pmp pmp = pmp_of(e);
  EXPECT_TRUE(pmp.allows(Hpa{0x100}, 4, Access::load, Privilege::machine));
  EXPECT_FALSE(pmp.allows(Hpa{0x100}, 4, Access::store, Privilege::machine));
}

TEST(Pmp, GenerationMovesOnlyWhenAnswersMayChange) {
  Entries e;
  Pmp pmp;
  const auto start = pmp.generation();
  pmp.update(e.cfg, e.addr);
  e.addr[5] = 77;  // of an entry that is OFF
  pmp.update(e.cfg, e.addr);
  EXPECT_EQ(pmp.generation(), start);
  e.cfg[5] = kNa4 | kR;
  pmp.update(e.cfg, e.addr);
  EXPECT_NE(pmp.generation(), start);
}

TEST(Pmp, RandomConfigurationsAnswerAsTheManualSays) {
  std::mt19937_64 random(1);
  unsigned granted = 0, refused = 0;
  for (unsigned round = 0; round < 2'000; ++round) {
    Entries e;
    for (std::size_t i = 0; i < 16; ++i) {
      if (random() % 3 == 0) continue;
      e.cfg[i] = static_cast<std::uint8_t>(random() & 0x9F);
      e.addr[i] = random() % 0x1000;  // the lowest 16 KiB
      if (random() % 2 == 0) e.addr[i] |= (std::uint64_t{1} << random() % 12) - 1;
    }
    const Pmp pmp = pmp_of(e);
    for (unsigned probe = 0; probe < 40; ++probe) {
      const unsigned bytes = 1U << random() % 4;
      const std::uint64_t address = random() % 0x4100;
      const auto access = static_cast<Access>(random() % 4);
      const auto who = std::array{Privilege::user, Privilege::supervisor, Privilege::machine}[random() % 3];
      const bool expected = textbook_allows(e, address, bytes, access, who);
      (expected ? granted : refused)++;
      ASSERT_EQ(pmp.allows(Hpa{address}, bytes, access, who), expected) << std::hex << address;
    }
    const std::uint64_t page = random() % 5 * 4096;
    if (!pmp.page_is_uniform(Hpa{page + 123})) continue;
    for (unsigned probe = 0; probe < 100; ++probe) {
      const auto access = static_cast<Access>(random() % 4);
      const auto who = std::array{Privilege::user, Privilege::supervisor, Privilege::machine}[random() % 3];
      const Hpa inside{page + random() % 4096 / 8 * 8};
      ASSERT_EQ(pmp.allows(inside, 8, access, who), pmp.allows(Hpa{page}, 1, access, who));
    }
  }
  EXPECT_GT(granted, 1000U);
  EXPECT_GT(refused, 1000U);
}

TEST(Pmp, PagesWithABoundaryInsideAreNotUniform) {
  Entries e;
  e.cfg[0] = kNa4 | kR;
  e.addr[0] = 0x1FFC >> 2;
  e.cfg[1] = kNapot | kR | kW | kX;
  e.addr[1] = (std::uint64_t{1} << 54) - 1;
  const Pmp pmp = pmp_of(e);
  EXPECT_TRUE(pmp.page_is_uniform(Hpa{0x0}));
  EXPECT_FALSE(pmp.page_is_uniform(Hpa{0x1000}));
  EXPECT_TRUE(pmp.page_is_uniform(Hpa{0x2000}));
}

}  // namespace
}  // namespace hvsim::mmu
