// By the system's calls: they say why they fail.
#include "sim/image/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hvsim::sim {
namespace {

isa::Failure<std::string> refused(int error) {
  return isa::Failure{
      std::string(error == EISDIR ? "is a directory, expected a file" : std::strerror(error))};
}

}  // namespace

isa::Result<std::vector<std::byte>, std::string> read_all(int descriptor) {
  std::vector<std::byte> bytes;
  std::vector<std::byte> chunk(std::size_t{1} << 16);
  for (;;) {
    const ssize_t got = ::read(descriptor, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(errno);
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
  }
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

}  // namespace hvsim::sim
