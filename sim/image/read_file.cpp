// By the system's calls: they say why they fail.
#include "sim/image/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "models/mem/huge_pages.h"

namespace hvsim::sim {
namespace {

isa::Failure<std::string> refused(int error) {
  return isa::Failure{
      std::string(error == EISDIR ? "is a directory, expected a file" : std::strerror(error))};
}

// Zero of what is no file.
std::uint64_t size_of(int descriptor) {
  struct stat about {};
  return fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) ? static_cast<std::uint64_t>(about.st_size)
                                                                  : 0;
}

// Memory for a large file is asked for at once: a vector that grows touches more than twice as much.
isa::Result<std::vector<std::byte>, std::string> read_most(int descriptor, std::size_t most) {
  constexpr std::size_t most_at_once = std::size_t{1} << 30, chunk_bytes = std::size_t{1} << 16;
  std::vector<std::byte> bytes, chunk(chunk_bytes);
  bytes.reserve(static_cast<std::size_t>(
      std::min<std::uint64_t>({size_of(descriptor), std::uint64_t{most}, most_at_once})));
  mem::will_fill(bytes.data(), bytes.capacity());
  while (bytes.size() < most) {
    const ssize_t got = ::read(descriptor, chunk.data(), std::min(chunk.size(), most - bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(errno);
    if (got == 0) break;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
  }
  return bytes;
}

}  // namespace

isa::Result<std::vector<std::byte>, std::string> read_all(int descriptor) {
  return read_most(descriptor, ~std::size_t{0});
}

isa::Result<std::vector<std::byte>, std::string> read_content(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return refused(errno);
  auto bytes = read_all(descriptor);
  ::close(descriptor);
  return bytes;
}

isa::Result<std::vector<std::byte>, std::string> read_file(const std::string& path) {
  auto bytes = read_content(path);
  if (!bytes) return isa::Failure{path + ": " + bytes.error()};
  return bytes;
}

isa::Result<FileStart, std::string> read_start(const std::string& path, std::size_t most) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return isa::Failure{path + ": " + refused(errno).error};
  auto bytes = read_most(descriptor, most);
  const std::uint64_t whole = size_of(descriptor);
  ::close(descriptor);
  if (!bytes) return isa::Failure{path + ": " + bytes.error()};
  FileStart start{.bytes = std::move(bytes.value()), .file_bytes = 0};
  start.file_bytes = std::max<std::uint64_t>(whole, start.bytes.size());
  return start;
}

}  // namespace hvsim::sim
