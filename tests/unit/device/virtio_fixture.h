// Guest memory, a driver of virtio-mmio slots that can also break every rule, and a disk of vectors.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "models/device/disk.h"
#include "models/device/virtio_mmio.h"

namespace hvsim::device {

class TestMemory final : public DmaPort {
 public:
  static constexpr std::uint64_t kBase = 0x8000'0000, kBytes = 1 << 20;

  bool read(isa::Hpa from, std::span<std::uint8_t> to) override {
    if (!is_ram(from, to.size())) return false;
    std::copy_n(ram_.begin() + static_cast<std::ptrdiff_t>(from.value - kBase), to.size(), to.begin());
    return true;
  }
  bool write(isa::Hpa to, std::span<const std::uint8_t> from) override {
    if (!is_ram(to, from.size())) return false;
    std::ranges::copy(from, ram_.begin() + static_cast<std::ptrdiff_t>(to.value - kBase));
    return true;
  }
  bool is_ram(isa::Hpa address, std::uint64_t bytes) const override {
    const std::uint64_t offset = address.value - kBase;
    return offset < kBytes && bytes <= kBytes - offset;
  }

  template <class T>
  void put(std::uint64_t address, T value) {
    std::uint8_t bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    ASSERT_TRUE(write(isa::Hpa{address}, bytes));
  }
  template <class T>
  T at(std::uint64_t address) {
    std::uint8_t bytes[sizeof(T)] = {};
    EXPECT_TRUE(read(isa::Hpa{address}, bytes));
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }

 private:
  std::vector<std::uint8_t> ram_ = std::vector<std::uint8_t>(kBytes);
};

class TestDisk final : public Disk {
 public:
  explicit TestDisk(std::uint64_t sectors, bool read_only = false)
      : content(sectors * kSectorBytes), read_only_(read_only) {
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7 + i / 512);
  }
  std::uint64_t sectors() const override { return content.size() / kSectorBytes; }
  bool read_only() const override { return read_only_; }
  bool read(std::uint64_t sector, std::span<std::uint8_t> data) override {
    EXPECT_LE(sector * kSectorBytes + data.size(), content.size());
    if (broken) return false;
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(sector * kSectorBytes), data.size(),
                data.begin());
    return true;
  }
  bool write(std::uint64_t sector, std::span<const std::uint8_t> data) override {
    EXPECT_LE(sector * kSectorBytes + data.size(), content.size());
    EXPECT_FALSE(read_only_);
    if (broken) return false;
    std::ranges::copy(data, content.begin() + static_cast<std::ptrdiff_t>(sector * kSectorBytes));
    return true;
  }
  bool flush() override {
    ++flushes;
    return !broken;
  }

  std::vector<std::uint8_t> content;
  unsigned flushes = 0;
  bool broken = false;

 private:
  bool read_only_;
};

struct TestLine final : irq::Sink {
  bool high = false;
  unsigned number = 0, rises = 0;
  void set_level(unsigned line, bool level) override {
    rises += level && !high;
    number = line;
    high = level;
  }
};

// A device in a slot, with a driver's queue `0` laid out in memory.
class VirtioBench {
 public:
  static constexpr std::uint64_t kDescriptors = TestMemory::kBase, kAvailable = TestMemory::kBase + 0x4000,
                                 kUsed = TestMemory::kBase + 0x8000, kData = TestMemory::kBase + 0x10000;
  static constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;

  explicit VirtioBench(VirtioDevice* device) : slot(device, memory, line, 5, [this] { ++kicks; }) {}

  std::uint32_t reg(std::uint64_t offset) {
    std::uint64_t value = 0;
    EXPECT_TRUE(slot.read(offset, 4, value));
    return static_cast<std::uint32_t>(value);
  }
  void reg(std::uint64_t offset, std::uint32_t value) { EXPECT_TRUE(slot.write(offset, 4, value)); }
  void reg64(std::uint64_t offset, std::uint64_t value) {
    reg(offset, static_cast<std::uint32_t>(value));
    reg(offset + 4, static_cast<std::uint32_t>(value >> 32));
  }
  void add_status(std::uint32_t bits) { reg(virtio::kStatus, reg(virtio::kStatus) | bits); }
  bool negotiate(std::uint64_t features) {
    reg(virtio::kStatus, 0);
    add_status(virtio::kAcknowledge);
    add_status(virtio::kDriver);
    reg(virtio::kDriverFeaturesSelect, 1);
    reg(virtio::kDriverFeatures, static_cast<std::uint32_t>(features >> 32));
    reg(virtio::kDriverFeaturesSelect, 0);
    reg(virtio::kDriverFeatures, static_cast<std::uint32_t>(features));
    add_status(virtio::kFeaturesOk);
    return (reg(virtio::kStatus) & virtio::kFeaturesOk) != 0;
  }
  void start_queue(std::uint32_t size, unsigned number = 0) {
    queue_size = size;
    reg(virtio::kQueueSelect, number);
    reg(virtio::kQueueSize, size);
    reg64(virtio::kQueueDescriptors, kDescriptors + number * 0x800);
    reg64(virtio::kQueueDriver, kAvailable + number * 0x800);
    reg64(virtio::kQueueDevice, kUsed + number * 0x800);
    reg(virtio::kQueueReady, 1);
  }
  // All the way to a device that runs.
  void start(std::uint64_t features = virtio::kVersion1, std::uint32_t size = 8) {
    ASSERT_TRUE(negotiate(features));
    start_queue(size);
    add_status(virtio::kDriverOk);
    ASSERT_EQ(reg(virtio::kStatus), 15u);
    next_available = 0;
  }

  void describe(unsigned index, std::uint64_t address, std::uint32_t bytes, std::uint16_t flags = 0,
                std::uint16_t next = 0, std::uint64_t table = kDescriptors) {
    memory.put(table + 16 * index, address);
    memory.put(table + 16 * index + 8, bytes);
    memory.put(table + 16 * index + 12, flags);
    memory.put(table + 16 * index + 14, next);
  }
  void offer(std::uint16_t head) {
    memory.put(kAvailable + 4 + 2 * (next_available % queue_size), head);
    memory.put(kAvailable + 2, ++next_available);
  }
  // Everything that the device has to do; pieces of work.
  unsigned work() {
    unsigned pieces = 0;
    while (slot.begin()) {
      slot.finish();
      EXPECT_LT(++pieces, 100'000u) << "no end of work";
      if (pieces >= 100'000) break;
    }
    return pieces;
  }
  std::uint16_t used() { return memory.at<std::uint16_t>(kUsed + 2); }
  std::uint32_t used_head(unsigned entry) { return memory.at<std::uint32_t>(kUsed + 4 + 8 * entry); }
  std::uint32_t used_bytes(unsigned entry) { return memory.at<std::uint32_t>(kUsed + 8 + 8 * entry); }
  bool needs_reset() { return (reg(virtio::kStatus) & virtio::kNeedsReset) != 0; }

  TestMemory memory;
  TestLine line;
  unsigned kicks = 0;
  std::uint32_t queue_size = 0;
  std::uint16_t next_available = 0;
  VirtioMmio slot;
};

}  // namespace hvsim::device
