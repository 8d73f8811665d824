// Hostile drivers at random: registers, rings and descriptors of any content. Nothing may be read or written
// outside the guest's memory or the disk (sanitizers and the fixtures watch), work must end, and after a
// reset all works.
#include <random>

#include "models/device/goldfish_rtc.h"
#include "models/device/uart16550.h"
#include "models/device/virtio_block.h"
#include "models/device/virtio_console.h"
#include "tests/unit/device/virtio_fixture.h"

namespace hvsim::device {
namespace {

constexpr unsigned kSteps = 20'000;

class RandomDevices : public testing::TestWithParam<std::uint32_t> {
 protected:
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  // Values that mean something more often than not.
  std::uint32_t word() {
    switch (below(6)) {
      case 0:
        return 0;
      case 1:
        return below(16);
      case 2:
        return 1u << below(32);
      case 3:
        return static_cast<std::uint32_t>(TestMemory::kBase) + below(TestMemory::kBytes);
      case 4:
        return ~std::uint32_t{0} - below(16);
      default:
        return static_cast<std::uint32_t>(random_());
    }
  }
  std::uint64_t address() {
    if (one_in(20)) return (std::uint64_t{word()} << 32) | word();
    if (one_in(20)) return TestMemory::kBase + TestMemory::kBytes - below(64);
    return VirtioBench::kData + below(0x40000);
  }

  std::mt19937_64 random_{GetParam()};
};

class RandomVirtio : public RandomDevices {
 protected:
  // A descriptor that is usually fine: of a request's header, of data, or of an indirect table.
  void random_descriptor(VirtioBench& bench, unsigned index, std::uint64_t table) {
    constexpr std::uint32_t kLengths[] = {0, 1, 16, 17, 512, 1024, 4096, 0x10000, 48, 160};
    const std::uint32_t bytes = one_in(10) ? word() : kLengths[below(10)];
    auto flags = static_cast<std::uint16_t>(one_in(3) ? below(4) : 2 * below(2));
    if (one_in(8)) flags = static_cast<std::uint16_t>(random_());
    if (one_in(8)) flags = VirtioBench::kIndirect;
    const bool indirect = (flags & VirtioBench::kIndirect) != 0;
    bench.describe(index, indirect && !one_in(4) ? kIndirectTable : address(), bytes, flags,
                   static_cast<std::uint16_t>(one_in(8) ? random_() : below(8)), table);
  }
  void random_memory(VirtioBench& bench) {
    constexpr std::uint64_t kTables[] = {kIndirectTable, VirtioBench::kDescriptors,
                                         VirtioBench::kDescriptors + 0x800};
    random_descriptor(bench, below(8), kTables[below(3)]);
    if (one_in(6)) random_request(bench);
    for (const std::uint64_t queue : {0, 0x800}) {
      if (one_in(3))
        bench.memory.put(VirtioBench::kAvailable + queue + 4 + 2 * below(8),
                         static_cast<std::uint16_t>(below(9)));
      if (!one_in(3)) continue;
      const auto index = bench.memory.at<std::uint16_t>(VirtioBench::kAvailable + queue + 2);
      bench.memory.put(VirtioBench::kAvailable + queue + 2,
                       static_cast<std::uint16_t>(one_in(50) ? random_() : index + 1u));
      bench.memory.put(VirtioBench::kAvailable + queue, static_cast<std::uint16_t>(below(2)));
    }
  }
  // A block request as a good driver makes it, but for its numbers.
  void random_request(VirtioBench& bench) {
    const std::uint64_t header = VirtioBench::kData + below(0x1000) * 16;
    bench.memory.put(header, std::uint32_t{below(16)});
    bench.memory.put(header + 8, std::uint64_t{one_in(5) ? random_() : below(80)});
    bench.describe(0, header, 16, VirtioBench::kNext, 1);
    bench.describe(1, address(), 512 * below(5) + 16 * below(2),
                   static_cast<std::uint16_t>(VirtioBench::kNext | VirtioBench::kWrite * below(2)), 2);
    bench.describe(2, address(), 1 + below(3), VirtioBench::kWrite);
    const auto index = bench.memory.at<std::uint16_t>(VirtioBench::kAvailable + 2);
    bench.memory.put(VirtioBench::kAvailable + 4 + 2 * (index % 8), std::uint16_t{0});
    bench.memory.put(VirtioBench::kAvailable + 2, static_cast<std::uint16_t>(index + 1));
  }
  void random_access(VirtioBench& bench) {
    const unsigned bytes = one_in(10) ? 1u << below(4) : 4;
    const std::uint64_t offset = std::uint64_t{below(VirtioMmio::kBytes / bytes)} * bytes;
    std::uint64_t value = word();
    // A reset at every other step would leave little to see.
    if (offset == virtio::kStatus && !one_in(20)) value |= 0xF;
    EXPECT_TRUE(one_in(3) ? bench.slot.read(offset, bytes, value) : bench.slot.write(offset, bytes, value));
  }
  void start_two_queues(VirtioBench& bench, std::uint64_t features) {
    for (std::uint64_t queue = 0; queue < 2; ++queue)
      bench.memory.put(VirtioBench::kAvailable + queue * 0x800 + 2, std::uint16_t{0});
    ASSERT_TRUE(bench.negotiate(features));
    bench.start_queue(8, 1);
    bench.start_queue(8, 0);
    bench.add_status(virtio::kDriverOk);
    bench.next_available = 0;
  }
  void torment(VirtioBench& bench) {
    std::uint64_t pieces = 0;
    for (unsigned step = 0; step < kSteps; ++step) {
      if (step % 200 == 0 || bench.needs_reset())
        start_two_queues(bench, virtio::kVersion1 | (one_in(2) ? virtio::kIndirectDescriptors : 0) |
                                    (one_in(2) ? virtio::kEventIndex : 0));
      one_in(20) ? random_access(bench) : random_memory(bench);
      if (one_in(3)) pieces += bench.work();
      EXPECT_EQ(bench.line.high, bench.reg(virtio::kInterruptStatus) != 0);
    }
    EXPECT_GT(pieces, kSteps / 100) << "the random driver got nowhere";
  }

  static constexpr std::uint64_t kIndirectTable = VirtioBench::kData + 0x8000;
};

TEST_P(RandomVirtio, ABlockDeviceEnduresAnyDriver) {
  TestDisk disk(64);
  VirtioBlock block(disk, "random");
  VirtioBench bench(&block);
  torment(bench);
  EXPECT_GT(block.stats().reads + block.stats().writes, 0u);

  bench.memory.put(VirtioBench::kAvailable + 2, std::uint16_t{0});
  bench.start();
  bench.memory.put(VirtioBench::kData, std::uint32_t{VirtioBlock::kIn});
  bench.memory.put(VirtioBench::kData + 8, std::uint64_t{7});
  bench.describe(0, VirtioBench::kData, 16, VirtioBench::kNext, 1);
  bench.describe(1, VirtioBench::kData + 0x1000, 513, VirtioBench::kWrite);
  bench.memory.put(VirtioBench::kAvailable, std::uint16_t{0});
  bench.offer(0);
  EXPECT_EQ(bench.work(), 1u);
  EXPECT_EQ(bench.memory.at<std::uint8_t>(VirtioBench::kData + 0x1000 + 512), VirtioBlock::kOk);
  EXPECT_EQ(bench.memory.at<std::uint8_t>(VirtioBench::kData + 0x1000 + 77), disk.content[7 * 512 + 77]);
  EXPECT_TRUE(bench.line.high);
}

TEST_P(RandomVirtio, AConsoleEnduresAnyDriver) {
  std::uint64_t shown = 0;
  VirtioConsole console([&](std::span<const std::uint8_t> text) { shown += text.size(); });
  VirtioBench bench(&console);
  console.push(std::string(100'000, 'x'));
  torment(bench);
  EXPECT_GT(shown, 0u);
}

TEST_P(RandomVirtio, AnEmptySlotEnduresAnyDriver) {
  VirtioBench bench(nullptr);
  for (unsigned step = 0; step < kSteps; ++step) random_access(bench);
  EXPECT_EQ(bench.reg(virtio::kDeviceId), 0u);
  EXPECT_FALSE(bench.line.high);
}

// Whatever else happens to it, a UART whose FIFO nobody clears hands over its input whole and in order, and
// its interrupt line says what IIR says.
TEST_P(RandomDevices, AUartLosesNoInputAndItsLineAgreesWithItsRegister) {
  TestLine line;
  Uart16550 uart([](std::uint8_t) {}, line, 10);
  ASSERT_TRUE(uart.write(Uart16550::kIirFcr, 1, 0x01));
  std::uint8_t pushed = 0, expected = 0;
  unsigned received = 0;
  for (unsigned step = 0; step < kSteps; ++step) {
    const std::uint64_t offset = below(8);
    std::uint64_t value = 0;
    switch (below(4)) {
      case 0:
        for (std::uint32_t n = below(5); n > 0; --n) uart.push(std::span(&pushed, 1)), ++pushed;
        break;
      case 1: {
        std::uint64_t lcr = 0, status = 0;
        ASSERT_TRUE(uart.read(Uart16550::kLcr, 1, lcr));
        ASSERT_TRUE(uart.read(Uart16550::kLsr, 1, status));
        ASSERT_TRUE(uart.read(offset, 1u << below(3), value));
        if (offset != Uart16550::kRbrThr || (lcr & 0x80) != 0 || (status & 1) == 0) break;
        ASSERT_EQ(value, expected++);
        ++received;
        break;
      }
      case 2:
        value = random_();
        if (offset == Uart16550::kMcr) value &= ~std::uint64_t{0x10};  // no loopback
        if (offset == Uart16550::kIirFcr) value = 0x01 | (value & 0xC8);
        ASSERT_TRUE(uart.write(offset, 1u << below(3), value));
        break;
      default:
        break;
    }
    const bool requested = line.high;
    ASSERT_TRUE(uart.read(Uart16550::kIirFcr, 1, value));
    ASSERT_EQ(requested, (value & 1) == 0);
    ASSERT_FALSE(uart.read(offset + 8, 1, value));
    ASSERT_FALSE(uart.write(offset, 8, value));
  }
  EXPECT_GT(received, 100u);
}

TEST_P(RandomDevices, AClockEnduresAnyDriver) {
  std::uint64_t now = 0;
  std::optional<std::uint64_t> call_at;
  TestLine line;
  bool beyond_the_end_of_time = false;
  GoldfishRtc rtc(0, {.now_ns = [&] { return now; }, .call_at = [&](auto at) { call_at = at; }}, line, 11);
  for (unsigned step = 0; step < kSteps; ++step) {
    std::uint64_t value = word();
    const std::uint64_t offset = std::uint64_t{below(GoldfishRtc::kBytes / 4)} * 4;
    const bool reads = one_in(2);
    ASSERT_TRUE(reads ? rtc.read(offset, 4, value) : rtc.write(offset, 4, value));
    const GoldfishRtcState& state = rtc.state();
    const bool sets_alarm = !reads && (offset == GoldfishRtc::kTimeLow || offset == GoldfishRtc::kTimeHigh ||
                                       offset == GoldfishRtc::kAlarmLow);
    const std::uint64_t wait = state.alarm_ns - (now + state.offset_ns);
    if (sets_alarm) beyond_the_end_of_time = now + wait < wait;  // it runs, and never rings
    now += below(1000);
    if (call_at && *call_at <= now) {
      call_at.reset();
      rtc.expire();
    }
    ASSERT_EQ(state.alarm_running && !beyond_the_end_of_time, call_at.has_value());
    ASSERT_EQ(line.high, rtc.state().pending && rtc.state().enabled);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDevices, testing::Range(1u, 9u));
INSTANTIATE_TEST_SUITE_P(Seeds, RandomVirtio, testing::Range(1u, 9u));

}  // namespace
}  // namespace hvsim::device
