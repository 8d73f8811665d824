// What of guests' output a terminal may see.
#include "sim/printable.h"

#include <gtest/gtest.h>

#include "hypervisor/printable.h"

namespace hvsim::sim {
namespace {

std::string shown(std::string_view bytes) {
  Printable printable;
  std::string text = printable.feed(bytes);
  return text += printable.finish();
}

TEST(PrintableText, KeepsTextAndShowsEverythingElseAsEscapes) {
  EXPECT_EQ(shown("plain\r\n\tcaf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n"),
            "plain\r\n\tcaf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n");
  EXPECT_EQ(shown("\x1b[2J\a\x7f"), "\\x1b[2J\\x07\\x7f");
  EXPECT_EQ(shown(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(shown("\xc2\x9b"
                  "2J"),
            "\\xc2\\x9b2J")
      << "U+009B is a control character";
  EXPECT_EQ(shown("\xff\xc3(\xe2\x82"), "\\xff\\xc3(\\xe2\\x82");
}

// Unicode, "Well-Formed UTF-8 Byte Sequences": of all sequences of up to four bytes at the edges of its rows.
TEST(PrintableText, KnowsWellFormedUtf8) {
  const auto bytes = [](std::string_view text) { return hv::printable_bytes(text); };
  for (const std::string_view good :
       {"\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xe1\x80\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(bytes(good), good.size());
  for (const std::string_view bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe1\x80", "\xf1\x80\x80",
        "\xc3\xc3", "\xe1\x80\xc0"})
    EXPECT_EQ(bytes(bad), 0u);
}

TEST(PrintableText, CutsNoCharacterWhereverTheBytesAreCut) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
  for (std::size_t first = 0; first <= text.size(); ++first)
    for (std::size_t second = first; second <= text.size(); ++second) {
      Printable printable;
      std::string all = printable.feed(std::string_view(text).substr(0, first));
      all += printable.feed(std::string_view(text).substr(first, second - first));
      all += printable.feed(std::string_view(text).substr(second));
      EXPECT_EQ(all + printable.finish(), text);
    }
  EXPECT_EQ(printable_line(text, text.size()), text);
  EXPECT_EQ(printable_line(text, 5), "a\xc3\xa9...");
}

}  // namespace
}  // namespace hvsim::sim
