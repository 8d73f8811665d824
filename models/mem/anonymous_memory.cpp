// Zeroed host memory that costs nothing until it is touched.
#include "models/mem/anonymous_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hvsim::mem {

isa::Result<AnonymousMemory, std::string> AnonymousMemory::create(std::uint64_t bytes) {
  if (bytes == 0) return isa::Failure{std::string("memory of zero bytes")};
  void* where =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (where == MAP_FAILED)
    return isa::Failure{"the host gives no address space for " + std::to_string(bytes) +
                        " bytes: " + std::strerror(errno)};
  return AnonymousMemory(static_cast<std::uint8_t*>(where), bytes);
}

void make_zero(std::uint8_t* where, std::uint64_t bytes) {
  constexpr std::uint64_t large = std::uint64_t{256} << 10;
  static const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t before = -reinterpret_cast<std::uintptr_t>(where) % page;
  if (bytes >= large) {
    const std::uint64_t whole = (bytes - before) / page * page;
    if (madvise(where + before, whole, MADV_DONTNEED) == 0) {
      std::memset(where, 0, before);
      std::memset(where + before + whole, 0, bytes - before - whole);
      return;
    }
  }
  std::memset(where, 0, bytes);
}

AnonymousMemory::~AnonymousMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace hvsim::mem
