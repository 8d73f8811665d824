// Requests of virtio-blk.
#include "models/device/virtio_block.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace hvsim::device {
namespace {

constexpr unsigned kHeaderBytes = 16, kRangeBytes = 16;
constexpr std::uint32_t kSegments = 254;  // as QEMU's disk with its queue of 256

// Offsets in the configuration space (section 5.2.4).
constexpr std::size_t kCapacity = 0, kSegMaxField = 12, kBlockSizeField = 20, kQueuesField = 34,
                      kMaxDiscardSectors = 36, kMaxDiscardSegments = 40, kDiscardAlignment = 44,
                      kMaxZeroesSectors = 48, kMaxZeroesSegments = 52, kMayUnmap = 56;

template <class T, std::size_t Bytes>
void put(std::array<std::uint8_t, Bytes>& into, std::size_t offset, T value) {
  std::memcpy(into.data() + offset, &value, sizeof value);
}

}  // namespace

VirtioBlock::VirtioBlock(Disk& disk, const std::string& serial) : disk_(disk) {
  put(config_, kCapacity, disk.sectors());
  put(config_, kSegMaxField, kSegments);
  put(config_, kBlockSizeField, static_cast<std::uint32_t>(kSectorBytes));
  put(config_, kQueuesField, std::uint16_t{1});
  put(config_, kMaxDiscardSectors, kMaxRangeSectors);
  put(config_, kMaxDiscardSegments, std::uint32_t{1});
  put(config_, kDiscardAlignment, std::uint32_t{1});
  put(config_, kMaxZeroesSectors, kMaxRangeSectors);
  put(config_, kMaxZeroesSegments, std::uint32_t{1});
  put(config_, kMayUnmap, std::uint8_t{1});
  std::copy_n(serial.begin(), std::min(serial.size(), kIdBytes), id_.begin());
}

std::uint64_t VirtioBlock::features() const {
  const std::uint64_t writing = disk_.read_only() ? kReadOnly : kDiscard | kWriteZeroes;
  return kSegMax | kBlockSize | kFlush | writing;
}

std::optional<std::uint64_t> VirtioBlock::begin(VirtioPort& port) {
  if (!request_) {
    auto chain = port.take(0);
    if (!chain || !accept(port, std::move(*chain))) return std::nullopt;
  }
  return piece_bytes();
}

void VirtioBlock::finish(VirtioPort& port) {
  if (!request_) return;
  Request& request = *request_;
  std::vector<std::uint8_t> piece(piece_bytes());
  if (!piece.empty() && !move_piece(port, piece)) request.status = kIoError;
  request.done += piece.size();
  if (request.status != kOk || request.done == request.bytes) complete(port);
}

// The header comes first among what the device reads, the status last among what it writes; how either is cut
// into descriptors is the driver's choice (section 2.7.4.2).
bool VirtioBlock::accept(VirtioPort& port, VirtioChain chain) {
  std::uint8_t header[kHeaderBytes];
  if (chain.writable_bytes == 0 || !gather(port.dma(), chain.readable, 0, header)) {
    port.need_reset();
    return false;
  }
  Request& request = request_.emplace();
  request.chain = std::move(chain);
  std::memcpy(&request.type, header, sizeof request.type);
  std::memcpy(&request.sector, header + 8, sizeof request.sector);
  prepare(port, request);
  if (request.status != kOk) request.bytes = 0;
  return true;
}

void VirtioBlock::prepare(VirtioPort& port, Request& request) {
  const std::uint64_t to_write = request.chain.writable_bytes - 1;  // but the status
  const std::uint64_t to_read = request.chain.readable_bytes - kHeaderBytes;
  switch (request.type) {
    case kIn:
      prepare_transfer(request, to_write);
      break;
    case kOut:
      if (disk_.read_only())
        request.status = kIoError;
      else
        prepare_transfer(request, to_read);
      break;
    case kGetId:
      request.bytes = std::min<std::uint64_t>(to_write, kIdBytes);
      break;
    case kDiscardRequest:
    case kWriteZeroesRequest:
      prepare_range(port, request);
      break;
    case kFlushRequest:
      break;
    default:
      request.status = kUnsupported;
      break;
  }
}

void VirtioBlock::prepare_transfer(Request& request, std::uint64_t bytes) {
  if (bytes % kSectorBytes != 0 || !inside_disk(request.sector, bytes / kSectorBytes))
    request.status = kIoError;
  request.bytes = bytes;
}

// One segment: sector, count, flags. Discarding fills with zeros too. The only flag is "unmap", which
// discarding must not carry (section 5.2.6.2).
void VirtioBlock::prepare_range(VirtioPort& port, Request& request) {
  struct {
    std::uint64_t sector;
    std::uint32_t sectors, flags;
  } range{};
  std::uint8_t bytes[kRangeBytes];
  const bool one = request.chain.readable_bytes == kHeaderBytes + kRangeBytes;
  if (disk_.read_only() || !one || !gather(port.dma(), request.chain.readable, kHeaderBytes, bytes)) {
    request.status = kIoError;
    return;
  }
  std::memcpy(&range, bytes, sizeof range);
  const std::uint32_t known = request.type == kWriteZeroesRequest ? 1 : 0;
  if ((range.flags & ~known) != 0)
    request.status = kUnsupported;
  else if (range.sectors > kMaxRangeSectors || !inside_disk(range.sector, range.sectors))
    request.status = kIoError;
  request.sector = range.sector;
  request.bytes = range.sectors * kSectorBytes;
}

std::uint64_t VirtioBlock::piece_bytes() const {
  return std::min(request_->bytes - request_->done, kPieceBytes);
}

bool VirtioBlock::move_piece(VirtioPort& port, std::span<std::uint8_t> piece) {
  Request& request = *request_;
  const std::uint64_t sector = request.sector + request.done / kSectorBytes;
  switch (request.type) {
    case kIn:
      return disk_.read(sector, piece) && scatter(port.dma(), request.chain.writable, request.done, piece);
    case kOut:
      return gather(port.dma(), request.chain.readable, kHeaderBytes + request.done, piece) &&
             disk_.write(sector, piece);
    case kGetId:
      return scatter(port.dma(), request.chain.writable, 0, std::span(id_).first(piece.size()));
    default:
      return disk_.write(sector, piece);  // discard, write zeroes
  }
}

void VirtioBlock::complete(VirtioPort& port) {
  Request request = std::move(*request_);
  request_.reset();
  if (request.type == kFlushRequest && !disk_.flush()) request.status = kIoError;
  const bool fine = request.status == kOk;
  stats_.errors += !fine;
  stats_.flushes += request.type == kFlushRequest;
  if (request.type == kIn) ++stats_.reads, stats_.bytes_read += request.done;
  if (request.type == kOut) ++stats_.writes, stats_.bytes_written += request.done;

  const std::uint8_t status[] = {request.status};
  const std::uint64_t last = request.chain.writable_bytes - 1;
  if (!scatter(port.dma(), request.chain.writable, last, status)) return port.need_reset();
  // What was written without a gap; nothing of a failed request's data counts.
  const bool returns_data = fine && (request.type == kIn || request.type == kGetId);
  const std::uint64_t data = returns_data ? request.bytes : 0;
  port.give(0, request.chain.head, static_cast<std::uint32_t>(data == last ? last + 1 : data));
}

bool VirtioBlock::inside_disk(std::uint64_t sector, std::uint64_t sectors) const {
  return sector <= disk_.sectors() && sectors <= disk_.sectors() - sector;
}

}  // namespace hvsim::device
