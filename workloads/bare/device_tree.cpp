// One pass over a flattened device tree's structure block (Devicetree Specification, chapter 5).
#include "workloads/bare/device_tree.h"

#include <cstring>

namespace bare {

namespace {

constexpr std::uint32_t kMagic = 0xD00DFEED;
constexpr std::uint32_t kBeginNode = 1, kEndNode = 2, kProperty = 3, kNop = 4;
constexpr std::uint32_t kOffsetStructure = 8, kOffsetStrings = 12;

std::uint32_t big_endian(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
         bytes[3];
}

constexpr std::uint32_t align4(std::uint32_t value) { return (value + 3) & ~3u; }

std::string_view text_at(const unsigned char* bytes) {
  const auto* text = reinterpret_cast<const char*>(bytes);
  return {text, std::strlen(text)};
}

struct Property {
  std::string_view node, name;
  const unsigned char* value;
  std::uint32_t bytes;
};

void note(const Property& property, BoardFacts& facts) {
  if (property.node == "chosen" && property.name == "bootargs" && property.bytes != 0)
    facts.bootargs = {reinterpret_cast<const char*>(property.value), property.bytes - 1};
  if (property.node == "cpus" && property.name == "timebase-frequency" && property.bytes == 4)
    facts.timebase_hz = big_endian(property.value);
  if (property.node.starts_with("memory@") && property.name == "reg" && property.bytes >= 16 &&
      facts.memory_bytes == 0)
    facts.memory_bytes =
        std::uint64_t{big_endian(property.value + 8)} << 32 | big_endian(property.value + 12);
}

}  // namespace

BoardFacts read_device_tree(const void* tree) {
  BoardFacts facts;
  const auto* const header = static_cast<const unsigned char*>(tree);
  if (header == nullptr || reinterpret_cast<std::uintptr_t>(tree) % 4 != 0) return facts;
  if (big_endian(header) != kMagic) return facts;
  const unsigned char* const strings = header + big_endian(header + kOffsetStrings);
  const unsigned char* at = header + big_endian(header + kOffsetStructure);
  std::string_view node;  // properties come before child nodes, so the last name is the owner's
  while (true) {
    const std::uint32_t token = big_endian(at);
    at += 4;
    if (token == kBeginNode) {
      node = text_at(at);
      at += align4(static_cast<std::uint32_t>(node.size()) + 1);
    } else if (token == kProperty) {
      const std::uint32_t bytes = big_endian(at);
      note({node, text_at(strings + big_endian(at + 4)), at + 8, bytes}, facts);
      at += 8 + align4(bytes);
    } else if (token != kEndNode && token != kNop) {
      return facts;
    }
  }
}

}  // namespace bare
