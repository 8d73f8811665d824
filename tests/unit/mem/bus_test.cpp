// The bus: who answers where, and overlaps told in words.
#include "models/mem/bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hvsim::mem {
namespace {

using isa::Hpa;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct NoDevice : device::RegisterWindow {
  bool read(std::uint64_t, unsigned, std::uint64_t&) override { return false; }
  bool write(std::uint64_t, unsigned, std::uint64_t) override { return false; }
};

TEST(Bus, FindsTheWindowOfAnAddressAndNothingBetween) {
  NoDevice clint, uart;
  Bus bus;
  ASSERT_EQ(bus.add(Hpa{0x10000000}, 0x100, "uart", uart), std::nullopt);
  ASSERT_EQ(bus.add(Hpa{0x02000000}, 0x10000, "clint", clint), std::nullopt);
  ASSERT_NE(bus.find(Hpa{0x02000000}), nullptr);
  EXPECT_EQ(bus.find(Hpa{0x0200FFFF})->window, &clint);
  EXPECT_EQ(bus.find(Hpa{0x100000FF})->name, "uart");
  EXPECT_EQ(bus.find(Hpa{0x01FFFFFF}), nullptr);
  EXPECT_EQ(bus.find(Hpa{0x02010000}), nullptr);
  EXPECT_EQ(bus.find(Hpa{0x10000100}), nullptr);
  EXPECT_EQ(bus.find(Hpa{~std::uint64_t{0}}), nullptr);
}

TEST(Bus, OverlapsAreToldWithBothNames) {
  NoDevice device;
  Bus bus;
  ASSERT_EQ(bus.reserve(Hpa{0x80000000}, 0x10000000, "RAM"), std::nullopt);
  ASSERT_EQ(bus.add(Hpa{0x1000}, 0x1000, "rtc", device), std::nullopt);
  EXPECT_THAT(bus.add(Hpa{0x8FFFFFFF}, 1, "plic", device).value_or(""),
              AllOf(HasSubstr("plic (0x8fffffff"), HasSubstr("overlaps RAM (0x80000000")));
  EXPECT_THAT(bus.add(Hpa{0x800}, 0x801, "rom", device).value_or(""), HasSubstr("overlaps rtc"));
  EXPECT_EQ(bus.add(Hpa{0x800}, 0x800, "rom", device), std::nullopt);
  EXPECT_THAT(bus.add(Hpa{0}, 0, "none", device).value_or(""), HasSubstr("size is zero"));
  EXPECT_THAT(bus.add(Hpa{~std::uint64_t{0}}, 2, "wrap", device).value_or(""), HasSubstr("beyond the end"));
}

TEST(Bus, ReservedMemoryIsNoDevice) {
  Bus bus;
  ASSERT_EQ(bus.reserve(Hpa{0x80000000}, 0x1000, "RAM"), std::nullopt);
  EXPECT_EQ(bus.find(Hpa{0x80000000}), nullptr);
}

}  // namespace
}  // namespace hvsim::mem
