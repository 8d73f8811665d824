// The checksum that workloads print: order-sensitive, 64 bits, cheap beside the work it witnesses.
#pragma once

#include <bit>
#include <cstdint>

namespace workload {

class Checksum {
 public:
  constexpr void add(std::uint64_t value) {
    state_ = (std::rotl(state_, 23) ^ value) * 0x9FB21C651E98DF25;
    state_ ^= state_ >> 29;
  }
  constexpr void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }

  constexpr std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325;
};

}  // namespace workload
