// The machine's memory: RAM regions and read-only ROM regions, sparse on the host.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "models/cpu/isa/result.h"
#include "models/cpu/isa/types.h"
#include "models/mem/anonymous_memory.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

// A contiguous piece of the physical address space.
struct MemoryRange {
  isa::Hpa base{};
  std::uint64_t bytes = 0;
  bool contains(isa::Hpa address, std::uint64_t length = 1) const {
    const std::uint64_t offset = address.value - base.value;
    return offset < bytes && length <= bytes - offset;
  }
  friend bool operator==(const MemoryRange&, const MemoryRange&) = default;
};

class PhysicalMemory {
 public:
  // The main RAM region; base and size must be multiples of the page size.
  static isa::Result<PhysicalMemory, std::string> create(isa::Hpa ram_base, std::uint64_t ram_bytes);

  // More regions; the answer says what is wrong (zero size, misaligned, overlap), if anything.
  std::optional<std::string> add_ram(isa::Hpa base, std::uint64_t bytes);
  std::optional<std::string> add_rom(isa::Hpa base, std::span<const std::uint8_t> content);

  // Where bytes of RAM live on the host; nullptr if they are not wholly in one RAM region.
  std::uint8_t* host(isa::Hpa address, std::uint64_t bytes) const {
    const std::uint64_t offset = address.value - main_.base.value;
    if (offset < main_.bytes && bytes <= main_.bytes - offset) [[likely]]
      return main_host_ + offset;
    return host_elsewhere(address, bytes);
  }
  // The same for reading: RAM or ROM.
  const std::uint8_t* host_readable(isa::Hpa address, std::uint64_t bytes) const {
    const std::uint8_t* where = host(address, bytes);
    return where != nullptr ? where : host_rom(address, bytes);
  }

  // false: nothing was read or written, because the bytes are not wholly in memory (or are ROM).
  template <class T>
  bool read(isa::Hpa address, T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::uint8_t* where = host_readable(address, sizeof(T));
    if (where == nullptr) return false;
    std::memcpy(&value, where, sizeof(T));
    return true;
  }
  template <class T>
  bool write(isa::Hpa address, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::uint8_t* where = host(address, sizeof(T));
    if (where == nullptr) return false;
    std::memcpy(where, &value, sizeof(T));
    return true;
  }
  bool copy_in(isa::Hpa address, std::span<const std::uint8_t> from);
  bool copy_out(isa::Hpa address, std::span<std::uint8_t> to) const;
  bool clear(isa::Hpa address, std::uint64_t bytes);

  // RAM or ROM holds all these bytes.
  bool contains(isa::Hpa address, std::uint64_t bytes = 1) const {
    return host_readable(address, bytes) != nullptr;
  }
  bool is_ram(isa::Hpa address, std::uint64_t bytes = 1) const { return host(address, bytes) != nullptr; }

  isa::Hpa ram_base() const { return main_.base; }
  std::uint64_t ram_bytes() const { return main_.bytes; }
  MemoryRange ram() const { return main_; }
  std::uint64_t ram_pages() const { return main_.bytes >> isa::kPageShift; }
  // Number of the page within the main RAM region; only for addresses inside it.
  std::uint64_t page_index(isa::Hpa address) const {
    return (address.value - main_.base.value) >> isa::kPageShift;
  }

  // The pages that are not zero; the regions must be those that it had. Memory that is loaded into is fresh.
  void persist(state::Archive& archive);

 private:
  struct Region {
    MemoryRange range;
    AnonymousMemory memory;
  };

  explicit PhysicalMemory(Region main);
  static void persist_pages(state::Archive& archive, Region& region);
  std::optional<std::string> problem_with(MemoryRange range) const;
  std::uint8_t* host_elsewhere(isa::Hpa address, std::uint64_t bytes) const;
  const std::uint8_t* host_rom(isa::Hpa address, std::uint64_t bytes) const;

  MemoryRange main_;
  std::uint8_t* main_host_;
  std::vector<Region> ram_;  // the first is the main region
  std::vector<Region> rom_;
};

}  // namespace hvsim::mem
