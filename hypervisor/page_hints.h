// What a guest says about its own pages by hypercalls and what lasts of it: private, written. A guest that
// lies can only harm itself.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/atomics.h"
#include "models/cpu/isa/types.h"

namespace hv {

using hvsim::isa::Gpa;

class PageHints {
 public:
  enum class Kind : std::uint8_t { unshared, dirty };
  static constexpr unsigned kKinds = 2;
  static constexpr unsigned kGranules = 4096;         // bits of each kind
  static constexpr std::uint64_t kMaxOrder = 18;      // 2^18 pages are 1 GiB
  static constexpr std::uint64_t kMaxFrameOrder = 9;  // where frames are to be given: 2 MiB

  // Guest-physical [base, base + bytes). A bit stands for as many pages as it takes to cover them all: one,
  // up to 16 MiB.
  void configure(Gpa base, std::uint64_t bytes);

  // Sets the bits of all granules that lie in the range whole; clears those of all that it touches. False:
  // not in the VM's memory. Several harts may do so at once.
  bool set(Kind kind, Gpa at, std::uint64_t pages);
  bool clear(Kind kind, Gpa at, std::uint64_t pages);
  // Sets the bits of all granules that the range touches: for what must not be missed.
  bool set_touched(Kind kind, Gpa at, std::uint64_t pages);

  [[gnu::pure]] bool holds(Gpa at, std::uint64_t pages) const;  // in the VM's memory
  bool at(Kind kind, Gpa at) const;
  bool ever(Kind kind) const { return load_relaxed(ever_[static_cast<std::size_t>(kind)]) != 0; }
  // Whether the granule of the page at `at` ends with it: for who looks at one page after the other.
  bool ends_with(Gpa at) const;
  [[gnu::pure]] std::uint64_t words(Gpa at, std::uint64_t pages) const;  // that such a change touches
  std::uint64_t granule_bytes() const { return granule_pages_ * hvsim::isa::kPageBytes; }
  std::uint64_t count(Kind kind) const;  // bits that are set

 private:
  struct Range {
    std::uint64_t first = 0, end = 0;  // granules
    bool good = false;
  };
  enum class Rounding : std::uint8_t { inwards, outwards };
  Range range_of(Gpa at, std::uint64_t pages, Rounding rounding) const;
  void write(Kind kind, Range range, bool value);

  std::array<std::array<std::uint64_t, kGranules / 64>, kKinds> bits_{};
  std::array<std::uint32_t, kKinds> ever_{};  // atomic: a bit of this kind has been set
  Gpa base_{};
  std::uint64_t pages_ = 0, granule_pages_ = 1;
};

}  // namespace hv
