// virtio-console against virtio 1.2, section 5.3.
#include "models/device/virtio_console.h"

#include "tests/unit/device/virtio_fixture.h"

namespace hvsim::device {
namespace {

class VirtioConsoleTest : public testing::Test {
 protected:
  // Descriptors, rings and data of queue 1 are 0x800 behind those of queue 0.
  void start() {
    ASSERT_TRUE(bench_.negotiate(virtio::kVersion1));
    bench_.start_queue(8, 0);
    bench_.start_queue(8, 1);
    bench_.add_status(virtio::kDriverOk);
  }
  void offer(unsigned queue, std::uint16_t head) {
    const std::uint64_t ring = VirtioBench::kAvailable + queue * 0x800;
    bench_.memory.put(ring + 4 + 2 * (available_[queue] % 8), head);
    bench_.memory.put(ring + 2, ++available_[queue]);
  }
  void describe(unsigned queue, unsigned index, std::uint64_t address, std::uint32_t bytes,
                std::uint16_t flags, std::uint16_t next = 0) {
    bench_.describe(index, address, bytes, flags, next, VirtioBench::kDescriptors + queue * 0x800);
  }
  std::uint16_t used(unsigned queue) {
    return bench_.memory.at<std::uint16_t>(VirtioBench::kUsed + queue * 0x800 + 2);
  }
  std::uint32_t used_bytes(unsigned queue, unsigned entry) {
    return bench_.memory.at<std::uint32_t>(VirtioBench::kUsed + queue * 0x800 + 8 + 8 * entry);
  }
  void put_text(std::uint64_t address, std::string_view text) {
    for (const char each : text) bench_.memory.put(address++, each);
  }
  std::string text_at(std::uint64_t address, std::size_t length) {
    std::string text;
    while (text.size() < length) text += bench_.memory.at<char>(address++);
    return text;
  }

  std::string shown_;
  VirtioConsole console_{
      [this](std::span<const std::uint8_t> text) { shown_.append(text.begin(), text.end()); }};
  VirtioBench bench_{&console_};
  std::uint16_t available_[2] = {};
};

TEST_F(VirtioConsoleTest, ShowsWhatIsTransmitted) {
  start();
  put_text(VirtioBench::kData, "hello, ");
  put_text(VirtioBench::kData + 100, "console\n");
  describe(1, 0, VirtioBench::kData, 7, VirtioBench::kNext, 1);
  describe(1, 1, VirtioBench::kData + 100, 8, 0);
  offer(1, 0);
  bench_.work();
  EXPECT_EQ(shown_, "hello, console\n");
  EXPECT_EQ(used(1), 1u);
  EXPECT_EQ(used_bytes(1, 0), 0u);
  EXPECT_TRUE(bench_.line.high);
}

TEST_F(VirtioConsoleTest, LongOutputMovesInPieces) {
  start();
  describe(1, 0, VirtioBench::kData, 10'000, 0);
  offer(1, 0);
  EXPECT_EQ(bench_.work(), 3u);
  EXPECT_EQ(shown_.size(), 10'000u);
}

TEST_F(VirtioConsoleTest, InputWaitsForBuffersAndFillsThemInOrder) {
  console_.push("abcdef");
  EXPECT_EQ(bench_.work(), 0u) << "no driver yet";
  start();
  EXPECT_EQ(bench_.work(), 0u) << "no buffers yet";
  describe(0, 0, VirtioBench::kData, 4, VirtioBench::kWrite);
  describe(0, 1, VirtioBench::kData + 100, 4, VirtioBench::kWrite);
  offer(0, 0);
  offer(0, 1);
  bench_.work();
  EXPECT_EQ(used(0), 2u);
  EXPECT_EQ(used_bytes(0, 0), 4u);
  EXPECT_EQ(used_bytes(0, 1), 2u);
  EXPECT_EQ(text_at(VirtioBench::kData, 4), "abcd");
  EXPECT_EQ(text_at(VirtioBench::kData + 100, 2), "ef");
  offer(0, 0);
  EXPECT_EQ(bench_.work(), 0u) << "nothing is typed";
  console_.push("!");
  EXPECT_EQ(bench_.work(), 1u);
  EXPECT_EQ(text_at(VirtioBench::kData, 1), "!");
}

TEST_F(VirtioConsoleTest, InputSurvivesTheDriversReset) {
  start();
  describe(0, 0, VirtioBench::kData, 4, VirtioBench::kWrite);
  offer(0, 0);
  console_.push("xyz");
  ASSERT_TRUE(bench_.slot.begin());
  bench_.reg(virtio::kStatus, 0);
  bench_.slot.finish();
  bench_.memory.put(VirtioBench::kAvailable + 2, std::uint16_t{0});
  available_[0] = 0;
  start();
  offer(0, 0);
  bench_.work();
  EXPECT_EQ(text_at(VirtioBench::kData, 3), "xyz");
}

TEST_F(VirtioConsoleTest, ABufferThatCannotBeWrittenTakesNoInput) {
  start();
  describe(0, 0, VirtioBench::kData, 4, 0);
  offer(0, 0);
  console_.push("xyz");
  bench_.work();
  EXPECT_EQ(used_bytes(0, 0), 0u);
  EXPECT_FALSE(bench_.needs_reset());
  describe(0, 1, VirtioBench::kData + 8, 4, VirtioBench::kWrite);
  offer(0, 1);
  bench_.work();
  EXPECT_EQ(text_at(VirtioBench::kData + 8, 3), "xyz");
}

}  // namespace
}  // namespace hvsim::device
