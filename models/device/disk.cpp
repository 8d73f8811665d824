// Raw files as disks, with a copy-on-write overlay in memory.
#include "models/device/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hvsim::device {

isa::Result<std::unique_ptr<DiskImage>, std::string> DiskImage::open(const std::string& path,
                                                                     DiskAccess access) {
  const int flags = (access == DiskAccess::read_write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;
  const int file = ::open(path.c_str(), flags);
  if (file < 0) return isa::Failure{std::string(std::strerror(errno))};
  struct stat facts {};
  std::string problem;
  if (fstat(file, &facts) != 0)
    problem = std::strerror(errno);
  else if (!S_ISREG(facts.st_mode))
    problem = "is not a regular file";
  else if (access == DiskAccess::read_write && facts.st_size % static_cast<off_t>(kSectorBytes) != 0)
    problem = "is no multiple of 512 bytes long, which writing to it needs";
  if (!problem.empty()) {
    ::close(file);
    return isa::Failure{problem};
  }
  return std::unique_ptr<DiskImage>(new DiskImage(file, static_cast<std::uint64_t>(facts.st_size), access));
}

DiskImage::~DiskImage() { ::close(file_); }

bool DiskImage::read(std::uint64_t sector, std::span<std::uint8_t> data) {
  std::uint64_t offset = sector * kSectorBytes;
  while (!data.empty()) {
    const std::uint64_t inside = offset % kClusterBytes;
    const auto found = overlay_.find(offset / kClusterBytes);
    // As far as one cluster reaches, or everything if there are no others.
    const std::size_t piece =
        overlay_.empty() ? data.size() : std::min<std::uint64_t>(data.size(), kClusterBytes - inside);
    if (found != overlay_.end() && found->second == nullptr)
      std::ranges::fill(data.first(piece), std::uint8_t{0});
    else if (found != overlay_.end())
      std::memcpy(data.data(), found->second->data() + inside, piece);
    else if (!read_file(offset, data.first(piece)))
      return false;
    data = data.subspan(piece);
    offset += piece;
  }
  return true;
}

bool DiskImage::write(std::uint64_t sector, std::span<const std::uint8_t> data) {
  if (access_ == DiskAccess::read_only) return false;
  const std::uint64_t offset = sector * kSectorBytes;
  return access_ == DiskAccess::overlay ? write_overlay(offset, data) : write_file(offset, data);
}

bool DiskImage::flush() { return access_ != DiskAccess::read_write || fdatasync(file_) == 0; }

// The last sector of a file may be short; the rest of it is zeros.
bool DiskImage::read_file(std::uint64_t offset, std::span<std::uint8_t> data) const {
  const std::uint64_t inside = offset < bytes_ ? std::min<std::uint64_t>(data.size(), bytes_ - offset) : 0;
  std::ranges::fill(data.subspan(inside), std::uint8_t{0});
  for (std::size_t done = 0; done < inside;) {
    const ssize_t got = ::pread(file_, data.data() + done, inside - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;  // or somebody has made the file shorter
    done += static_cast<std::size_t>(got);
  }
  return true;
}

bool DiskImage::write_file(std::uint64_t offset, std::span<const std::uint8_t> data) {
  for (std::size_t done = 0; done < data.size();) {
    const ssize_t put =
        ::pwrite(file_, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += static_cast<std::size_t>(put);
  }
  return true;
}

bool DiskImage::write_overlay(std::uint64_t offset, std::span<const std::uint8_t> data) {
  while (!data.empty()) {
    const std::uint64_t inside = offset % kClusterBytes;
    const std::size_t piece = std::min<std::uint64_t>(data.size(), kClusterBytes - inside);
    const auto part = data.first(piece);
    if (piece == kClusterBytes && std::ranges::all_of(part, [](std::uint8_t byte) { return byte == 0; })) {
      clear_cluster(offset / kClusterBytes);
    } else {
      Cluster* cluster = overlay_cluster(offset / kClusterBytes);
      if (cluster == nullptr) return false;
      std::ranges::copy(part, cluster->data() + inside);
    }
    data = data.subspan(piece);
    offset += piece;
  }
  return true;
}

void DiskImage::clear_cluster(std::uint64_t number) {
  auto& slot = overlay_[number];
  overlay_written_ -= slot != nullptr;
  slot.reset();
}

DiskImage::Cluster* DiskImage::overlay_cluster(std::uint64_t number) {
  const auto found = overlay_.find(number);
  if (found != overlay_.end() && found->second) return found->second.get();
  auto fresh = std::make_unique<Cluster>();
  fresh->fill(0);
  if (found == overlay_.end() && !read_file(number * kClusterBytes, *fresh)) return nullptr;
  ++overlay_written_;
  return (overlay_[number] = std::move(fresh)).get();
}

}  // namespace hvsim::device
