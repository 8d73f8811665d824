// What riscv-tests' programs write to `tohost`, and what they find afterwards.
#include "models/device/htif.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace hvsim::device {
namespace {

using Kind = FinishRequest::Kind;

class Memory final : public DmaPort {
 public:
  bool read(isa::Hpa from, std::span<std::uint8_t> to) override {
    if (!is_ram(from, to.size())) return false;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from.value), to.size(), to.begin());
    return true;
  }
  bool write(isa::Hpa to, std::span<const std::uint8_t> from) override {
    if (!is_ram(to, from.size())) return false;
    std::ranges::copy(from, bytes.begin() + static_cast<std::ptrdiff_t>(to.value));
    return true;
  }
  bool is_ram(isa::Hpa address, std::uint64_t length) const override {
    return address.value <= bytes.size() && length <= bytes.size() - address.value;
  }
  std::uint64_t word(std::uint64_t at) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  }
  void put(std::uint64_t at, std::uint64_t value) { std::memcpy(bytes.data() + at, &value, sizeof value); }
  std::array<std::uint8_t, 4096> bytes{};
};

class HtifDevice : public testing::Test {
 protected:
  static constexpr std::uint64_t kTo = 0x100, kFrom = 0x140, kCall = 0x200;
  void say(std::uint64_t command) {
    memory.put(kTo, command);
    htif.look();
  }
  Memory memory;
  std::string console;
  std::vector<FinishRequest> ends;
  Htif htif{isa::Hpa{kTo},
            isa::Hpa{kFrom},
            {.memory = memory,
             .console = [this](std::uint8_t byte) { console += static_cast<char>(byte); },
             .finish = [this](FinishRequest request) { ends.push_back(request); }}};
};

TEST_F(HtifDevice, OneIsAPassAndOtherOddNumbersAreTheFailedTest) {
  htif.look();
  EXPECT_TRUE(ends.empty()) << "nothing was asked for";
  say(1);
  say(7 << 1 | 1);
  say(0x12'3456 << 1 | 1);
  ASSERT_EQ(ends.size(), 3u);
  EXPECT_EQ(ends[0].kind, Kind::pass);
  EXPECT_EQ(ends[1].kind, Kind::fail);
  EXPECT_EQ(ends[1].code, 7u);
  EXPECT_EQ(ends[2].kind, Kind::fail);
  EXPECT_EQ(ends[2].code, 0xFFFFu) << "a failure stays one";
}

TEST_F(HtifDevice, CharactersAreShownAndTheMailboxIsEmptyAgain) {
  for (const char c : std::string("ok\n")) {
    say(std::uint64_t{1} << 56 | std::uint64_t{1} << 48 | static_cast<std::uint8_t>(c));
    EXPECT_EQ(memory.word(kTo), 0u);
  }
  EXPECT_EQ(console, "ok\n");
  EXPECT_TRUE(ends.empty());
}

TEST_F(HtifDevice, WriteByProxyAnswersWithItsLength) {
  std::memcpy(memory.bytes.data() + 0x300, "hello", 5);
  memory.put(kCall, 64);
  memory.put(kCall + 8, 1);
  memory.put(kCall + 16, 0x300);
  memory.put(kCall + 24, 5);
  say(kCall);
  EXPECT_EQ(console, "hello");
  EXPECT_EQ(memory.word(kCall), 5u);
  EXPECT_EQ(memory.word(kFrom), 1u);
  EXPECT_EQ(memory.word(kTo), 0u);
}

TEST_F(HtifDevice, ExitByProxyEndsTheRun) {
  memory.put(kCall, 93);
  memory.put(kCall + 8, 3);
  say(kCall);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].code, 3u);
}

TEST_F(HtifDevice, WhatIsNotThereIsRefusedOrIgnored) {
  memory.put(kCall, 63);  // read
  say(kCall);
  EXPECT_EQ(static_cast<std::int64_t>(memory.word(kCall)), -38);
  memory.put(kCall, 64);
  memory.put(kCall + 8, 1);
  memory.put(kCall + 16, 0xFFFF'FFFF'FFFF'FFF0);
  memory.put(kCall + 24, ~std::uint64_t{0});
  say(kCall);
  EXPECT_EQ(static_cast<std::int64_t>(memory.word(kCall)), -14);
  say(0x00FF'FFFF'FFF8);        // a call's arguments outside memory
  say(std::uint64_t{9} << 56);  // no such device
  say(std::uint64_t{1} << 56);  // a character is wanted
  EXPECT_EQ(memory.word(kTo), 0u);
  EXPECT_EQ(console, "");
  EXPECT_TRUE(ends.empty());
}

}  // namespace
}  // namespace hvsim::device
