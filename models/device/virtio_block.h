// virtio-blk: a disk behind one queue (virtio 1.2, section 5.2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "models/device/disk.h"
#include "models/device/virtio_device.h"
#include "models/state/archive_forward.h"

namespace hvsim::device {

struct VirtioBlockStats {
  std::uint64_t reads = 0, writes = 0, flushes = 0, errors = 0;
  std::uint64_t bytes_read = 0, bytes_written = 0;
};

// A request under way. Its data move piece by piece.
struct VirtioBlockRequest {
  VirtioChain chain;
  std::uint32_t type = 0;
  std::uint64_t sector = 0;
  std::uint64_t bytes = 0;  // of data
  std::uint64_t done = 0;
  std::uint8_t status = 0;
};

class VirtioBlock final : public VirtioDevice {
 public:
  // Feature bits.
  static constexpr std::uint64_t kSegMax = 1 << 2, kReadOnly = 1 << 5, kBlockSize = 1 << 6, kFlush = 1 << 9,
                                 kDiscard = 1 << 13, kWriteZeroes = 1 << 14;
  // Request types and status bytes.
  static constexpr std::uint32_t kIn = 0, kOut = 1, kFlushRequest = 4, kGetId = 8, kDiscardRequest = 11,
                                 kWriteZeroesRequest = 13;
  static constexpr std::uint8_t kOk = 0, kIoError = 1, kUnsupported = 2;
  static constexpr std::size_t kIdBytes = 20;

  VirtioBlock(Disk& disk, const std::string& serial);

  std::uint32_t device_id() const override { return 2; }
  std::uint64_t features() const override;
  unsigned queues() const override { return 1; }
  std::span<const std::uint8_t> config() const override { return config_; }
  void cancel(unsigned) override { request_.reset(); }
  std::optional<std::uint64_t> begin(VirtioPort& port) override;
  void finish(VirtioPort& port) override;

  void persist(state::Archive& archive) override;

  const VirtioBlockStats& stats() const { return stats_; }

 private:
  using Request = VirtioBlockRequest;
  static constexpr std::size_t kConfigBytes = 60;
  static constexpr std::uint64_t kPieceBytes = 1 << 20;  // moved at once
  // Most that one request may discard or fill with zeros.
  static constexpr std::uint32_t kMaxRangeSectors = 32768;

  bool accept(VirtioPort& port, VirtioChain chain);
  void prepare(VirtioPort& port, Request& request);
  void prepare_transfer(Request& request, std::uint64_t bytes);
  void prepare_range(VirtioPort& port, Request& request);
  std::uint64_t piece_bytes() const;
  bool move_piece(VirtioPort& port, std::span<std::uint8_t> piece);
  void complete(VirtioPort& port);
  bool inside_disk(std::uint64_t sector, std::uint64_t sectors) const;

  Disk& disk_;
  std::array<std::uint8_t, kConfigBytes> config_{};
  std::array<std::uint8_t, kIdBytes> id_{};
  std::optional<Request> request_;
  VirtioBlockStats stats_;
};

}  // namespace hvsim::device
