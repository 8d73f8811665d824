// The monitor's device-tree scan, on trees built by hand after the Devicetree Specification.
#include "workloads/bare/device_tree.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bare {
namespace {

// Writes tokens in order; the strings block collects each property's name.
class TreeWriter {
 public:
  TreeWriter& begin(const std::string& name) {
    word(1);
    bytes(name + '\0');
    return *this;
  }
  TreeWriter& end() {
    word(2);
    return *this;
  }
  TreeWriter& nop() {
    word(4);
    return *this;
  }
  TreeWriter& property(const std::string& name, const std::string& value) {
    word(3);
    word(static_cast<std::uint32_t>(value.size()));
    word(static_cast<std::uint32_t>(strings_.size()));
    strings_ += name + '\0';
    bytes(value);
    return *this;
  }

  // Header of ten words, structure block, strings block; in words, for alignment.
  std::vector<std::uint32_t> finish() {
    word(9);
    std::string blob;
    const auto header = static_cast<std::uint32_t>(40),
               structure = static_cast<std::uint32_t>(structure_.size());
    for (const std::uint32_t field :
         {0xD00DFEEDu, 0u, header, header + structure, 40u, 17u, 16u, 0u, 0u, structure})
      append(blob, field);
    blob += structure_ + strings_;
    std::vector<std::uint32_t> words((blob.size() + 3) / 4);
    blob.copy(reinterpret_cast<char*>(words.data()), blob.size());
    return words;
  }

 private:
  static void append(std::string& text, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  }
  void word(std::uint32_t value) { append(structure_, value); }
  void bytes(const std::string& value) {
    structure_ += value;
    while (structure_.size() % 4 != 0) structure_ += '\0';
  }
  std::string structure_, strings_;
};

std::string cells(std::initializer_list<std::uint32_t> values) {
  std::string text;
  for (const std::uint32_t value : values)
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
  return text;
}

TEST(DeviceTree, TellsArgumentsMemoryAndTimebase) {
  const auto tree = TreeWriter{}
                        .begin("")
                        .property("compatible", std::string("riscv-virtio\0", 13))
                        .begin("chosen")
                        .property("bootargs", std::string("seed=3 work=9\0", 14))
                        .property("stdout-path", std::string("/soc\0", 5))
                        .end()
                        .nop()
                        .begin("memory@80000000")
                        .property("device_type", std::string("memory\0", 7))
                        .property("reg", cells({0, 0x80000000, 1, 0x08000000}))
                        .end()
                        .begin("cpus")
                        .property("timebase-frequency", cells({10'000'000}))
                        .end()
                        .end()
                        .finish();
  const BoardFacts facts = read_device_tree(tree.data());
  EXPECT_EQ(facts.bootargs, "seed=3 work=9");
  EXPECT_EQ(facts.memory_bytes, 0x1'0800'0000u);
  EXPECT_EQ(facts.timebase_hz, 10'000'000u);
}

TEST(DeviceTree, IgnoresTheSamePropertiesOfOtherNodes) {
  const auto tree = TreeWriter{}
                        .begin("")
                        .begin("soc")
                        .property("bootargs", std::string("no\0", 3))
                        .property("reg", cells({0, 0, 0, 1}))
                        .end()
                        .end()
                        .finish();
  const BoardFacts facts = read_device_tree(tree.data());
  EXPECT_TRUE(facts.bootargs.empty());
  EXPECT_EQ(facts.memory_bytes, 0u);
}

TEST(DeviceTree, IsEmptyWhereThereIsNoTree) {
  const std::vector<std::uint32_t> noise(16, 0x12345678);
  EXPECT_TRUE(read_device_tree(noise.data()).bootargs.empty());
  EXPECT_TRUE(read_device_tree(nullptr).bootargs.empty());
}

}  // namespace
}  // namespace bare
