// The emulated virtio disk: a driver's requests, and drivers that lie (Virtual I/O Device specification 1.2).
#include "hypervisor/virtual_disk.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "hypervisor/guest_memory.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

constexpr std::uint64_t kMemory = 0x80000000, kMemoryBytes = 1 << 20;
constexpr std::uint64_t kDescriptors = kMemory, kAvailable = kMemory + 0x1000, kUsed = kMemory + 0x2000,
                        kHeader = kMemory + 0x3000, kData = kMemory + 0x4000, kOutcome = kMemory + 0x8000;
constexpr std::uint16_t kNext = 1, kWrites = 2;

struct Descriptor {
  std::uint64_t at;
  std::uint32_t bytes;
  std::uint16_t flags, next;
};

struct Disk : testing::Test {
  FakeMachine machine{8 << 20};
  Arch arch{machine, 0};
  PagePool pool;
  StageTwoTable memory;
  VirtualDisk disk;
  std::vector<std::byte> content;
  std::uint16_t made_available = 0;

  explicit Disk(std::size_t sectors = 10) : content(sectors * 512) {
    pool.add(Hpa{FakeMachine::kRamBase}, machine.ram.size());
    EXPECT_TRUE(memory.create(arch, pool));
    for (std::uint64_t at = 0; at < kMemoryBytes; at += 4096)
      EXPECT_TRUE(
          memory.map(arch, pool, Gpa{kMemory + at}, *pool.allocate(arch, PageRun::page), PageRun::page));
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::byte>(i / 512 + 'a');
    EXPECT_TRUE(disk.create(arch, pool, content));
    start_driver();
  }

  void write(std::uint64_t offset, std::uint64_t value) {
    GuestMemory guest(memory);
    disk.write(arch, guest, offset, static_cast<std::uint32_t>(value));
  }
  void start_driver() {
    write(0x70, 3);
    write(0x24, 1);
    write(0x20, 1);  // VERSION_1
    write(0x70, 11);
    write(0x38, 8);
    write(0x80, kDescriptors), write(0x84, kDescriptors >> 32);
    write(0x90, kAvailable), write(0x94, kAvailable >> 32);
    write(0xa0, kUsed), write(0xa4, kUsed >> 32);
    write(0x44, 1);
    write(0x70, 15);
  }
  template <class T>
  void put(std::uint64_t at, const T& value) {
    arch.copy_out(memory.lookup(arch, Gpa{at})->at, &value, sizeof value);
  }
  template <class T>
  T fetch(std::uint64_t at) {
    T value{};
    arch.copy_in(&value, memory.lookup(arch, Gpa{at})->at, sizeof value);
    return value;
  }
  void describe(unsigned index, const Descriptor& descriptor) { put(kDescriptors + 16 * index, descriptor); }
  void notify(std::uint16_t head) {
    put<std::uint16_t>(kAvailable + 4 + 2 * (made_available % 8), head);
    put(kAvailable + 2, ++made_available);
    write(0x50, 0);
  }
  // A whole request; its outcome byte.
  unsigned request(std::uint32_t type, std::uint64_t sector, std::uint32_t bytes,
                   std::uint64_t data = kData) {
    struct Header {
      std::uint32_t type, reserved;
      std::uint64_t sector;
    };
    put(kHeader, Header{type, 0, sector});
    put<std::uint8_t>(kOutcome, 0xff);
    describe(0, {kHeader, 16, kNext, 1});
    describe(1, {data, bytes, static_cast<std::uint16_t>(kNext | (type == 0 || type == 8 ? kWrites : 0)), 2});
    describe(2, {kOutcome, 1, kWrites, 0});
    notify(0);
    return fetch<std::uint8_t>(kOutcome);
  }
  bool broken() const { return (disk.read(0x70) & 0x40) != 0; }
};

TEST_F(Disk, IntroducesItself) {
  EXPECT_EQ(disk.read(0), 0x74726976u);
  EXPECT_EQ(disk.read(4), 2u);
  EXPECT_EQ(disk.read(8), 2u);
  EXPECT_EQ(disk.read(0x100), 10u);
  EXPECT_EQ(disk.read(0x70), 15u);
}

TEST_F(Disk, ReadsAndWritesSectors) {
  EXPECT_EQ(request(0, 2, 1024), 0u);
  EXPECT_EQ(fetch<char>(kData), 'c');
  EXPECT_EQ(fetch<char>(kData + 512), 'd');
  EXPECT_EQ(fetch<std::uint32_t>(kUsed + 8), 1025u);  // bytes written, with the outcome
  EXPECT_TRUE(disk.interrupting());
  write(0x64, 1);
  EXPECT_FALSE(disk.interrupting());
  put(kData, 'Z');
  EXPECT_EQ(request(1, 9, 512), 0u);
  EXPECT_EQ(fetch<std::uint32_t>(kUsed + 16), 1u);
  EXPECT_EQ(request(0, 9, 512, kData + 0x1000), 0u);
  EXPECT_EQ(fetch<char>(kData + 0x1000), 'Z');
  EXPECT_EQ(request(4, 0, 0), 0u);
  EXPECT_EQ(request(8, 0, 20), 0u);
  EXPECT_EQ(fetch<char>(kData), 'h');
  EXPECT_EQ(fetch<std::uint16_t>(kUsed + 2), 5u);
}

TEST_F(Disk, SparesTheInterruptWhenTheDriverSaysSo) {
  put<std::uint16_t>(kAvailable, 1);
  EXPECT_EQ(request(0, 0, 512), 0u);
  EXPECT_FALSE(disk.interrupting());
}

TEST_F(Disk, RefusesWhatLiesBehindItsEndAndWhatItDoesNotKnow) {
  EXPECT_EQ(request(0, 9, 1024), 1u);
  EXPECT_EQ(request(0, 10, 512), 1u);
  EXPECT_EQ(request(0, ~std::uint64_t{0}, 512), 1u);
  EXPECT_EQ(request(1, 0, 100), 1u);
  EXPECT_EQ(request(0, 0, 512, 0x1000), 1u);                         // not the guest's memory
  EXPECT_EQ(request(0, 0, 1024, kMemory + kMemoryBytes - 512), 1u);  // half of it is not
  EXPECT_EQ(request(0, 0, 512, ~std::uint64_t{0} - 100), 1u);
  EXPECT_EQ(request(99, 0, 512), 2u);
  EXPECT_FALSE(broken());
  EXPECT_EQ(request(0, 0, 512), 0u);
}

TEST_F(Disk, AsksForAResetWhenAChainMakesNoSense) {
  const std::vector<std::vector<Descriptor>> chains{
      {{kHeader, 16, kNext, 0}},                                  // a circle
      {{kHeader, 16, kNext, 200}},                                // out of the table
      {{kHeader, 16, 0, 0}},                                      // nothing but a header
      {{kHeader, 8, kNext, 1}, {kOutcome, 1, kWrites, 0}},        // half a header
      {{kHeader, 16, kNext, 1}, {kOutcome, 1, 0, 0}},             // the outcome may not be written
      {{kHeader, 16, kNext, 1}, {0x1000, 1, kWrites, 0}},         // or cannot
      {{0x1000, 16, kNext, 1}, {kOutcome, 1, kWrites, 0}},        // no header
      {{kHeader, 16, kNext | 4, 1}, {kOutcome, 1, kWrites, 0}}};  // indirect, which was not offered
  for (const auto& chain : chains) {
    write(0x70, 0);
    made_available = 0;
    start_driver();
    EXPECT_FALSE(broken());
    for (unsigned i = 0; i < chain.size(); ++i) describe(i, chain[i]);
    notify(0);
    EXPECT_TRUE(broken());
    EXPECT_EQ(fetch<std::uint16_t>(kUsed + 2), 0u);
  }
}

TEST_F(Disk, AsksForAResetWhenMoreIsAvailableThanTheQueueHolds) {
  put<std::uint16_t>(kAvailable + 2, 9);
  write(0x50, 0);
  EXPECT_TRUE(broken());
  EXPECT_EQ(disk.read(0x60), 2u);  // the driver is told by a configuration change
}

TEST_F(Disk, DoesNothingBeforeTheDriverIsReady) {
  write(0x70, 0);
  EXPECT_EQ(request(0, 0, 512), 0xffu);
  write(0x24, 0);
  write(0x20, 0xffffffff);  // features that nobody offered
  write(0x70, 11);
  EXPECT_EQ(disk.read(0x70) & 8, 0u);
}

struct LargeDisk : Disk {
  LargeDisk() : Disk(512) {}
  static constexpr std::uint64_t kLarge = kMemory + 0x1'0000;
  static constexpr std::uint32_t kSegment = 16 << 10;

  // As many heads as asked for, all of one chain: four segments of the size that the device announces.
  void notify_of(unsigned heads, std::uint32_t type) {
    put(kHeader, std::uint64_t{type});
    put(kHeader + 8, std::uint64_t{0});
    const auto flags = static_cast<std::uint16_t>(kNext | (type == 0 ? kWrites : 0));
    describe(0, {kHeader, 16, kNext, 1});
    for (std::uint16_t i = 0; i < 4; ++i)
      describe(1u + i, {kLarge + i * kSegment, kSegment, flags, static_cast<std::uint16_t>(i + 2)});
    describe(5, {kOutcome, 1, kWrites, 0});
    for (unsigned i = 0; i < heads; ++i) put<std::uint16_t>(kAvailable + 4 + 2 * (made_available++ % 8), 0);
    put(kAvailable + 2, made_available);
    write(0x50, 0);
  }
};

TEST_F(LargeDisk, SaysHowMuchItTakesAtOnce) {
  EXPECT_EQ(disk.read(0x108), kSegment);
  EXPECT_EQ(disk.read(0x10c), 4u);
  EXPECT_EQ(request(0, 0, 4 * kSegment, kLarge), 0u);
  EXPECT_EQ(request(0, 0, 4 * kSegment + 512, kLarge), 1u);
  EXPECT_FALSE(broken());
}

// 160 KiB fit into a queue of 16 descriptors that belong to one request each.
TEST_F(LargeDisk, BreaksADriverOffThatAsksForMoreThanItsQueueCouldHold) {
  for (const std::uint32_t type : {0u, 1u}) {
    write(0x70, 0);
    made_available = 0;
    put<std::uint16_t>(kUsed + 2, 0);
    start_driver();
    notify_of(2, type);
    EXPECT_EQ(fetch<std::uint16_t>(kUsed + 2), 2u);
    notify_of(2, type);  // each notification anew
    EXPECT_EQ(fetch<std::uint16_t>(kUsed + 2), 4u);
    EXPECT_FALSE(broken());
    notify_of(3, type);
    EXPECT_TRUE(broken());
    EXPECT_EQ(fetch<std::uint16_t>(kUsed + 2), 4u);
  }
}

TEST_F(Disk, SurvivesAnyDriver) {
  Random random(3);
  unsigned served = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    if (i % 50 == 0 || broken()) {
      write(0x70, 0);
      made_available = 0;
      put<std::uint16_t>(kUsed + 2, 0);
      start_driver();
    }
    // Chains of a header, data and an outcome byte, each of them wrong now and then.
    for (std::uint16_t at = 0; at < 3; ++at) {
      const auto sane = [&](auto good, std::uint64_t wild) {
        return random() % 16 == 0 ? static_cast<decltype(good)>(wild) : good;
      };
      const std::uint64_t where[] = {kHeader, kData, kOutcome};
      const std::uint32_t bytes[] = {16, 512 * (1 + random() % 4), 1};
      const auto flags = static_cast<std::uint16_t>(at == 2             ? kWrites
                                                    : random() % 2 == 0 ? kNext
                                                                        : kNext | kWrites);
      describe(at, {sane(where[at], std::uint64_t{random()} << (random() % 33)), sane(bytes[at], random()),
                    sane(flags, random()), sane(static_cast<std::uint16_t>(at + 1), random())});
    }
    put<std::uint32_t>(kHeader, random() % 16);
    put<std::uint64_t>(kHeader + 8, random() % 4 == 0 ? random() : random() % 12);
    const auto before = fetch<std::uint16_t>(kUsed + 2);
    notify(static_cast<std::uint16_t>(random() % 8 == 0 ? random() : 0));
    served += fetch<std::uint16_t>(kUsed + 2) != before;
    if (random() % 4 == 0) write(4 * (random() % 0x50), random() % 3 == 0 ? random() : random() % 16);
  }
  EXPECT_GT(served, 10'000u);
  EXPECT_FALSE(machine.out_of_ram);
}

}  // namespace
}  // namespace hv
