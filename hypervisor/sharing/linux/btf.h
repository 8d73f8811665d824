// The type information that a Linux kernel carries in its own memory (CONFIG_DEBUG_INFO_BTF): finds structs
// by name and the offsets of their members. Format: Documentation/bpf/btf.rst of the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "hypervisor/sharing/linux/guest_window.h"

namespace hv {

class Btf {
 public:
  enum Wanted : unsigned { page, zone, pglist_data, free_area, mem_section, wanted_count };
  static constexpr std::array<std::string_view, wanted_count> kNames{"page", "zone", "pglist_data",
                                                                     "free_area", "mem_section"};
  static constexpr std::uint64_t kHeader = 0x000000180001EB9F;  // magic, version 1, no flags, 24 bytes

  struct Member {
    std::uint64_t offset = 0;  // bytes
    std::uint32_t type = 0;
  };

  bool open(GuestWindow& memory, std::uint64_t at);  // false: no BTF there
  // Goes over up to `types` types. True: that was all.
  bool step(GuestWindow& memory, std::uint64_t types);
  bool complete() const;

  std::uint64_t bytes_of(GuestWindow& memory, Wanted what);
  // Looks for a member, also in unnamed structs and unions inside. The types are whatever the guest says:
  // unnamed structs may hold themselves, so what a search may read is limited altogether and per step.
  void begin_search(GuestWindow& memory, Wanted what);
  enum class Search : std::uint8_t { more, found, missing, too_long };
  // Goes on for about `records` records of types. `found`: member() is what was looked for.
  Search search(GuestWindow& memory, std::string_view name, std::uint64_t records);
  const Member& member() const { return member_; }
  // Elements of the array type; 0: it is none.
  std::uint64_t elements(GuestWindow& memory, std::uint32_t type);

 private:
  struct Type {
    std::uint64_t at = 0;  // of its record; 0: there is none
    std::uint32_t name = 0, info = 0, size = 0;
    unsigned kind() const { return info >> 24 & 31; }
    std::uint32_t count() const { return info & 0xFFFF; }
  };
  // A search in Linux 6.1 reads some ten thousand records: a type is found by walking from an indexed one.
  static constexpr std::uint64_t kMostRecords = 1u << 17;
  static constexpr unsigned kDeepest = 7;  // structs and unions inside each other
  struct Level {                           // of the search
    Type type;
    std::uint64_t offset = 0;  // bytes from the outermost
    std::uint32_t next = 0;    // member
  };
  static constexpr std::uint32_t kIndexStep = 1024, kMaxTypes = 512 * kIndexStep;

  Type read(GuestWindow& memory, std::uint64_t at) const;
  std::uint64_t behind(const Type& type) const;
  Type find(GuestWindow& memory, std::uint32_t id) const;
  void enter(const Type& type, std::uint64_t offset);
  bool name_is(GuestWindow& memory, std::uint32_t offset, std::string_view name) const;

  std::uint64_t types_ = 0, types_end_ = 0, strings_ = 0, strings_end_ = 0;
  std::uint64_t next_ = 0;
  std::uint32_t next_id_ = 1;
  std::array<std::uint32_t, 512> index_{};  // offset of each 1024th type
  std::array<std::uint32_t, wanted_count> found_{};
  std::array<Level, kDeepest> levels_{};
  unsigned depth_ = 0;  // levels in use
  std::uint64_t records_left_ = 0;
  Member member_;
};

}  // namespace hv
