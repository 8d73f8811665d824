// The device-tree reader against trees that libfdt wrote, and against every kind of damage to them.
#include "hypervisor/fdt_reader.h"

#include <gtest/gtest.h>

#include <vector>

#include "sim/image/fdt_writer.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

std::vector<std::byte> example() {
  hvsim::sim::FdtWriter writer;
  writer.text("compatible", "test,tree");
  writer.cell("small", 7);
  writer.cells64("large", {0x123456789abcdef0});
  writer.begin("cpus");
  writer.begin("cpu@0");
  writer.cell("reg", 0);
  writer.end();
  writer.begin("cpu@1");
  writer.cell("reg", 1);
  writer.texts("compatible", {"first", "second"});
  writer.end();
  writer.end();
  writer.begin("chosen");
  writer.flag("empty");
  writer.end();
  return *writer.finish();
}

// Reads all there is, so that the sanitizers see any access outside.
std::size_t walk(const FdtReader& tree, FdtReader::Node node) {
  std::size_t sum = tree.name(node).size();
  for (const char* name : {"compatible", "small", "large", "reg", "empty", "none"}) {
    if (const auto value = tree.property(node, name))
      for (const std::byte byte : *value) sum += std::to_integer<std::size_t>(byte);
    sum += static_cast<std::size_t>(tree.number(node, name).value_or(0));
    sum += tree.text(node, name).value_or("").size();
  }
  sum += tree.is_compatible(node, "second") ? 1 : 0;
  for (auto child = tree.first_child(node); child; child = tree.next_sibling(*child))
    sum += walk(tree, *child);
  return sum;
}

std::size_t read_everything(std::span<const std::byte> blob) {
  // A copy of exactly this size: one byte beyond it is a sanitizer error.
  const std::vector<std::byte> exact(blob.begin(), blob.end());
  const auto tree = FdtReader::open(exact);
  if (!tree) return 0;
  for (unsigned i = 0; i < 4; ++i) tree->reservation(i);
  return 1 + walk(*tree, tree->root());
}

TEST(FdtReader, FindsWhatLibfdtWrote) {
  const auto blob = example();
  const auto tree = FdtReader::open(blob);
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->u32(tree->root(), "small"), 7u);
  EXPECT_EQ(tree->number(tree->root(), "large"), 0x123456789abcdef0u);
  EXPECT_EQ(tree->text(tree->root(), "compatible"), "test,tree");
  EXPECT_FALSE(tree->property(tree->root(), "reg"));
  const auto cpus = tree->child(tree->root(), "cpus");
  ASSERT_TRUE(cpus);
  const auto first = tree->first_child(*cpus);
  const auto second = tree->next_sibling(*first);
  ASSERT_TRUE(second);
  EXPECT_EQ(tree->name(*second), "cpu@1");
  EXPECT_FALSE(tree->next_sibling(*second));
  EXPECT_TRUE(tree->is_compatible(*second, "second"));
  EXPECT_FALSE(tree->is_compatible(*second, "sec"));
  EXPECT_EQ(tree->name(*tree->child(*cpus, "cpu")), "cpu@0");
  EXPECT_EQ(tree->property(*tree->child(tree->root(), "chosen"), "empty")->size(), 0u);
  EXPECT_FALSE(tree->next_sibling(tree->root()));
}

TEST(FdtReader, RefusesATreeCutShortAtEveryLength) {
  const auto blob = example();
  for (std::size_t length = 0; length < blob.size(); ++length)
    EXPECT_EQ(read_everything(std::span(blob).first(length)), 0u) << length;
}

TEST(FdtReader, NeverReadsOutsideWhicheverWordIsChanged) {
  const auto blob = example();
  for (std::size_t at = 0; at + 4 <= blob.size(); at += 4) {
    for (const std::uint32_t value :
         {0u, 1u, 2u, 3u, 4u, 9u, 0x7fffffffu, 0x80000000u, 0xfffffffcu, 0xffffffffu}) {
      auto damaged = blob;
      for (unsigned i = 0; i < 4; ++i) damaged[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
      read_everything(damaged);
    }
  }
}

TEST(FdtReader, NeverReadsOutsideRandomlyDamagedTrees) {
  Random random(20240611);
  const auto blob = example();
  for (unsigned round = 0; round < 20000; ++round) {
    auto damaged = blob;
    for (unsigned n = random() % 4 + 1; n != 0; --n)
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    read_everything(damaged);
  }
}

TEST(FdtReader, RefusesGarbage) {
  Random random(7);
  std::vector<std::byte> garbage(512);
  for (unsigned round = 0; round < 1000; ++round) {
    for (std::byte& byte : garbage) byte = static_cast<std::byte>(random());
    EXPECT_EQ(read_everything(garbage), 0u);
  }
}

TEST(FdtReader, RefusesNodesNestedDeeperThanSixteen) {
  const auto nested = [](unsigned depth) {
    hvsim::sim::FdtWriter writer;
    for (unsigned i = 1; i < depth; ++i) writer.begin("n");
    for (unsigned i = 1; i < depth; ++i) writer.end();
    return *writer.finish();
  };
  EXPECT_TRUE(FdtReader::open(nested(16)));
  EXPECT_FALSE(FdtReader::open(nested(17)));
}

}  // namespace
}  // namespace hv
