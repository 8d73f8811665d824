// Finds the page descriptors of an unmodified Linux guest by itself, in bounded steps, and believes in them
// only when what they say agrees with the kernel's own counts.
//
//   symbols   the kernel's symbol table and type information are looked for in its image in guest memory
//   names     mem_section, node_data and swapper_pg_dir are looked up, unless the configuration gave them:
//   then
//             linux_banner tells first whether its symbols are of this kernel
//   types     sizes of struct page, zone, free_area, pglist_data, mem_section
//   members   offsets in them
//   zones     what a free page looks like is learned from the heads of the buddy allocator's own lists
//   verify    all descriptors are read; free pages must add up to what the zones count
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hypervisor/sharing/linux/btf.h"
#include "hypervisor/sharing/linux/kallsyms.h"
#include "hypervisor/sharing/map_layout.h"
#include "hypervisor/text.h"

namespace hv {

class Introspection {
 public:
  enum class Result : std::uint8_t { more, found, failed, declined };

  void begin(const Vm& vm);
  // One step. `found`: layout() may be used. `failed`: not now, perhaps later, when the guest has booted;
  // `declined`: never. why() says what is missing.
  Result step(Arch& arch, const Vm& vm);

  const MapLayout& layout() const { return layout_; }
  std::string_view why() const { return why_.empty() ? "not looked at yet" : why_.view(); }

 private:
  enum class Stage : std::uint8_t { search, names, types, members, zones, verify };
  static constexpr unsigned kMaxZones = 8, kMaxOrders = 16;
  static constexpr std::uint64_t kSearchBytes = 256u << 10, kSymbols = 4096, kTypes = 4096, kPages = 8192;

  struct Offsets {
    std::uint64_t page_bytes = 0, page_type = 0, private_ = 0, list = 0;
    std::uint64_t zone_bytes = 0, free_area = 0, start_pfn = 0, spanned = 0;
    std::uint64_t area_bytes = 0, nr_free = 0, free_list = 0, lists = 0, orders = 0;
    std::uint64_t node_zones = 0, zones = 0;
    std::uint64_t section_bytes = 0, section_map = 0;
  };
  struct WantedMember {
    Btf::Wanted of;
    std::string_view name, older;  // older: what older kernels call it; empty: the same
    std::uint64_t Offsets::*offset;
    std::uint64_t Offsets::*elements;  // of the array that it is; nullptr: it is none
  };
  static const std::array<WantedMember, 10> kMembers;

  Result fail(std::string_view why);
  Result decline(std::string_view why);
  bool symbols_are_of_this_kernel(GuestWindow& memory) const;
  Result search(GuestWindow& memory);
  Result read_sizes(GuestWindow& memory);
  Result read_members(GuestWindow& memory);
  Result check_types();
  Result read_zones(Arch& arch, const Vm& vm, GuestWindow& memory);
  Result verify(Arch& arch, const Vm& vm, GuestWindow& memory);
  std::optional<std::uint64_t> kernel_word(Arch& arch, const Vm& vm, GuestWindow& memory, std::uint64_t at,
                                           unsigned bytes = 8);
  bool find_root(Arch& arch, const Vm& vm);
  std::optional<std::uint64_t> find_descriptors(Arch& arch, const Vm& vm, GuestWindow& memory);
  bool learn_from_lists(Arch& arch, const Vm& vm, GuestWindow& memory, std::uint64_t zone);
  bool learn_from(Arch& arch, const Vm& vm, GuestWindow& memory, std::uint64_t page, unsigned order);
  std::optional<std::uint64_t> counted_free(Arch& arch, const Vm& vm, GuestWindow& memory);

  Stage stage_ = Stage::search;
  BoundedText<96> why_;
  std::uint64_t kernel_ = 0, kernel_bytes_ = 0;  // where the image lies, guest-physical
  std::uint64_t position_ = 0;
  bool has_symbols_ = false, has_types_ = false;
  bool counting_ = false;      // the symbols of a table that was found
  unsigned tables_tried_ = 0;  // of symbols
  Kallsyms table_;             // of symbols, in the guest
  std::optional<abi::KernelSymbols> given_;
  std::uint64_t symbol(abi::KernelSymbol name) const { return (*given_)[name]; }
  Btf types_;
  Offsets at_;
  std::size_t member_ = 0;  // of kMembers: that is looked for
  bool older_name_ = false;
  std::uint64_t root_ = 0;        // satp of the kernel's own tables
  std::uint64_t node_ = 0;        // address of the pglist_data
  std::uint64_t first_page_ = 0;  // address of the descriptor of guest-physical 0
  bool learned_ = false;
  std::uint32_t free_type_ = 0;
  std::uint64_t free_before_ = 0, free_seen_ = 0;
  unsigned tries_ = 0;
  MapLayout layout_;
};

}  // namespace hv
