// Executables and kernel images as files may bring them.
#include <gtest/gtest.h>

#include "sim/image/elf.h"
#include "sim/image/linux_image.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {
namespace {

// Far more than any file could fill: what a header asks for must not be allocated for the asking.
constexpr std::uint64_t kRamBytes = std::uint64_t{64} << 20;

struct ElfHeader {
  std::uint8_t ident[16] = {0x7F, 'E', 'L', 'F', 2, 1, 1};
  std::uint16_t type = 2, machine = 243;
  std::uint32_t version = 1;
  std::uint64_t entry = 0x8000'0000, program_headers = 64, section_headers = 0;
  std::uint32_t flags = 5;
  std::uint16_t header_bytes = 64, program_header_bytes = 56, program_header_count = 1,
                section_header_bytes = 64, section_header_count = 0, names = 0;
};
static_assert(sizeof(ElfHeader) == 64);

struct ProgramHeader {
  std::uint32_t type = 1, flags = 5;
  std::uint64_t offset = 120, virtual_address = 0x8000'0000, address = 0x8000'0000, file_bytes = 16,
                memory_bytes = 4096, alignment = 4096;
};
static_assert(sizeof(ProgramHeader) == 56);

}  // namespace

void elf(std::span<const std::uint8_t> bytes) {
  const Bytes exact(bytes.begin(), bytes.end());  // one byte beyond is a sanitizer error
  const auto image = sim::parse_elf(std::as_bytes(std::span(exact)), "fuzz.elf");
  if (!image) {
    EXPECT_NE(image.error().find("fuzz.elf"), std::string::npos) << image.error();
    return;
  }
  EXPECT_FALSE(image->segments.empty());
  const auto ignore = [](std::uint64_t, std::span<const std::byte>) {};
  (void)sim::place(*image, {0x8000'0000, kRamBytes}, ignore);
  (void)sim::flatten(*image, 0x8000'0000, kRamBytes);
  (void)sim::symbol_at(*image, image->entry);
  (void)sim::find_symbol(*image, "main");
}

std::vector<Bytes> elf_seeds() {
  Script plain;
  plain.add(ElfHeader{}).add(ProgramHeader{}).add(std::uint64_t{0x13}).add(std::uint64_t{0x13});
  return {plain.bytes()};
}

void kernel_header(std::span<const std::uint8_t> bytes) {
  const Bytes exact(bytes.begin(), bytes.end());
  (void)sim::looks_like_linux(std::as_bytes(std::span(exact)));
}

std::vector<Bytes> kernel_header_seeds() {
  Script header;
  header.add(std::uint64_t{0x0000'5a4d}).add(std::uint64_t{0x20'0000}).add(std::uint64_t{0x100'0000});
  for (int i = 0; i < 4; ++i) header.add(std::uint64_t{0});
  header.add(std::uint64_t{0x0543'5352});
  return {header.bytes()};
}

}  // namespace hvsim::fuzz
