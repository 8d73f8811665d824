// Number formatting against printf's.
#include "workloads/runtime/format.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace guest {
namespace {

template <class Number>
std::string text(Number number) {
  FormatBuffer buffer;
  return std::string{format(number, buffer)};
}

TEST(Format, PrintsDecimalNumbersAsPrintfDoes) {
  for (const std::uint64_t value : {0ull, 9ull, 10ull, 1234567890ull, ~0ull})
    EXPECT_EQ(text(Decimal{value}), std::to_string(value));
}

TEST(Format, PrintsHexadecimalNumbersWithAllTheirDigits) {
  EXPECT_EQ(text(Hex{0}), "0000000000000000");
  EXPECT_EQ(text(Hex{0x0123456789ABCDEF}), "0123456789abcdef");
  EXPECT_EQ(text(Hex{0xABC, 4}), "0abc");
}

TEST(Format, PrintsFixedPointNumbersAsPrintfDoes) {
  EXPECT_EQ(text(Fixed{1234, 2}), "12.34");
  EXPECT_EQ(text(Fixed{5, 2}), "0.05");
  EXPECT_EQ(text(Fixed{0, 3}), "0.000");
  EXPECT_EQ(text(Fixed{42, 0}), "42");
  EXPECT_EQ(text(Fixed{~0ull, 19}), "1.8446744073709551615");
}

}  // namespace
}  // namespace guest
