// What an archive takes out is what was put in, and nothing that could not have been.
#include "models/state/archive.h"

#include <gtest/gtest.h>

namespace hvsim::state {
namespace {

struct Everything {
  bool flag = false;
  std::uint16_t number = 0;
  std::array<std::int64_t, 2> pair{};
  std::vector<std::uint32_t> table = std::vector<std::uint32_t>(3);
  std::optional<std::string> text;
  std::map<std::uint8_t, std::deque<std::uint8_t>> queues;
  isa::Mode mode{};
  void persist(Archive& archive) {
    auto& [a, b, c, d, e, f, g] = *this;
    archive(a, b, c, d, e, f, g);
  }
};

Bytes sample() {
  Everything before{.flag = true,
                    .number = 0xABCD,
                    .pair = {-1, 2},
                    .table = {7, 8, 9},
                    .text = "text",
                    .queues = {{1, {2, 3}}, {4, {}}},
                    .mode = {isa::Privilege::user, true}};
  Archive archive;
  archive(before);
  return archive.take();
}

TEST(Archive, GivesBackWhatItTook) {
  const Bytes bytes = sample();
  Archive archive(bytes);
  Everything after;
  archive(after);
  EXPECT_FALSE(archive.failed());
  EXPECT_EQ(archive.left(), 0u);
  EXPECT_TRUE(after.flag);
  EXPECT_EQ(after.number, 0xABCD);
  EXPECT_EQ(after.pair[0], -1);
  EXPECT_EQ(after.table, (std::vector<std::uint32_t>{7, 8, 9}));
  EXPECT_EQ(after.text, "text");
  EXPECT_EQ(after.queues.at(1), (std::deque<std::uint8_t>{2, 3}));
  EXPECT_EQ(after.mode, (isa::Mode{isa::Privilege::user, true}));
}

TEST(Archive, FailsOnEveryCutAndNeverReadsOn) {
  const Bytes bytes = sample();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Archive archive{std::span(bytes).first(size)};
    Everything after;
    archive(after);
    EXPECT_TRUE(archive.failed()) << size;
  }
}

TEST(Archive, RefusesWhatNoValueIs) {
  const auto fails = [](Bytes bytes, auto value) {
    Archive archive(bytes);
    archive(value);
    return archive.failed();
  };
  EXPECT_TRUE(fails({2}, false));
  EXPECT_TRUE(fails({2, 0}, isa::Mode{}));                                     // a reserved privilege
  EXPECT_TRUE(fails({3, 1}, isa::Mode{}));                                     // M-mode with V=1
  EXPECT_TRUE(fails({4, 0, 0, 0, 0, 0, 0, 0}, std::vector<std::uint8_t>(3)));  // another size
  EXPECT_TRUE(fails({255, 255, 255, 255, 0, 0, 0, 0, 1}, std::string()));      // longer than there is
  EXPECT_TRUE(fails({2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 5, 0}, std::map<std::uint8_t, std::uint8_t>()));  // twice
}

}  // namespace
}  // namespace hvsim::state
