// Reads of a guest's memory, byte by byte at no great cost: the last 256 bytes are kept. Nothing is trusted:
// what is not mapped reads as zero and is remembered as a miss.
#pragma once

#include <array>
#include <cstdint>

#include "arch.h"
#include "hypervisor/guest_memory.h"
#include "hypervisor/vm.h"

namespace hv {

// For the length of one step, under vm.sharing.lock.
class GuestWindow {
 public:
  GuestWindow(Arch& arch, const Vm& vm) : arch_(arch), vm_(vm) {}

  std::uint8_t byte(std::uint64_t at) {
    if (at - base_ >= kBytes && !move(at)) return 0;
    return bytes_[at - base_];
  }
  template <class T>
  T value(std::uint64_t at) {
    T result{};
    if (at % sizeof(T) == 0 && (at - base_ < kBytes || move(at))) {
      __builtin_memcpy(&result, &bytes_[at - base_], sizeof result);
      return result;
    }
    std::array<std::uint8_t, sizeof(T)> piece{};
    for (std::size_t i = 0; i < sizeof(T); ++i) piece[i] = byte(at + i);
    __builtin_memcpy(&result, piece.data(), sizeof result);
    return result;
  }
  bool missed() const { return missed_; }

 private:
  static constexpr std::uint64_t kBytes = 256;
  bool move(std::uint64_t at) {
    const std::uint64_t base = at & ~(kBytes - 1);
    if (!copy_from_guest(arch_, vm_.table, bytes_.data(), Gpa{base}, kBytes)) {
      missed_ = true;
      base_ = ~std::uint64_t{0} - kBytes;
      return false;
    }
    base_ = base;
    return true;
  }
  Arch& arch_;
  const Vm& vm_;
  std::uint64_t base_ = ~std::uint64_t{0} - kBytes;
  bool missed_ = false;
  std::array<std::uint8_t, kBytes> bytes_{};
};

}  // namespace hv
