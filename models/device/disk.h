// Disks behind a block device: raw files, which a run does not change unless it is told to.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "models/cpu/isa/result.h"
#include "models/state/archive_forward.h"

namespace hvsim::device {

inline constexpr std::uint64_t kSectorBytes = 512;

class Disk {
 public:
  virtual ~Disk() = default;
  virtual std::uint64_t sectors() const = 0;
  virtual bool read_only() const = 0;
  // Whole sectors inside the disk. false: the medium failed.
  virtual bool read(std::uint64_t sector, std::span<std::uint8_t> data) = 0;
  virtual bool write(std::uint64_t sector, std::span<const std::uint8_t> data) = 0;
  virtual bool flush() = 0;
};

enum class DiskAccess : std::uint8_t {
  overlay,     // writes are kept in the host's memory and forgotten at the end
  read_only,   // writes fail
  read_write,  // writes change the file
};

class DiskImage final : public Disk {
 public:
  // The error says what is wrong with the file.
  static isa::Result<std::unique_ptr<DiskImage>, std::string> open(const std::string& file,
                                                                   DiskAccess access);
  ~DiskImage() override;
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;

  std::uint64_t sectors() const override { return (bytes_ + kSectorBytes - 1) / kSectorBytes; }
  bool read_only() const override { return access_ == DiskAccess::read_only; }
  bool read(std::uint64_t sector, std::span<std::uint8_t> data) override;
  bool write(std::uint64_t sector, std::span<const std::uint8_t> data) override;
  bool flush() override;
  // The overlay. Fails on a disk whose file changes: the file is no part of it.
  void persist(state::Archive& archive);
  std::uint64_t overlay_bytes() const { return overlay_written_ * kClusterBytes; }  // of the host's memory

 private:
  static constexpr std::uint64_t kClusterBytes = 4096;
  using Cluster = std::array<std::uint8_t, kClusterBytes>;

  DiskImage(int file, std::uint64_t bytes, DiskAccess access) : file_(file), bytes_(bytes), access_(access) {}
  bool read_file(std::uint64_t offset, std::span<std::uint8_t> data) const;
  bool write_file(std::uint64_t offset, std::span<const std::uint8_t> data);
  bool write_overlay(std::uint64_t offset, std::span<const std::uint8_t> data);
  Cluster* overlay_cluster(std::uint64_t number);
  void clear_cluster(std::uint64_t number);

  int file_;
  std::uint64_t bytes_;
  DiskAccess access_;
  // By offset / kClusterBytes; null: zeros, so that discarding takes no room.
  std::unordered_map<std::uint64_t, std::unique_ptr<Cluster>> overlay_;
  std::uint64_t overlay_written_ = 0;  // those that are not null
};

}  // namespace hvsim::device
