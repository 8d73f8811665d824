// Drives a virtio block device in slot 0 and prints all that a driver sees: the same on QEMU and here.
#include <cstring>

#include "workloads/bench/bench.h"
#include "workloads/devices/virtio.h"

namespace {

using namespace devices;

constexpr unsigned kSize = 8, kSectorBytes = 512;
constexpr std::uint32_t kIn = 0, kOut = 1, kFlush = 4, kGetId = 8, kNonsense = 77;
constexpr std::uint64_t kFlushFeature = 1 << 9, kIndirectFeature = 1 << 28, kEventIndexFeature = 1 << 29,
                        kVersion1 = std::uint64_t{1} << 32;

Queue<kSize> queue;
virtio::BlockHeader header;
std::uint8_t data[8 * kSectorBytes];
std::uint8_t status;
Descriptor table[4];
std::uint16_t used_before = 0;
bool indirect = false;

std::uint32_t checksum(std::size_t bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes; ++i) sum = (sum << 5 | sum >> 27) ^ data[i];
  return sum;
}

std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

// Header, data in two parts, status.
void describe(Descriptor* at, std::uint32_t bytes, bool device_writes) {
  const std::uint16_t direction = device_writes ? kWrite : std::uint16_t{0};
  const std::uint32_t half = bytes / 2;
  std::uint16_t n = 0;
  at[n++] = {address(&header), sizeof header, kNext, 1};
  if (bytes != 0) {
    at[n++] = {address(data), half, static_cast<std::uint16_t>(kNext | direction), 2};
    at[n++] = {address(data) + half, bytes - half, static_cast<std::uint16_t>(kNext | direction), 3};
  }
  at[n] = {address(&status), 1, kWrite, 0};
}

// One request, waited for. Prints its status, the length used and what the interrupt said.
void request(Slot& slot, std::string_view name, std::uint32_t type, std::uint64_t sector,
             std::uint32_t bytes) {
  header = {type, 0, sector};
  status = 0xEE;
  describe(indirect ? table : queue.descriptors.data(), bytes, type != kOut);
  if (indirect) queue.descriptors[0] = {address(table), (bytes != 0 ? 4u : 2u) * 16u, kIndirect, 0};
  queue.available.ring[queue.available.index % kSize] = 0;
  fence();
  queue.available.index = static_cast<std::uint16_t>(queue.available.index + 1);
  fence();
  slot.notify(0);
  do {
    const std::uint32_t source = plic::wait();
    const std::uint32_t reasons = slot.acknowledge_interrupt();
    plic::complete(source);
    line("  interrupt", source, reasons);
  } while (queue.used.index == used_before);
  const auto& entry = queue.used.ring[used_before++ % kSize];
  queue.available.used_event = used_before;
  line(name, status, entry.id);
  if (status == 0) line("  length, data", entry.bytes, checksum(bytes));
}

void drive(Slot& slot, std::uint64_t features) {
  queue = {};
  used_before = 0;
  indirect = (features & kIndirectFeature) != 0;
  line("negotiated", slot.negotiate(features), slot.status());
  slot.start_queue(0, queue);
  line("queue ready", slot.at(0x044));
  slot.add_status(Slot::kDriverOk);
  line("status", slot.status());

  request(slot, "read", kIn, 0, sizeof data);
  request(slot, "read", kIn, 3, 2 * kSectorBytes);
  for (unsigned i = 0; i < sizeof data; ++i) data[i] = static_cast<std::uint8_t>(i * 7 + i / 256 + features);
  request(slot, "write", kOut, 5, sizeof data);
  std::memset(data, 0, sizeof data);
  request(slot, "read back", kIn, 4, sizeof data);
  request(slot, "flush", kFlush, 0, 0);
  std::memset(data, 0, sizeof data);
  request(slot, "id", kGetId, 0, 20);
  request(slot, "past the end", kIn, std::uint64_t{1} << 40, kSectorBytes);
  request(slot, "half a sector", kOut, 0, 256);
  request(slot, "nonsense", kNonsense, 0, kSectorBytes);
  request(slot, "read", kIn, 0, sizeof data);
}

}  // namespace

extern "C" void bench_main() {
  for (unsigned i = 1; i < Slot::kSlots; ++i) {
    const Slot empty(i);
    line("empty slot", empty.at(0x000), empty.at(0x004), empty.device_id(), empty.at(0x00C), empty.at(0x010));
  }
  Slot slot(0);
  line("slot", slot.at(0x000), slot.at(0x004), slot.device_id(), slot.at(0x00C));
  constexpr std::uint64_t kCommon = kFlushFeature | kIndirectFeature | kEventIndexFeature | kVersion1;
  line("offers what is needed", (slot.features() & kCommon) == kCommon);
  line("capacity", slot.at(0x100), slot.at(0x104));
  line("segments, sector bytes", slot.at(0x10C), slot.at(0x114));
  line("largest queue", slot.at(0x034));
  slot.at(0x030) = 5;
  line("no such queue", slot.at(0x034), slot.at(0x044));
  plic::enable(1);
  drive(slot, kVersion1);
  drive(slot, kVersion1 | kFlushFeature | kIndirectFeature);
  drive(slot, kVersion1 | kFlushFeature | kIndirectFeature | kEventIndexFeature);
  drive(slot, 0);  // small kernels leave the upper half alone
  bench::done("block", checksum(sizeof data));
}
