// Registers of devices, and what they have under way, for checkpoints.
#include "models/device/persist.h"

#include <algorithm>
#include <map>

#include "models/device/disk.h"
#include "models/device/goldfish_rtc.h"
#include "models/device/uart16550.h"
#include "models/device/virtio_block.h"
#include "models/device/virtio_console.h"
#include "models/device/virtio_mmio.h"

namespace hvsim::device {

namespace {

constexpr std::string_view kImpossible = "has a device in an impossible state";

std::uint64_t sum(const std::vector<VirtioSegment>& segments) {
  std::uint64_t bytes = 0;
  for (const VirtioSegment& segment : segments) bytes += segment.bytes;
  return bytes;
}

}  // namespace

static void persist(state::Archive& archive, GoldfishRtcState& state) {
  auto& [offset_ns, alarm_ns, latched_high, alarm_running, pending, enabled] = state;
  archive(offset_ns, alarm_ns, latched_high, alarm_running, pending, enabled);
}

static void persist(state::Archive& archive, UartState& state) {
  auto& [ier, fcr, lcr, mcr, scr, lsr_errors, msr_deltas, dll, dlm, thre_pending, receive_fifo, line] = state;
  archive(ier, fcr, lcr, mcr, scr, lsr_errors, msr_deltas, dll, dlm, thre_pending, receive_fifo, line);
  archive.require(receive_fifo.size() <= Uart16550::kFifoBytes, kImpossible);
}

static void persist(state::Archive& archive, VirtioMmioState& state) {
  auto& [status, interrupts, driver_features, device_features_select, driver_features_select, queue_select] =
      state;
  archive(status, interrupts, driver_features, device_features_select, driver_features_select, queue_select);
}

static void persist(state::Archive& archive, VirtioQueueState& state) {
  auto& [size, ready, descriptors, driver, device, taken, used] = state;
  archive(size, ready, descriptors, driver, device, taken, used);
}

static void persist(state::Archive& archive, VirtioSegment& segment) {
  auto& [address, bytes] = segment;
  archive(address, bytes);
}

static void persist(state::Archive& archive, VirtioChain& chain) {
  auto& [head, readable, writable, readable_bytes, writable_bytes] = chain;
  archive(head);
  archive.list(readable, VirtioQueue::kMaxSize);
  archive.list(writable, VirtioQueue::kMaxSize);
  archive(readable_bytes, writable_bytes);
  archive.require(sum(readable) == readable_bytes && sum(writable) == writable_bytes, kImpossible);
}

static void persist(state::Archive& archive, VirtioBlockRequest& request) {
  auto& [chain, type, sector, bytes, done, status] = request;
  archive(chain, type, sector, bytes, done, status);
  archive.require(done <= bytes && chain.writable_bytes != 0, kImpossible);
}

void persist(state::Archive& archive, VirtioBlockStats& stats) {
  auto& [reads, writes, flushes, errors, bytes_read, bytes_written] = stats;
  archive(reads, writes, flushes, errors, bytes_read, bytes_written);
}

void GoldfishRtc::persist(state::Archive& archive) { archive(interrupt_high_, state_); }

void Uart16550::persist(state::Archive& archive) { archive(interrupt_high_, state_); }

void DiskImage::persist(state::Archive& archive) {
  auto& [file, bytes, access, overlay, overlay_written] = *this;
  std::uint64_t size = bytes, count = overlay.size();
  archive(size);
  if (access == DiskAccess::read_write) return archive.fail("would need a disk whose file changes");
  if (!archive.require(size == bytes, "is of another disk")) return;
  count = archive.length(count);
  std::map<std::uint64_t, Cluster*> clusters;  // in a fixed order
  for (auto& [number, cluster] : overlay) clusters[number] = cluster.get();
  auto next = clusters.begin();
  if (archive.loading()) overlay.clear(), overlay_written = 0;
  for (std::uint64_t i = 0; i < count && !archive.failed(); ++i) {
    std::uint64_t number = archive.saving() ? next->first : 0;
    bool zeros = archive.saving() && next->second == nullptr;
    archive(number, zeros);
    if (archive.saving()) {
      if (!zeros) archive.bytes(*next->second);
      ++next;
      continue;
    }
    auto& cluster = overlay[number];
    if (zeros) continue;
    cluster = std::make_unique<Cluster>();
    archive.bytes(*cluster);
    ++overlay_written;
  }
}

void VirtioBlock::persist(state::Archive& archive) {
  archive(request_, stats_);
  if (!archive.loading() || !request_) return;
  const Request& request = *request_;
  const bool moves = request.type != kGetId && request.status == kOk;
  const bool fits =
      moves ? inside_disk(request.sector, request.bytes / kSectorBytes) : request.bytes <= kIdBytes;
  archive.require(request.status != kOk || fits, kImpossible);
}

void VirtioConsole::persist(state::Archive& archive) {
  archive(input_, transmitting_, receiving_, transmitted_);
  if (!archive.loading()) return;
  archive.require(!transmitting_ || transmitted_ <= transmitting_->readable_bytes, kImpossible);
}

void VirtioMmio::persist(state::Archive& archive) {
  archive(interrupt_high_, state_);
  for (VirtioQueue& queue : queues_) {
    archive(queue.state);
    archive.require(!queue.state.ready || queue.well_formed(dma_), kImpossible);
  }
  if (device_ != nullptr) device_->persist(archive);
}

}  // namespace hvsim::device
