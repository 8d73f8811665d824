// The unit of "real work" that storm and ticks count: CRC-32C of one 64-byte line, hashed back into the
// buffer, about 500 instructions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "workloads/kernels/checksum.h"
#include "workloads/kernels/crc32c.h"
#include "workloads/kernels/prng.h"

namespace workload {

class WorkUnits {
 public:
  explicit constexpr WorkUnits(std::uint64_t seed) {
    Prng prng{seed};
    for (std::uint8_t& byte : buffer_) byte = static_cast<std::uint8_t>(prng.next());
  }

  // Does one unit; each depends on the ones before it.
  constexpr void run_one() {
    const std::span<std::uint8_t> line{buffer_.data() + next_, kLineBytes};
    crc_ = crc32c(line, crc_);
    std::uint64_t hash = crc_;
    for (std::size_t i = 0; i < kHashedBytes; ++i) {
      hash = hash * 0x5851F42D4C957F2D + 0x14057B7EF767814F;
      line[i] = static_cast<std::uint8_t>(line[i] ^ (hash >> 56));
    }
    sum_.add(hash);
    next_ = (next_ + kLineBytes) % kBufferBytes;
  }

  constexpr std::uint64_t checksum() const { return sum_.value(); }

 private:
  static constexpr std::size_t kBufferBytes = 4096, kLineBytes = 64, kHashedBytes = 8;
  std::array<std::uint8_t, kBufferBytes> buffer_{};
  std::size_t next_ = 0;
  std::uint32_t crc_ = 0;
  Checksum sum_;
};

}  // namespace workload
