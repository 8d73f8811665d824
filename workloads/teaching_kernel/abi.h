// What programs and the kernel agree on: system calls, and how the disk is laid out.
#pragma once

#include <cstdint>
#include <string_view>

namespace kernel {

// The number goes in a7, arguments in a0 to a2, the result comes in a0. All bits set means that it failed.
enum class Call : std::uint64_t {
  exit = 1,          // (status)
  fork = 2,          // -> the child's number, 0 in the child
  wait = 3,          // (address for the status) -> the number of a child that has ended
  exec = 4,          // (name, argument): both texts; comes back only if it failed
  write = 5,         // (text, bytes) -> bytes written to the console, at most kLineBytes
  read = 6,          // (text, bytes) -> bytes of a line from the console, at most kLineBytes
  grow = 7,          // (bytes) -> where the new memory begins
  number = 8,        // -> this process's
  uptime = 9,        // -> ticks since the start
  sleep = 10,        // (ticks)
  read_block = 11,   // (block, address)
  write_block = 12,  // (block, address)
  harts = 13,        // -> a bit for each hart that has run processes
};
inline constexpr std::uint64_t kCallFailed = ~std::uint64_t{0};
inline constexpr unsigned kLineBytes = 256;

// Block 0 of the disk lists the programs, ELF files of whole blocks (make_disk.py writes it). Blocks from
// `free_block` on are for programs to write to.
inline constexpr unsigned kBlockBytes = 4096, kNameBytes = 16;
struct Directory {
  static constexpr std::uint32_t kMagic = 0x6B73'6964;  // "disk"
  struct Entry {
    char name[kNameBytes];
    std::uint32_t first_block, bytes;
  };
  std::uint32_t magic, programs, free_block, blocks;
  Entry entries[(kBlockBytes - 16) / sizeof(Entry)];
};

// The name without the zeros that fill it up.
constexpr std::string_view name_of(const Directory::Entry& entry) {
  const std::string_view name(entry.name, kNameBytes);
  return name.substr(0, name.find('\0'));
}

}  // namespace kernel
