// Huge pages of the host where a guest's memory is used densely: there its own TLB misses cost the most.
// Memory that is used here and there keeps small pages, so that it costs no more than what was touched.
#pragma once

#include <cstdint>
#include <vector>

namespace hvsim::mem {

// Asks the host for huge pages where memory that nobody has touched yet is about to be filled as a whole:
// their first use costs a fault for 2 MiB instead of one for 4 KiB. The host may refuse.
void will_fill(const void* memory, std::uint64_t bytes);

class HugePages {
 public:
  static constexpr unsigned kShift = 21;  // 2 MiB
  static constexpr std::uint16_t kUses = 2048;

  HugePages(const std::uint8_t* memory, std::uint64_t bytes);

  // A use of this byte, which had to be looked for; of bytes elsewhere nothing is known. Now and then a use
  // asks the host, which may refuse: no result depends on it.
  void used(const std::uint8_t* byte) {
    const auto number = (reinterpret_cast<std::uintptr_t>(byte) >> kShift) - first_;
    if (number >= uses_.size() || uses_[number] == kSettled) return;
    if (++uses_[number] == kUses) [[unlikely]]
      uses_[number] = consider(byte) ? kSettled : 0;
  }

 private:
  static constexpr std::uint16_t kSettled = 0xFFFF;
  bool consider(const std::uint8_t* byte) const;  // false: not yet

  std::uintptr_t begin_, end_, first_;
  std::vector<std::uint16_t> uses_;  // by 2 MiB of the host's address space
};

}  // namespace hvsim::mem
