// By magic numbers of what people take for images.
#include "sim/image/file_kind.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

using namespace std::string_view_literals;

constexpr std::pair<std::string_view, const char*> kKinds[] = {
    {"\x1f\x8b"sv, "is compressed by gzip (unpack it first)"},
    {"\xfd"
     "7zXZ"sv,
     "is compressed by xz (unpack it first)"},
    {"\x28\xb5\x2f\xfd"sv, "is compressed by zstd (unpack it first)"},
    {"\x27\x05\x19\x56"sv, "is an image of U-Boot"},
    {"\xd0\x0d\xfe\xed"sv, "is a device tree"},
    {"\x7f"
     "ELF"sv,
     "is an ELF"},
    {"!<arch>\n"sv, "is an archive of object files"},
    {"0707"sv, "is a cpio archive, as initial file systems are"},
    {"#!"sv, "is a script"},
    {"MZ"sv, "is an EFI or Windows program without a kernel's header"}};

}  // namespace

std::string kind_of_file(std::span<const std::byte> file) {
  if (file.empty()) return "is empty";
  for (const auto& [magic, words] : kKinds)
    if (file.size() >= magic.size() && std::memcmp(file.data(), magic.data(), magic.size()) == 0)
      return words;
  std::string text = "begins with";
  for (const std::byte each : file.first(std::min<std::size_t>(file.size(), 4)))
    text += " " + hex(std::to_integer<unsigned>(each));
  return text;
}

}  // namespace hvsim::sim
