// The symbols of a Linux kernel: those in the stock one's own table, and those of a System.map.
#include "sim/image/kernel_symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string_view>

#include "tests/support/files.h"

namespace hvsim::sim {
namespace {

using testing::HasSubstr;

const Symbol* named(const std::vector<Symbol>& symbols, std::string_view name) {
  const auto found = std::ranges::find(symbols, name, &Symbol::name);
  return found != symbols.end() ? &*found : nullptr;
}

// What lies at a symbol tells whether its address is right.
TEST(KernelSymbols, OfTheStockKernelAreWhereTheySay) {
  const auto image = read_file(HVSIM_GUESTS "/debian/Image");
  ASSERT_TRUE(image) << image.error();
  const std::vector<Symbol> symbols = kernel_symbols(*image);
  ASSERT_GT(symbols.size(), 50'000u);
  EXPECT_TRUE(std::ranges::is_sorted(symbols, {}, &Symbol::address));
  const Symbol *start = named(symbols, "_start"), *banner = named(symbols, "linux_banner");
  ASSERT_TRUE(start != nullptr && banner != nullptr && named(symbols, "start_kernel") != nullptr);
  const std::string_view text(reinterpret_cast<const char*>(image->data()), image->size());
  EXPECT_EQ(text.substr(banner->address - start->address, 16), "Linux version 6.");
}

TEST(KernelSymbols, OfWhatIsCutOffOrNoKernelAreNone) {
  const auto image = read_file(HVSIM_GUESTS "/debian/Image");
  ASSERT_TRUE(image) << image.error();
  const std::span<const std::byte> whole(*image);
  for (const std::size_t bytes : {0, 1, 20, 4096}) EXPECT_TRUE(kernel_symbols(whole.first(bytes)).empty());
  const std::size_t all = kernel_symbols(whole).size();
  std::size_t empty = 0;
  for (std::size_t bytes = whole.size() / 16; bytes < whole.size(); bytes += whole.size() / 16) {
    const std::size_t known = kernel_symbols(whole.first(bytes)).size();
    EXPECT_TRUE(known == 0 || known == all) << bytes;
    empty += known == 0 ? 1 : 0;
  }
  EXPECT_GT(empty, 0u);
  EXPECT_TRUE(kernel_symbols(whole.last(whole.size() / 64)).empty());
}

TEST(KernelSymbols, OfASystemMapAreAllThatItNames) {
  const tests::Scratch scratch;
  const std::string file = (scratch.path() / "System.map").string();
  std::ofstream(file) << "ffffffff80002000 T start_kernel\nno line of one\nffffffff80000000 T _start\n"
                         "ffffffff80002000 t __init_begin\n";
  const auto symbols = system_map_symbols(file);
  ASSERT_TRUE(symbols) << symbols.error();
  ASSERT_EQ(symbols->size(), 3u);
  EXPECT_EQ(symbols->at(0).name, "_start");
  EXPECT_EQ(symbols->at(2).name, "start_kernel");  // the one that is shown
  const auto none = system_map_symbols(file + "x");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace hvsim::sim
