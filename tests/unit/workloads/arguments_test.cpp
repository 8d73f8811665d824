// Workload arguments: values, defaults, and every way to get them wrong.
#include "workloads/runtime/arguments.h"

#include <gtest/gtest.h>

namespace guest {
namespace {

using Kind = ArgumentError::Kind;

TEST(Arguments, ReadDecimalAndHexadecimalAndFallBackWhereAbsent) {
  Arguments arguments{"  calls=1000\tseed=0xDEADbeef \n work=0"};
  EXPECT_EQ(arguments.number("calls", 7, 0, 10'000), 1000u);
  EXPECT_EQ(arguments.number("seed", 7, 0, ~0ull), 0xDEADBEEFu);
  EXPECT_EQ(arguments.number("work", 7, 0, 10), 0u);
  EXPECT_EQ(arguments.number("absent", 7, 0, 10), 7u);
  arguments.reject_unknown();
  EXPECT_TRUE(arguments.ok());
}

TEST(Arguments, AreAllDefaultsInAnEmptyText) {
  Arguments arguments{""};
  EXPECT_EQ(arguments.number("ticks", 20, 1, 30), 20u);
  arguments.reject_unknown();
  EXPECT_TRUE(arguments.ok());
}

TEST(Arguments, ReachTheLargestNumberAndNotOneMore) {
  std::uint64_t value = 0;
  EXPECT_TRUE(parse_number("18446744073709551615", value));
  EXPECT_EQ(value, ~std::uint64_t{0});
  EXPECT_FALSE(parse_number("18446744073709551616", value));
  EXPECT_TRUE(parse_number("0xFFFFFFFFFFFFFFFF", value));
  EXPECT_FALSE(parse_number("0x10000000000000000", value));
}

TEST(Arguments, RejectWhatIsNoNumber) {
  std::uint64_t value = 0;
  for (const char* text : {"", "-1", "1.5", "12k", "0x", "0xg", "1e3", "+1", "a"})
    EXPECT_FALSE(parse_number(text, value)) << text;
}

TEST(Arguments, KeepTheTokenAndTheRangeOfABadValue) {
  Arguments arguments{"hz=abc"};
  EXPECT_EQ(arguments.number("hz", 100, 1, 1000), 100u);
  EXPECT_EQ(arguments.error().kind, Kind::not_a_number);
  EXPECT_EQ(arguments.error().token, "hz=abc");
  EXPECT_EQ(arguments.error().maximum, 1000u);
}

TEST(Arguments, RejectValuesOutsideTheirRange) {
  Arguments low{"hz=0"}, high{"hz=1001"};
  low.number("hz", 100, 1, 1000);
  high.number("hz", 100, 1, 1000);
  EXPECT_EQ(low.error().kind, Kind::out_of_range);
  EXPECT_EQ(high.error().kind, Kind::out_of_range);
}

TEST(Arguments, RejectUnknownDuplicateAndMalformedTokens) {
  Arguments unknown{"hz=1 hertz=2"}, duplicate{"hz=1 hz=2"}, bare_word{"hz"}, no_key{"=3"};
  unknown.number("hz", 100, 1, 1000);
  unknown.reject_unknown();
  EXPECT_EQ(unknown.error().kind, Kind::unknown);
  EXPECT_EQ(unknown.error().token, "hertz=2");
  EXPECT_EQ(duplicate.error().kind, Kind::duplicate);
  EXPECT_EQ(bare_word.error().kind, Kind::malformed);
  EXPECT_EQ(no_key.error().kind, Kind::malformed);
}

TEST(Arguments, KeepTheFirstOfSeveralMistakes) {
  Arguments arguments{"broken hz=x"};
  arguments.number("hz", 1, 1, 2);
  EXPECT_EQ(arguments.error().token, "broken");
}

TEST(Arguments, RejectMoreThanTheyCanHold) {
  std::string text;
  for (int i = 0; i < 33; ++i) text += "k" + std::to_string(i) + "=1 ";
  EXPECT_EQ(Arguments{text}.error().kind, Kind::too_many);
}

TEST(Arguments, LeaveTheMonitorsOwnKeysAlone) {
  Arguments arguments{"bare.sstc=1"};
  arguments.reject_unknown();
  EXPECT_TRUE(arguments.ok());
}

}  // namespace
}  // namespace guest
