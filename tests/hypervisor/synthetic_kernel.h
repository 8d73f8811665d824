// An image that introspection takes for a booted Linux: the least of a symbol table, of type information and
// of a page allocator's own data that hangs together. Tests break it piece by piece.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "sim/image/bundle.h"

namespace hv {

class SyntheticKernel {
 public:
  static constexpr std::uint64_t kAt = 0x80200000, kBytes = 1 << 20;
  static constexpr std::uint64_t kFreePage = 1000;  // of the VM's 4 MiB, all others are in use
  // Offsets of what may be broken.
  static constexpr std::uint64_t kTypes = 0x60000, kSymbols = 0x80000, kData = 0x2000, kNode = 0x4000,
                                 kPages = 0x20000;

  // With `unnamed_selves`, struct page has so many members without a name that are struct page, and no other.
  explicit SyntheticKernel(std::uint32_t unnamed_selves = 0) : image_(kBytes, std::byte{0}) {
    const std::uint64_t header[] = {0x200000, kBytes, 0};
    put(8, header);
    put(56, std::string_view{"RSC\5"});
    put(0x1000, std::string_view{"Linux version 6.1 "});
    allocator();
    types(unnamed_selves);
    symbols();
  }

  std::vector<std::byte> image() const { return image_; }
  template <class T>
  void put(std::uint64_t at, const T& value) {
    if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>)
      std::memcpy(&image_.at(at), value.data(), value.size());
    else
      std::memcpy(&image_.at(at), &value, sizeof value);
  }
  hvsim::sim::BundleVm vm() const {
    return {.name = "linux", .memory_bytes = 4 << 20, .vcpus = 1, .image = image_, .linux_boot = true};
  }

 private:
  static constexpr std::uint64_t kBase = 0xFFFFFFFF80200000;  // as it is linked
  static constexpr std::uint64_t kTable = 0x3000;
  static constexpr std::uint64_t kPageEntry = 64, kType = 8, kList = 16, kPrivate = 32;

  static std::uint64_t address(std::uint64_t offset) { return kBase + offset; }

  // One node with one zone with four orders of one list each.
  void allocator() {
    put(kTable + 8 * 510, std::uint64_t{0x80000000 >> 12 << 10 | 0xCF});  // 1 GiB, Sv39
    put(kData, address(kData + 0x100));                                   // mem_section: to the root
    put(kData + 0x100, address(kData + 0x200));                           // to the sections
    const std::uint64_t page_zero = address(kPages) - (std::uint64_t{0x80000000} >> 12) * kPageEntry;
    put(kData + 0x208, page_zero | 3);
    put(kData + 8, address(kNode));  // node_data
    put(kNode + 8, std::uint64_t{1024});
    for (unsigned order = 0; order < 4; ++order) {
      const std::uint64_t head = kNode + 16 + 24 * order;
      put(head, address(head));
      put(head + 8, address(head));
    }
    const std::uint64_t page = kPages + kFreePage * kPageEntry, head = kNode + 16;
    put(page + kType, std::uint32_t{0xF0000000});
    put(head, address(page + kList));
    put(page + kList + 8, address(head));
    put(head + 16, std::uint64_t{1});  // nr_free
  }

  // Kernel, Documentation/bpf/btf.rst.
  struct Member {
    std::string name;
    std::uint32_t type, offset;
  };
  std::uint32_t name(const std::string& text) {
    if (text.empty()) return 0;
    strings_ += text + '\0';
    return static_cast<std::uint32_t>(strings_.size() - text.size() - 1);
  }
  void words(std::initializer_list<std::uint32_t> all) {
    for (const std::uint32_t word : all) types_.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  void record(const std::string& called, std::uint32_t bytes, const std::vector<Member>& members) {
    words({name(called), 4u << 24 | static_cast<std::uint32_t>(members.size()), bytes});
    for (const Member& member : members) words({name(member.name), member.type, 8 * member.offset});
  }
  void array(std::uint32_t of, std::uint32_t elements) { words({0, 3u << 24, 0, of, 8, elements}); }

  void types(std::uint32_t unnamed_selves) {
    strings_ = std::string(1, '\0');
    std::vector<Member> page(unnamed_selves, {"", 1, 0});
    if (page.empty()) page = {{"page_type", 8, kType}, {"", 2, kList}, {"private", 8, kPrivate}};
    record("page", kPageEntry, page);                                    // 1
    record("", 16, {{"buddy_list", 8, 0}});                              // 2: unnamed, inside it
    record("free_area", 24, {{"free_list", 7, 0}, {"nr_free", 8, 16}});  // 3
    record("zone", 16 + 4 * 24,                                          // 4
           {{"zone_start_pfn", 8, 0}, {"spanned_pages", 8, 8}, {"free_area", 6, 16}});
    record("pglist_data", 16 + 4 * 24, {{"node_zones", 9, 0}});  // 5
    array(3, 4);                                                 // 6
    array(8, 1);                                                 // 7
    words({0, 1u << 24, 8, 64});                                 // 8: an integer
    array(4, 1);                                                 // 9
    record("mem_section", 16, {{"section_mem_map", 8, 8}});      // 10
    while (types_.size() < 1 << 16) words({0, 1u << 24, 4, 32});
    put(kTypes, std::uint64_t{0x000000180001EB9F});
    const auto length = [](const std::string& text) { return static_cast<std::uint32_t>(text.size()); };
    const std::uint32_t sizes[] = {0, length(types_), length(types_), length(strings_)};
    put(kTypes + 8, sizes);
    put(kTypes + 24, types_);
    put(kTypes + 24 + types_.size(), strings_);
  }

  // Kernel, scripts/kallsyms.c. Each token is the one character that it stands for.
  void symbols() {
    constexpr std::uint32_t count = 300;
    std::string names, markers, tokens, index, offsets;
    const auto add = [](std::string& to, auto value) {
      to.append(reinterpret_cast<const char*>(&value), sizeof value);
    };
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i % 256 == 0) add(markers, static_cast<std::uint32_t>(names.size()));
      const std::string symbol = i == 10   ? "Dmem_section"
                                 : i == 20 ? "Dnode_data"
                                 : i == 30 ? "Dswapper_pg_dir"
                                           : "Tother";
      names += static_cast<char>(symbol.size()) + symbol;
      add(offsets, static_cast<std::uint32_t>(i == 10   ? kData
                                              : i == 20 ? kData + 8
                                              : i == 30 ? kTable
                                                        : 4 * i + 4));
    }
    for (unsigned token = 0; token < 256; ++token) {
      add(index, static_cast<std::uint16_t>(tokens.size()));
      tokens += {token == 0 ? 'x' : static_cast<char>(token), '\0'};
    }
    add(offsets, kBase);
    std::uint64_t at = kSymbols;
    put(at, count);
    at += 8;
    for (std::string* part : {&names, &markers, &tokens, &index, &offsets}) {
      part->resize((part->size() + 7) / 8 * 8);
      put(at, *part);
      at += part->size();
    }
  }

  std::vector<std::byte> image_;
  std::string strings_, types_;
};

}  // namespace hv
