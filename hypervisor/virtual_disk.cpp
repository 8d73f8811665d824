// A VM's disk: virtio-mmio version 2 with one queue; the content lies in the hypervisor's memory.
#include "hypervisor/virtual_disk.h"

#include <algorithm>

#include "hypervisor/atomics.h"
#include "hypervisor/guest_memory.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;

// Virtual I/O Device specification 1.2, 4.2.2 (registers), 2.7 (split queues), 5.2 (block device).
enum Register : std::uint64_t {
  kMagicValue = 0x000,
  kVersion = 0x004,
  kDeviceId = 0x008,
  kVendorId = 0x00c,
  kDeviceFeatures = 0x010,
  kDeviceFeaturesSel = 0x014,
  kDriverFeatures = 0x020,
  kDriverFeaturesSel = 0x024,
  kQueueSel = 0x030,
  kQueueNumMax = 0x034,
  kQueueNum = 0x038,
  kQueueReady = 0x044,
  kQueueNotify = 0x050,
  kInterruptStatus = 0x060,
  kInterruptAck = 0x064,
  kStatus = 0x070,
  kQueueDescLow = 0x080,
  kQueueDescHigh = 0x084,
  kQueueDriverLow = 0x090,
  kQueueDriverHigh = 0x094,
  kQueueDeviceLow = 0x0a0,
  kQueueDeviceHigh = 0x0a4,
  kConfig = 0x100
};
constexpr std::uint32_t kMagic = 0x74726976, kBlockDevice = 2, kVendor = 0x48565349;
constexpr std::uint32_t kFeaturesOk = 8, kDriverOk = 4, kNeedsReset = 0x40;
constexpr std::uint32_t kUsedBuffer = 1, kConfigurationChange = 2;  // interrupt status

constexpr std::uint64_t kSizeMax = 1, kSegMax = 2, kFlush = 9, kVersion1 = 32;  // feature bits
constexpr std::uint64_t kFeatures = std::uint64_t{1} << kSizeMax | std::uint64_t{1} << kSegMax |
                                    std::uint64_t{1} << kFlush | std::uint64_t{1} << kVersion1;
constexpr std::uint16_t kNext = 1, kDeviceWrites = 2, kIndirect = 4;  // descriptor flags
constexpr std::uint16_t kNoInterrupt = 1;                             // available ring's flags
constexpr std::uint32_t kRead = 0, kWrite = 1, kFlushCache = 4, kIdentify = 8;
constexpr std::uint8_t kOk = 0, kIoError = 1, kUnsupported = 2;
constexpr std::uint64_t kSectorBytes = 512, kIdentityBytes = 20;

template <class T>
bool fetch(Arch& arch, GuestMemory& memory, std::uint64_t at, T& value) {
  return memory.read(arch, &value, Gpa{at}, sizeof value);
}
template <class T>
bool put(Arch& arch, GuestMemory& memory, std::uint64_t at, const T& value) {
  return memory.write(arch, Gpa{at}, &value, sizeof value);
}

void set_low(std::uint64_t& word, std::uint32_t value) { word = (word >> 32 << 32) | value; }
void set_high(std::uint64_t& word, std::uint32_t value) {
  word = (word & 0xffff'ffff) | std::uint64_t{value} << 32;
}

struct Header {
  std::uint32_t type, reserved;
  std::uint64_t sector;
};
static_assert(sizeof(Header) == 16);

}  // namespace

// A chain taken apart: header, data, and the byte that reports the outcome.
struct VirtualDisk::Request {
  Header header{};
  std::array<Descriptor, kQueueSize> parts{};
  unsigned count = 0;
  std::uint64_t bytes = 0;
  std::uint64_t outcome_at = 0;
};

bool VirtualDisk::create(Arch& arch, PagePool& pool, std::span<const std::byte> content) {
  if (!content_.create(arch, pool)) return false;
  sectors_ = (content.size() + kSectorBytes - 1) / kSectorBytes;
  for (std::uint64_t at = 0; at < content.size(); at += kPageBytes) {
    const auto page = pool.allocate(arch, PageRun::page);
    if (!page || !content_.map(arch, pool, Gpa{at}, *page, PageRun::page)) return false;
    const std::uint64_t piece = std::min<std::uint64_t>(content.size() - at, kPageBytes);
    if (piece < kPageBytes) arch.zero(*page, kPageBytes);
    arch.copy_out(*page, content.data() + at, piece);
  }
  return true;
}

std::uint64_t VirtualDisk::pages(Arch& arch) const {
  std::uint64_t pages = content_.table_pages(arch);
  content_.for_each_leaf(
      arch, [&](Gpa, const StageTwoTable::Leaf& leaf) { pages += static_cast<std::uint64_t>(leaf.run()); });
  return pages;
}

void VirtualDisk::reset() {
  status_ = interrupt_status_ = feature_word_ = driver_feature_word_ = selected_queue_ = queue_ready_ = 0;
  driver_features_ = {};
  queue_size_ = kQueueSize;
  descriptors_ = available_ = used_ = 0;
  taken_ = given_ = 0;
}

std::uint32_t VirtualDisk::read(std::uint64_t offset) const {
  const bool first_queue = selected_queue_ == 0;
  switch (offset) {
    case kMagicValue:
      return kMagic;
    case kVersion:
      return 2;
    case kDeviceId:
      return kBlockDevice;
    case kVendorId:
      return kVendor;
    case kDeviceFeatures:
      return feature_word_ < 2 ? static_cast<std::uint32_t>(kFeatures >> (32 * feature_word_)) : 0;
    case kQueueNumMax:
      return first_queue ? kQueueSize : 0;
    case kQueueReady:
      return first_queue ? queue_ready_ : 0;
    case kInterruptStatus:
      return interrupt_status_;
    case kStatus:
      return status_;
    case kConfig:  // capacity, size_max, seg_max
      return static_cast<std::uint32_t>(sectors_);
    case kConfig + 4:
      return static_cast<std::uint32_t>(sectors_ >> 32);
    case kConfig + 8:
      return kMaxSegmentBytes;
    case kConfig + 12:
      return kMaxSegments;
    default:
      return 0;
  }
}

// The driver may not go on with features that were not offered, or without VERSION_1.
void VirtualDisk::set_status(std::uint32_t value) {
  if (value == 0) return reset();
  const std::uint64_t chosen = std::uint64_t{driver_features_[1]} << 32 | driver_features_[0];
  const bool acceptable = (chosen & ~kFeatures) == 0 && (chosen >> kVersion1 & 1) != 0;
  status_ = (value & 0xff & (acceptable ? ~0u : ~kFeaturesOk)) | (status_ & kNeedsReset);
}

void VirtualDisk::write(Arch& arch, GuestMemory& memory, std::uint64_t offset, std::uint32_t value) {
  switch (offset) {
    case kDeviceFeaturesSel:
      feature_word_ = value;
      return;
    case kDriverFeaturesSel:
      driver_feature_word_ = value;
      return;
    case kDriverFeatures:
      if (driver_feature_word_ < 2 && (status_ & kFeaturesOk) == 0)
        driver_features_[driver_feature_word_] = value;
      return;
    case kQueueSel:
      selected_queue_ = value;
      return;
    case kInterruptAck:
      interrupt_status_ &= ~value;
      return;
    case kStatus:
      return set_status(value);
    case kQueueNotify:
      if (value == 0) run_queue(arch, memory);
      return;
    default:
      break;
  }
  if (selected_queue_ != 0) return;
  if (offset == kQueueReady) {
    queue_ready_ = value & 1;
    if (queue_ready_ == 0) taken_ = given_ = 0;
  }
  if (queue_ready_ != 0) return;  // the rest belongs to a queue that is not in use
  switch (offset) {
    case kQueueNum:
      if (value != 0 && value <= kQueueSize && (value & (value - 1)) == 0) queue_size_ = value;
      return;
    case kQueueDescLow:
      return set_low(descriptors_, value);
    case kQueueDescHigh:
      return set_high(descriptors_, value);
    case kQueueDriverLow:
      return set_low(available_, value);
    case kQueueDriverHigh:
      return set_high(available_, value);
    case kQueueDeviceLow:
      return set_low(used_, value);
    case kQueueDeviceHigh:
      return set_high(used_, value);
    default:
      return;
  }
}

// "Device Status Field": the driver is told of DEVICE_NEEDS_RESET by a configuration change.
// A request for which the guest's memory had no frame is neither taken nor given: it is done again.
void VirtualDisk::break_down(const GuestMemory& memory) {
  if (memory.starved()) return;
  status_ |= kNeedsReset;
  if ((status_ & kDriverOk) != 0) interrupt_status_ |= kConfigurationChange;
}

// Available ring: flags, index, ring[]; used ring: flags, index, {id, bytes written}[].
void VirtualDisk::run_queue(Arch& arch, GuestMemory& memory) {
  if (queue_ready_ == 0 || (status_ & (kDriverOk | kNeedsReset)) != kDriverOk) return;
  std::uint16_t available = 0, flags = 0;
  if (!fetch(arch, memory, available_ + 2, available) ||
      static_cast<std::uint16_t>(available - taken_) > queue_size_)
    return break_down(memory);
  order();  // the entries were written before the index
  std::uint64_t budget = kMaxNotificationBytes;
  while (taken_ != available) {
    std::uint16_t head = 0;
    std::uint32_t used[2] = {};
    if (!fetch(arch, memory, available_ + 4 + 2 * (taken_ % queue_size_), head) ||
        !run_chain(arch, memory, head, budget, used[1]))
      return break_down(memory);
    used[0] = head;
    if (!put(arch, memory, used_ + 4 + 8 * (given_ % queue_size_), used)) return break_down(memory);
    ++taken_;
    ++given_;
  }
  order();
  if (!put(arch, memory, used_ + 2, given_) || !fetch(arch, memory, available_, flags))
    return break_down(memory);
  if ((flags & kNoInterrupt) == 0) interrupt_status_ |= kUsedBuffer;
}

// False: the chain is malformed, so there is nowhere to report that.
bool VirtualDisk::follow(Arch& arch, GuestMemory& memory, std::uint16_t head, Request& request) const {
  std::uint16_t index = head;
  for (std::uint32_t steps = 0; steps < queue_size_; ++steps) {
    Descriptor part{};
    if (index >= queue_size_ || !fetch(arch, memory, descriptors_ + 16 * std::uint64_t{index}, part) ||
        (part.flags & kIndirect) != 0)
      return false;
    request.parts[request.count++] = part;
    if ((part.flags & kNext) == 0) break;
    index = part.next;
    if (steps + 1 == queue_size_) return false;  // a circle
  }
  const Descriptor first = request.parts[0], last = request.parts[request.count - 1];
  if (request.count < 2 || first.bytes != sizeof(Header) || (first.flags & kDeviceWrites) != 0 ||
      last.bytes != 1 || (last.flags & kDeviceWrites) == 0 || !fetch(arch, memory, first.at, request.header))
    return false;
  request.outcome_at = last.at;
  for (unsigned i = 1; i + 1 < request.count; ++i) request.bytes += request.parts[i].bytes;
  return true;
}

bool VirtualDisk::run_chain(Arch& arch, GuestMemory& memory, std::uint16_t head, std::uint64_t& budget,
                            std::uint32_t& written) {
  arch.charge(Work::disk_request, 1);
  Request request;
  if (!follow(arch, memory, head, request)) return false;
  if (request.bytes <= kMaxRequestBytes) {  // a larger one moves nothing
    if (request.bytes > budget) return false;
    budget -= request.bytes;
  }
  written = 0;
  const std::uint8_t outcome = perform(arch, memory, request, written);
  if (memory.starved()) return false;
  ++written;
  return put(arch, memory, request.outcome_at, outcome);
}

std::uint8_t VirtualDisk::perform(Arch& arch, GuestMemory& memory, const Request& request,
                                  std::uint32_t& written) {
  const bool reads = request.header.type == kRead, writes = request.header.type == kWrite;
  if (request.header.type == kFlushCache) return kOk;  // what is written is there
  if (request.header.type == kIdentify) {
    char name[kIdentityBytes] = "hvsim";
    const Descriptor& part = request.parts[1];
    if (request.count != 3 || part.bytes < kIdentityBytes || (part.flags & kDeviceWrites) == 0)
      return kIoError;
    if (!put(arch, memory, part.at, name)) return kIoError;
    written = kIdentityBytes;
    return kOk;
  }
  if (!reads && !writes) return kUnsupported;
  const std::uint64_t sector = request.header.sector;
  if (request.bytes % kSectorBytes != 0 || request.bytes > kMaxRequestBytes || sector > sectors_ ||
      request.bytes / kSectorBytes > sectors_ - sector)
    return kIoError;
  std::uint64_t at = sector * kSectorBytes;
  for (unsigned i = 1; i + 1 < request.count; ++i) {
    const Descriptor& part = request.parts[i];
    if (((part.flags & kDeviceWrites) != 0) != reads || !transfer(arch, memory, part, at)) return kIoError;
    at += part.bytes;
    if (reads) written += part.bytes;
  }
  return kOk;
}

bool VirtualDisk::transfer(Arch& arch, GuestMemory& memory, const Descriptor& part, std::uint64_t at) {
  std::byte piece[kSectorBytes];
  for (std::uint32_t done = 0; done < part.bytes;) {
    const auto bytes = std::min<std::uint32_t>(part.bytes - done, kSectorBytes);
    const Gpa guest{part.at + done}, disk{at + done};
    const bool to_guest = (part.flags & kDeviceWrites) != 0;
    GuestMemory content(content_);
    const bool good = to_guest
                          ? content.read(arch, piece, disk, bytes) && memory.write(arch, guest, piece, bytes)
                          : memory.read(arch, piece, guest, bytes) && content.write(arch, disk, piece, bytes);
    if (!good) return false;
    done += bytes;
  }
  return true;
}

}  // namespace hv
