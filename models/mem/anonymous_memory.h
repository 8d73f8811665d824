// Zeroed host memory that costs nothing until it is touched: an anonymous, unreserved mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "models/cpu/isa/result.h"

namespace hvsim::mem {

class AnonymousMemory {
 public:
  // The error names the size and the system's reason. Zero bytes is an error.
  static isa::Result<AnonymousMemory, std::string> create(std::uint64_t bytes);

  AnonymousMemory() = default;
  AnonymousMemory(AnonymousMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  AnonymousMemory& operator=(AnonymousMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~AnonymousMemory();

  std::uint8_t* data() const { return data_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  AnonymousMemory(std::uint8_t* data, std::uint64_t bytes) : data_(data), bytes_(bytes) {}

  std::uint8_t* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

// Zeroes some of such memory. Whole pages of a large piece go back to the host, which has zeroes for whoever
// touches them next: a guest's memory that was never used costs nothing.
void make_zero(std::uint8_t* where, std::uint64_t bytes);

}  // namespace hvsim::mem
