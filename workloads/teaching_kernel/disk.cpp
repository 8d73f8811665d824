// A virtio block device behind virtio-mmio, version 2 (Virtual I/O Device specification 1.2, 4.2 and 5.2): a
// queue of eight descriptors, three to a request, each request told done by an interrupt.
#include "workloads/teaching_kernel/disk.h"

#include "workloads/teaching_kernel/panic.h"
#include "workloads/teaching_kernel/process.h"
#include "workloads/virtio/virtio.h"

namespace kernel {
namespace {

constexpr unsigned kSize = 8, kPerRequest = 3, kRequests = kSize / kPerRequest;
constexpr std::uint32_t kMagic = 0x7472'6976, kVersion = 2, kBlockDevice = 2;
constexpr unsigned kFeatures = 0x010, kDriverFeatures = 0x020, kQueueSizeMax = 0x034, kQueueReady = 0x044;
// Features that this driver does without: read-only disks, SCSI commands, flushes, cache modes, several
// queues, any layout, indirect descriptors, event indices.
constexpr std::uint32_t kWithout =
    1u << 5 | 1u << 7 | 1u << 9 | 1u << 11 | 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29;

// Request n has descriptors 3n to 3n + 2.
struct Request {
  bool taken, done;
  std::uint8_t status;
  virtio::BlockHeader header;
};

Spinlock lock;
constinit virtio::Registers registers(kDisk);
virtio::Queue<kSize> queue;
Request requests[kRequests];
std::uint16_t seen;  // used entries

std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

// Only the lower half of the features is looked at and answered: the upper one's VERSION_1 is left alone, as
// small kernels do.
void negotiate() {
  using virtio::Registers;
  registers.at(0x070) = 0;
  registers.add_status(Registers::kAcknowledge);
  registers.add_status(Registers::kDriver);
  registers.at(kDriverFeatures) = registers.at(kFeatures) & ~kWithout;
  registers.add_status(Registers::kFeaturesOk);
  if ((registers.status() & Registers::kFeaturesOk) == 0) panic("the disk refuses the driver's features");
}

unsigned take_request() {
  while (true) {
    for (unsigned n = 0; n < kRequests; ++n) {
      if (requests[n].taken) continue;
      requests[n].taken = true;
      requests[n].done = false;
      return n;
    }
    sleep(&requests, lock);
  }
}

// Header, data, status: what the device reads and writes (specification, 5.2.6).
void describe(unsigned n, Transfer transfer, std::uint64_t block, void* frame) {
  constexpr std::uint64_t kSectors = kPageBytes / virtio::kSectorBytes;
  Request& request = requests[n];
  request.header = {transfer == Transfer::read ? virtio::kBlockRead : virtio::kBlockWrite, 0,
                    block * kSectors};
  const auto first = static_cast<std::uint16_t>(n * kPerRequest);
  const std::uint16_t direction = transfer == Transfer::read ? virtio::kWrite : std::uint16_t{0};
  virtio::Descriptor* at = &queue.descriptors[first];
  at[0] = {address(&request.header), sizeof request.header, virtio::kNext,
           static_cast<std::uint16_t>(first + 1)};
  at[1] = {address(frame), kPageBytes, static_cast<std::uint16_t>(virtio::kNext | direction),
           static_cast<std::uint16_t>(first + 2)};
  at[2] = {address(&request.status), 1, virtio::kWrite, 0};
}

void offer(unsigned n) {
  queue.available.ring[queue.available.index % kSize] = static_cast<std::uint16_t>(n * kPerRequest);
  virtio::fence();
  queue.available.index = static_cast<std::uint16_t>(queue.available.index + 1);
  virtio::fence();
  registers.notify(0);
}

}  // namespace

void disk_start() {
  if (registers.at(0) != kMagic || registers.at(4) != kVersion || registers.device_id() != kBlockDevice)
    panic("no virtio disk in slot 0");
  negotiate();
  registers.at(0x030) = 0;
  if (registers.at(kQueueReady) != 0 || registers.at(kQueueSizeMax) < kSize)
    panic("the disk has no fit queue");
  registers.start_queue(0, queue);
  registers.add_status(virtio::Registers::kDriverOk);
}

void disk_interrupt() {
  const Holding holding(lock);
  registers.acknowledge_interrupt();
  virtio::fence();
  for (; seen != queue.used.index; ++seen) {
    virtio::fence();
    Request& request = requests[queue.used.ring[seen % kSize].id / kPerRequest];
    request.done = true;
    wake(&request);
  }
}

bool disk_transfer(Transfer transfer, std::uint64_t block, void* frame) {
  const Holding holding(lock);
  const unsigned n = take_request();
  Request& request = requests[n];
  describe(n, transfer, block, frame);
  offer(n);
  while (!request.done) sleep(&request, lock);
  const bool fine = request.status == 0;
  request.taken = false;
  wake(&requests);
  return fine;
}

}  // namespace kernel
