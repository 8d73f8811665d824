// The virtio-mmio transport against virtio 1.2, sections 2.1, 3.1 and 4.2.
#include "models/device/virtio_mmio.h"

#include "tests/unit/device/virtio_fixture.h"

namespace hvsim::device {
namespace {

using namespace virtio;

// Two queues; gives back whatever it gets.
class Echo final : public VirtioDevice {
 public:
  std::uint32_t device_id() const override { return 42; }
  std::uint64_t features() const override { return 0x21; }
  unsigned queues() const override { return 2; }
  std::span<const std::uint8_t> config() const override { return config_; }
  void cancel(unsigned queue) override {
    ++cancelled[queue];
    chain_.reset();
  }
  std::optional<std::uint64_t> begin(VirtioPort& port) override {
    if (!chain_) chain_ = port.take(0);
    if (!chain_) return std::nullopt;
    return chain_->readable_bytes;
  }
  void finish(VirtioPort& port) override {
    if (!chain_) return;
    seen.push_back(*chain_);
    const std::uint16_t head = chain_->head;
    chain_.reset();
    port.give(0, head, 3);
  }
  void persist(state::Archive&) override {}

  std::vector<VirtioChain> seen;
  unsigned cancelled[2] = {};

 private:
  std::array<std::uint8_t, 6> config_{1, 2, 3, 4, 5, 6};
  std::optional<VirtioChain> chain_;
};

struct HasEcho {
  Echo echo_;
};

class VirtioMmioTest : public testing::Test, protected HasEcho, protected VirtioBench {
 protected:
  VirtioMmioTest() : VirtioBench(&echo_) {}
};

TEST_F(VirtioMmioTest, SaysWhatItIs) {
  EXPECT_EQ(reg(kMagicValue), 0x74726976u);
  EXPECT_EQ(reg(kVersion), 2u);
  EXPECT_EQ(reg(kDeviceId), 42u);
  EXPECT_EQ(reg(kVendorId), 0x554D4551u);
  EXPECT_EQ(reg(kStatus), 0u);
  EXPECT_EQ(reg(kConfigGeneration), 0u);
  EXPECT_EQ(reg(kSharedMemoryLength), 0xFFFFFFFFu) << "no shared memory (4.2.2)";
}

TEST(VirtioMmioSlot, EmptySlotsHaveDeviceIdZeroAndIgnoreEverything) {
  VirtioBench empty(nullptr);
  for (std::uint64_t offset = 0; offset < VirtioMmio::kBytes; offset += 4) {
    empty.reg(offset, 0xFFFFFFFF);
    const bool identity = offset == kMagicValue || offset == kVersion || offset == kVendorId;
    EXPECT_EQ(identity || empty.reg(offset) == 0, true) << offset;
  }
  EXPECT_EQ(empty.kicks, 0u);
  EXPECT_FALSE(empty.slot.begin());
}

TEST_F(VirtioMmioTest, OffersFeaturesInTwoHalvesAndNoThird) {
  reg(kDeviceFeaturesSelect, 0);
  EXPECT_EQ(reg(kDeviceFeatures), 0x30000021u) << "INDIRECT_DESC, EVENT_IDX and the device's own";
  reg(kDeviceFeaturesSelect, 1);
  EXPECT_EQ(reg(kDeviceFeatures), 1u) << "VERSION_1";
  reg(kDeviceFeaturesSelect, 2);
  EXPECT_EQ(reg(kDeviceFeatures), 0u);
}

TEST_F(VirtioMmioTest, FeaturesThatWereNotOfferedAreNotAccepted) {
  EXPECT_TRUE(negotiate(kVersion1 | 0x21));
  EXPECT_FALSE(negotiate(kVersion1 | 0x02));
  EXPECT_FALSE(negotiate(kVersion1 | std::uint64_t{1} << 63));
  add_status(kDriverOk);
  EXPECT_EQ(reg(kStatus), std::uint32_t{kAcknowledge | kDriver})
      << "no DRIVER_OK without FEATURES_OK (3.1.1)";
}

TEST_F(VirtioMmioTest, AcceptedFeaturesStand) {
  ASSERT_TRUE(negotiate(kVersion1 | 1));
  reg(kDriverFeatures, 0x20);
  EXPECT_EQ(slot.state().driver_features, kVersion1 | 1);
}

TEST_F(VirtioMmioTest, StatusBitsComeInOrderAndOnlyAResetTakesThemAway) {
  reg(kStatus, kDriverOk);
  EXPECT_EQ(reg(kStatus), 0u);
  reg(kStatus, kFeaturesOk);
  EXPECT_EQ(reg(kStatus), 0u);
  reg(kStatus, kAcknowledge);
  reg(kStatus, kAcknowledge | kDriver | kFeaturesOk);
  EXPECT_EQ(reg(kStatus), 11u);
  reg(kStatus, kAcknowledge);
  EXPECT_EQ(reg(kStatus), 11u);
  reg(kStatus, kFailed | kNeedsReset);
  EXPECT_EQ(reg(kStatus), 11u | kFailed) << "NEEDS_RESET is the device's to set";
  reg(kStatus, 0);
  EXPECT_EQ(reg(kStatus), 0u);
}

TEST_F(VirtioMmioTest, ResetForgetsQueuesFeaturesInterruptsAndWork) {
  start();
  describe(0, kData, 16);
  offer(0);
  ASSERT_EQ(work(), 1u);
  ASSERT_TRUE(line.high);
  offer(0);
  ASSERT_TRUE(slot.begin());
  reg(kStatus, 0);
  EXPECT_FALSE(line.high);
  EXPECT_EQ(reg(kInterruptStatus), 0u);
  EXPECT_EQ(reg(kQueueReady), 0u);
  EXPECT_EQ(slot.state().driver_features, 0u);
  slot.finish();
  EXPECT_EQ(echo_.seen.size(), 1u) << "what was under way is cancelled";
  EXPECT_EQ(used(), 1u);
  EXPECT_GT(echo_.cancelled[1], 0u);
}

TEST_F(VirtioMmioTest, QueuesThatDoNotExistHaveNoSize) {
  reg(kQueueSelect, 1);
  EXPECT_EQ(reg(kQueueSizeMax), 1024u);
  reg(kQueueSelect, 2);
  EXPECT_EQ(reg(kQueueSizeMax), 0u);
  reg(kQueueReady, 1);
  EXPECT_EQ(reg(kQueueReady), 0u);
  reg(kQueueSelect, 0xFFFFFFFF);
  EXPECT_EQ(reg(kQueueSizeMax), 0u);
  reg(kQueueNotify, 0xFFFFFFFF);
  EXPECT_EQ(kicks, 0u);
}

TEST_F(VirtioMmioTest, AQueueInUseKeepsItsPlace) {
  start();
  reg(kQueueSize, 4);
  reg64(kQueueDescriptors, 0x1234);
  EXPECT_EQ(slot.queue(0).state.size, 8u);
  EXPECT_EQ(slot.queue(0).state.descriptors, kDescriptors);
  reg(kQueueReady, 0);
  EXPECT_EQ(reg(kQueueReady), 0u);
  EXPECT_EQ(echo_.cancelled[0], 2u) << "once by the reset, once by the queue's end";
  reg(kQueueSize, 4);
  EXPECT_EQ(slot.queue(0).state.size, 4u);
}

TEST_F(VirtioMmioTest, NothingIsTakenBeforeDriverOk) {
  ASSERT_TRUE(negotiate(kVersion1));
  start_queue(8);
  describe(0, kData, 16);
  offer(0);
  reg(kQueueNotify, 0);
  EXPECT_EQ(kicks, 0u);
  EXPECT_FALSE(slot.begin());
  add_status(kDriverOk);
  EXPECT_EQ(kicks, 1u) << "the device looks when it is set going";
  EXPECT_EQ(work(), 1u);
}

TEST_F(VirtioMmioTest, AUsedBufferInterruptsUntilItIsAcknowledged) {
  start();
  describe(0, kData, 16);
  offer(0);
  reg(kQueueNotify, 0);
  work();
  EXPECT_EQ(line.number, 5u);
  EXPECT_TRUE(line.high);
  EXPECT_EQ(reg(kInterruptStatus), kUsedBuffer);
  EXPECT_EQ(reg(kInterruptStatus), kUsedBuffer) << "reading does not clear it";
  reg(kInterruptAcknowledge, kConfigChange);
  EXPECT_TRUE(line.high);
  reg(kInterruptAcknowledge, kUsedBuffer);
  EXPECT_FALSE(line.high);
  EXPECT_EQ(used(), 1u);
  EXPECT_EQ(used_head(0), 0u);
  EXPECT_EQ(used_bytes(0), 3u);
}

TEST_F(VirtioMmioTest, ConfigurationIsReadInAnyWidthAndZeroBehindItsEnd) {
  const auto read = [this](std::uint64_t offset, unsigned bytes) {
    std::uint64_t value = ~std::uint64_t{0};
    EXPECT_TRUE(slot.read(offset, bytes, value));
    return value;
  };
  EXPECT_EQ(read(kConfig + 1, 1), 2u);
  EXPECT_EQ(read(kConfig + 2, 2), 0x0403u);
  EXPECT_EQ(read(kConfig + 4, 4), 0x0605u);
  EXPECT_EQ(read(kConfig, 8), 0x060504030201u);
  EXPECT_EQ(read(VirtioMmio::kBytes - 8, 8), 0u);
  EXPECT_EQ(read(kMagicValue, 1), 0u) << "registers are words (4.2.2.2)";
  EXPECT_EQ(read(kMagicValue, 8), 0u);
  EXPECT_TRUE(slot.write(kStatus, 1, 1));
  EXPECT_EQ(reg(kStatus), 0u);
}

// Malformed queues: the driver's fault, told by NEEDS_RESET; and a reset makes good.
struct BadQueue {
  const char* name;
  std::uint32_t size;
  std::uint64_t descriptors, driver, device;
};

class MalformedQueue : public testing::TestWithParam<BadQueue> {};

TEST_P(MalformedQueue, NeedsAReset) {
  Echo echo;
  VirtioBench bench(&echo);
  const BadQueue& bad = GetParam();
  ASSERT_TRUE(bench.negotiate(kVersion1));
  bench.reg(kQueueSize, bad.size);
  bench.reg64(kQueueDescriptors, bad.descriptors);
  bench.reg64(kQueueDriver, bad.driver);
  bench.reg64(kQueueDevice, bad.device);
  bench.reg(kQueueReady, 1);
  EXPECT_TRUE(bench.needs_reset());
  EXPECT_FALSE(bench.line.high) << "no interrupt before DRIVER_OK";
  bench.add_status(kDriverOk);
  EXPECT_FALSE(bench.slot.begin());
  bench.start();
  EXPECT_FALSE(bench.needs_reset());
}

constexpr std::uint64_t kBase = TestMemory::kBase, kEnd = TestMemory::kBase + TestMemory::kBytes;
INSTANTIATE_TEST_SUITE_P(Queues, MalformedQueue,
                         testing::Values(BadQueue{"NoSize", 0, kBase, kBase, kBase},
                                         BadQueue{"OddSize", 3, kBase, kBase, kBase},
                                         BadQueue{"Huge", 2048, kBase, kBase, kBase},
                                         BadQueue{"SizeOf64K", 0x10000, kBase, kBase, kBase},
                                         BadQueue{"DescriptorsMisaligned", 8, kBase + 8, kBase, kBase},
                                         BadQueue{"DriverMisaligned", 8, kBase, kBase + 1, kBase},
                                         BadQueue{"DeviceMisaligned", 8, kBase, kBase, kBase + 2},
                                         BadQueue{"DescriptorsOutside", 8, 0, kBase, kBase},
                                         BadQueue{"DescriptorsHalfOutside", 8, kEnd - 64, kBase, kBase},
                                         BadQueue{"DriverHalfOutside", 8, kBase, kEnd - 20, kBase},
                                         BadQueue{"DeviceHalfOutside", 8, kBase, kBase, kEnd - 68},
                                         BadQueue{"Wrapping", 8, ~std::uint64_t{15}, kBase, kBase}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace hvsim::device
