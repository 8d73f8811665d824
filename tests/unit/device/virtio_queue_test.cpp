// Split virtqueues against virtio 1.2, section 2.7, with drivers that keep the rules and others.
#include "models/device/virtio_queue.h"

#include <random>

#include "tests/unit/device/virtio_fixture.h"

namespace hvsim::device {
namespace {

using Take = VirtioQueue::Take;
using Give = VirtioQueue::Give;
constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;

class VirtioQueueTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kTable = TestMemory::kBase, kAvailable = kTable + 0x8000,
                                 kUsed = kTable + 0xA000, kIndirectTable = kTable + 0x10000,
                                 kData = kTable + 0x20000;

  VirtioQueueTest() { size(8); }
  void size(std::uint32_t entries) {
    queue_.state = {
        .size = entries, .ready = true, .descriptors = kTable, .driver = kAvailable, .device = kUsed};
    ASSERT_TRUE(queue_.well_formed(memory_));
  }
  void describe(unsigned index, std::uint64_t address, std::uint32_t bytes, unsigned flags = 0,
                unsigned next = 0, std::uint64_t table = kTable) {
    memory_.put(table + 16 * index, address);
    memory_.put(table + 16 * index + 8, bytes);
    memory_.put(table + 16 * index + 12, static_cast<std::uint16_t>(flags));
    memory_.put(table + 16 * index + 14, static_cast<std::uint16_t>(next));
  }
  void offer(unsigned head) {
    memory_.put(kAvailable + 4 + 2 * (offered_ % queue_.state.size), static_cast<std::uint16_t>(head));
    memory_.put(kAvailable + 2, ++offered_);
  }
  Take take() { return queue_.take(memory_, options_, chain_); }
  Give give(std::uint16_t head, std::uint32_t written) {
    return queue_.give(memory_, options_, head, written);
  }

  TestMemory memory_;
  VirtioQueue queue_;
  VirtioQueue::Options options_;
  VirtioChain chain_;
  std::uint16_t offered_ = 0;
};

TEST_F(VirtioQueueTest, AChainIsWhatItsDescriptorsSay) {
  EXPECT_EQ(take(), Take::nothing);
  describe(3, kData, 16, kNext, 1);
  describe(1, kData + 0x100, 512, kNext | kWrite, 7);
  describe(7, kData + 0x800, 1, kWrite);
  offer(3);
  ASSERT_EQ(take(), Take::chain);
  EXPECT_EQ(chain_.head, 3);
  ASSERT_EQ(chain_.readable.size(), 1u);
  ASSERT_EQ(chain_.writable.size(), 2u);
  EXPECT_EQ(chain_.writable[0].address.value, kData + 0x100);
  EXPECT_EQ(chain_.readable_bytes, 16u);
  EXPECT_EQ(chain_.writable_bytes, 513u);
  EXPECT_EQ(take(), Take::nothing);
}

TEST_F(VirtioQueueTest, GivingBackWritesTheUsedRingAndWrapsAround) {
  describe(0, kData, 16);
  for (unsigned i = 0; i < 70'000; ++i) {
    offer(0);
    ASSERT_EQ(take(), Take::chain);
    ASSERT_EQ(give(0, i), Give::interrupt);
    ASSERT_EQ(memory_.at<std::uint16_t>(kUsed + 2), static_cast<std::uint16_t>(i + 1));
    ASSERT_EQ(memory_.at<std::uint32_t>(kUsed + 4 + 8 * (i % 8) + 4), i);
  }
}

TEST_F(VirtioQueueTest, WithoutEventIndexTheFlagSuppressesInterrupts) {
  describe(0, kData, 16);
  offer(0);
  ASSERT_EQ(take(), Take::chain);
  memory_.put(kAvailable, std::uint16_t{1});
  EXPECT_EQ(give(0, 0), Give::silent);
}

// Section 2.7.7: an interrupt when the used index passes used_event; available_event asks for the next
// buffer.
TEST_F(VirtioQueueTest, WithEventIndexBothSidesNameTheEntryThatTheyWaitFor) {
  options_.event_index = true;
  describe(0, kData, 16);
  memory_.put(kAvailable, std::uint16_t{1});
  memory_.put(kAvailable + 4 + 16, std::uint16_t{2});
  for (unsigned i = 0; i < 5; ++i) {
    offer(0);
    ASSERT_EQ(take(), Take::chain);
    EXPECT_EQ(memory_.at<std::uint16_t>(kUsed + 4 + 64), i + 1);
    EXPECT_EQ(give(0, 0), i == 2 ? Give::interrupt : Give::silent) << i;
  }
}

TEST_F(VirtioQueueTest, IndirectTablesComeAloneOrBehindOrdinaryDescriptors) {
  describe(0, kData, 16, 0, 0, kIndirectTable);
  describe(0, kIndirectTable, 16, kIndirect);
  offer(0);
  EXPECT_EQ(take(), Take::broken) << "not negotiated";
  options_.indirect = true;
  ASSERT_EQ(take(), Take::chain);
  EXPECT_EQ(chain_.readable_bytes, 16u);

  describe(1, kData, 4, kNext, 2);
  describe(2, kIndirectTable, 48, kIndirect);
  describe(0, kData + 4, 5, kNext, 2, kIndirectTable);
  describe(2, kData + 64, 6, kWrite, 0, kIndirectTable);
  offer(1);
  ASSERT_EQ(take(), Take::chain);
  EXPECT_EQ(chain_.readable_bytes, 9u);
  EXPECT_EQ(chain_.writable_bytes, 6u);
}

TEST_F(VirtioQueueTest, AnIndirectChainMayBeLongerThanTheQueueButNotForEver) {
  options_.indirect = true;
  for (unsigned i = 0; i < 1100; ++i) describe(i, kData, 1, kNext, i + 1, kIndirectTable);
  describe(1023, kData, 1, 0, 0, kIndirectTable);
  describe(0, kIndirectTable, 1100 * 16, kIndirect);
  offer(0);
  ASSERT_EQ(take(), Take::chain);
  EXPECT_EQ(chain_.readable_bytes, 1024u);
  describe(1023, kData, 1, kNext, 1024, kIndirectTable);
  offer(0);
  EXPECT_EQ(take(), Take::broken);
}

TEST_F(VirtioQueueTest, LoopsEnd) {
  describe(0, kData, 1, kNext, 1);
  describe(1, kData, 1, kNext, 0);
  offer(0);
  EXPECT_EQ(take(), Take::broken);
  options_.indirect = true;
  describe(0, kIndirectTable, 32, kIndirect);
  describe(0, kData, 1, kNext, 0, kIndirectTable);
  EXPECT_EQ(take(), Take::broken);
}

TEST_F(VirtioQueueTest, WhatTheDriverGetsWrongBreaksTheQueue) {
  options_.indirect = true;
  const auto broken = [this](const char* why) {
    EXPECT_EQ(take(), Take::broken) << why;
    EXPECT_EQ(queue_.state.taken, 0) << why;
  };
  offer(8);
  broken("the head is no descriptor");
  memory_.put(kAvailable + 4, std::uint16_t{0});
  describe(0, kData, 1, kNext, 8);
  broken("the next one is no descriptor");
  describe(0, 0x1000, 1);
  broken("the address is not RAM");
  describe(0, TestMemory::kBase + TestMemory::kBytes - 4, 5);
  broken("half of it is not RAM");
  describe(0, ~std::uint64_t{0}, 0xFFFFFFFF);
  broken("it wraps around");
  describe(0, kData, 1, kWrite | kNext, 1);
  describe(1, kData, 1);
  broken("something to read behind something to write");
  describe(0, kIndirectTable, 15, kIndirect);
  broken("a table of no whole descriptors");
  describe(0, kIndirectTable, 0, kIndirect);
  broken("an empty table");
  describe(0, kIndirectTable, 16, kIndirect | kNext, 1);
  broken("a table and a next one");
  describe(0, kIndirectTable, 16, kIndirect);
  describe(0, kIndirectTable, 16, kIndirect, 0, kIndirectTable);
  broken("a table in a table");
  describe(0, kData, 1, kNext, 1, kIndirectTable);
  broken("the next one is behind the table's end");
  describe(0, TestMemory::kBase + TestMemory::kBytes - 16, 32, kIndirect);
  describe(0, kData, 1, kNext, 1, TestMemory::kBase + TestMemory::kBytes - 16);
  broken("half of the table is not RAM");
  memory_.put(kAvailable + 2, std::uint16_t{9});
  broken("more buffers than the queue has");
}

TEST_F(VirtioQueueTest, GatherAndScatterKnowTheSegmentsEnds) {
  const VirtioSegment segments[] = {
      {isa::Hpa{kData}, 3}, {isa::Hpa{kData + 100}, 1}, {isa::Hpa{kData + 200}, 4}};
  const std::uint8_t bytes[] = {1, 2, 3, 4, 5};
  EXPECT_TRUE(scatter(memory_, segments, 2, bytes));
  EXPECT_EQ(memory_.at<std::uint8_t>(kData + 2), 1);
  EXPECT_EQ(memory_.at<std::uint8_t>(kData + 100), 2);
  EXPECT_EQ(memory_.at<std::uint8_t>(kData + 202), 5);
  std::uint8_t back[5] = {};
  EXPECT_TRUE(gather(memory_, segments, 2, back));
  EXPECT_TRUE(std::ranges::equal(bytes, back));
  EXPECT_FALSE(gather(memory_, segments, 4, back)) << "eight bytes in all";
  EXPECT_TRUE(gather(memory_, segments, 8, {}));
}

}  // namespace
}  // namespace hvsim::device
