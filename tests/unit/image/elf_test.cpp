// ELF files, right and wrong ones.
#include "sim/image/elf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/image/elf_builder.h"

namespace hvsim::sim {
namespace {

using testing::HasSubstr;

std::string error_of(const SmallElf& elf) {
  const auto image = parse_elf(elf.file(), "guest.elf");
  if (image) return "no error";
  EXPECT_THAT(image.error(), testing::StartsWith("guest.elf: "));
  EXPECT_THAT(image.error(), HasSubstr("expected"));
  EXPECT_EQ(image.error().find('\n'), std::string::npos);
  return image.error();
}

TEST(Elf, SegmentsKeepAddressContentAndZerosBehindIt) {
  const auto image = parse_elf(SmallElf().file(), "guest.elf");
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->entry, 0x80000000u);
  ASSERT_EQ(image->segments.size(), 2u);
  EXPECT_EQ(image->segments[0].address, 0x80000000u);
  EXPECT_EQ(image->segments[0].bytes.size(), 8u);
  EXPECT_EQ(image->segments[1].address, 0x80002000u);
  EXPECT_EQ(image->segments[1].memory_bytes, 16u);
  EXPECT_EQ(image->segments[1].bytes.size(), 4u);
}

TEST(Elf, SymbolsAreSortedAndAssemblerMarksAreLeftOut) {
  const auto image = parse_elf(SmallElf().file(), "guest.elf");
  ASSERT_TRUE(image) << image.error();
  ASSERT_EQ(image->symbols.size(), 3u);
  EXPECT_EQ(image->symbols[0].name, "_start");
  EXPECT_EQ(image->symbols[1].name, "work");
  EXPECT_EQ(image->symbols[2].name, "table");
  EXPECT_EQ(find_symbol(*image, "table")->bytes, 16u);
  EXPECT_EQ(find_symbol(*image, "nothing"), nullptr);
}

// As `tohost = 0x80001000;` in a linker script makes it.
TEST(Elf, ConstantsAreNoSymbolsButForThoseThatAHostLooksFor) {
  SmallElf elf;
  elf.add_symbol("tohost", 0x80002008, 0, STT_NOTYPE);
  elf.add_symbol("stack_size", 0x1000, 0, STT_NOTYPE);
  for (auto symbol = elf.symbols.end() - 2; symbol != elf.symbols.end(); ++symbol) symbol->st_shndx = SHN_ABS;
  elf.lay_out();
  const auto image = parse_elf(elf.file(), "guest.elf");
  ASSERT_TRUE(image) << image.error();
  ASSERT_NE(find_symbol(*image, "tohost"), nullptr);
  EXPECT_EQ(find_symbol(*image, "tohost")->address, 0x80002008u);
  EXPECT_EQ(find_symbol(*image, "stack_size"), nullptr);
}

TEST(Elf, SymbolAtFindsTheSymbolThatHoldsAnAddress) {
  const auto image = parse_elf(SmallElf().file(), "guest.elf");
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(symbol_at(*image, 0x7FFFFFFF), nullptr);
  EXPECT_EQ(symbol_at(*image, 0x80000002)->name, "_start");
  EXPECT_EQ(symbol_at(*image, 0x80000007)->name, "work");
  EXPECT_EQ(symbol_at(*image, 0x8000200F)->name, "table");
}

TEST(Elf, EntryIsTranslatedWhereVirtualAndPhysicalAddressesDiffer) {
  SmallElf elf;
  elf.code.p_vaddr = 0xFFFFFFFF80000000;
  elf.header.e_entry = 0xFFFFFFFF80000004;
  const auto image = parse_elf(elf.file(), "kernel.elf");
  ASSERT_TRUE(image) << image.error();
  EXPECT_EQ(image->entry, 0x80000004u);
}

TEST(Elf, StrippedFilesHaveNoSymbols) {
  SmallElf elf;
  elf.header.e_shnum = 0;
  elf.header.e_shoff = 0;
  const auto image = parse_elf(elf.file(), "guest.elf");
  ASSERT_TRUE(image) << image.error();
  EXPECT_TRUE(image->symbols.empty());
}

TEST(Elf, MessagesNameFieldValueAndExpectation) {
  SmallElf elf;
  elf.header.e_machine = 62;
  EXPECT_EQ(error_of(elf), "guest.elf: machine is 62, expected 243 (RISC-V)");
}

TEST(Elf, EveryHeaderFieldIsChecked) {
  const auto with = [](auto change) {
    SmallElf elf;
    change(elf.header);
    return error_of(elf);
  };
  EXPECT_THAT(with([](auto& h) { h.e_ident[0] = 'M'; }),
              HasSubstr("begins with 0x4d 0x45 0x4c 0x46, expected an ELF"));
  EXPECT_THAT(with([](auto& h) { h.e_ident[EI_CLASS] = 1; }), HasSubstr("class is 1"));
  EXPECT_THAT(with([](auto& h) { h.e_ident[EI_DATA] = 2; }), HasSubstr("data encoding is 2"));
  EXPECT_THAT(with([](auto& h) { h.e_ident[EI_VERSION] = 0; }), HasSubstr("version is 0"));
  EXPECT_THAT(with([](auto& h) { h.e_type = ET_REL; }), HasSubstr("type is 1"));
  EXPECT_THAT(with([](auto& h) { h.e_phentsize = 32; }), HasSubstr("program header size is 32"));
  EXPECT_THAT(with([](auto& h) { h.e_phoff = ~0ull; }), HasSubstr("program headers"));
  EXPECT_THAT(with([](auto& h) { h.e_phnum = 0; }), HasSubstr("loadable segments are 0"));
  EXPECT_THAT(with([](auto& h) { h.e_entry = 0x1000; }), HasSubstr("entry is 0x1000"));
  EXPECT_THAT(with([](auto& h) { h.e_entry = SmallElf::kCode + 1; }), HasSubstr("entry is 0x80000001"));
  EXPECT_THAT(with([](auto& h) { h.e_shentsize = 40; }), HasSubstr("section header size is 40"));
  EXPECT_THAT(with([](auto& h) { h.e_shoff = ~0ull - 8; }), HasSubstr("section headers"));
}

TEST(Elf, EverySegmentFieldIsChecked) {
  const auto with = [](auto change) {
    SmallElf elf;
    change(elf.data);
    return error_of(elf);
  };
  EXPECT_THAT(with([](auto& s) { s.p_memsz = 3; }), HasSubstr("segment 1 memory size is 3"));
  EXPECT_THAT(with([](auto& s) { s.p_filesz = 1u << 20, s.p_memsz = 1u << 20; }), HasSubstr("truncated?"));
  EXPECT_THAT(with([](auto& s) { s.p_offset = ~0ull; }), HasSubstr("segment 1: 4 bytes at offset"));
  EXPECT_THAT(with([](auto& s) { s.p_paddr = ~0ull - 3; }), HasSubstr("inside 64 bits of address"));
  EXPECT_THAT(with([](auto& s) { s.p_memsz = ~0ull; }), HasSubstr("inside 64 bits of address"));
  EXPECT_THAT(with([](auto& s) { s.p_paddr = SmallElf::kCode + 4; }), HasSubstr("overlaps"));
}

TEST(Elf, EverySymbolTableFieldIsChecked) {
  const auto with = [](auto change) {
    SmallElf elf;
    change(elf);
    return error_of(elf);
  };
  EXPECT_THAT(with([](auto& e) { e.symbol_table.sh_entsize = 16; }), HasSubstr("entry size is 16"));
  EXPECT_THAT(with([](auto& e) { e.symbol_table.sh_size = ~0ull; }), HasSubstr("symbol table"));
  EXPECT_THAT(with([](auto& e) { e.symbol_table.sh_link = 9; }), HasSubstr("string table is 9"));
  EXPECT_THAT(with([](auto& e) { e.symbol_table.sh_link = 0; }), HasSubstr("section type is 0"));
  EXPECT_THAT(with([](auto& e) { e.strings.sh_offset = ~0ull; }), HasSubstr("names"));
  EXPECT_THAT(with([](auto& e) { e.symbols[0].st_name = 4096; }), HasSubstr("name offset is 4096"));
  EXPECT_THAT(with([](auto& e) { e.strings.sh_size -= 1; }), HasSubstr("ends inside the string table"));
}

TEST(Elf, AnEmptyFileIsAnError) {
  const auto image = parse_elf({}, "empty");
  ASSERT_FALSE(image);
  EXPECT_THAT(image.error(), HasSubstr("is empty, expected an ELF"));
}

// All content precedes the section headers, so that every cut loses something.
TEST(Elf, TruncationsAtEveryByteAreErrors) {
  const auto file = SmallElf().file();
  for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
    const std::vector<std::byte> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(bytes));
    EXPECT_FALSE(parse_elf(cut, "cut.elf")) << bytes;
  }
}

TEST(Elf, DamagedFilesGiveAnErrorOrAConsistentImage) {
  const auto file = SmallElf().file();
  std::mt19937 random(1);
  for (int round = 0; round < 50000; ++round) {
    auto damaged = file;
    for (unsigned i = 0; i <= random() % 4; ++i)
      damaged[random() % damaged.size()] = static_cast<std::byte>(random() % 2 != 0 ? random() : 0xFF);
    const auto image = parse_elf(damaged, "damaged.elf");
    if (!image) continue;
    ASSERT_FALSE(image->segments.empty());
    for (const Segment& segment : image->segments) {
      ASSERT_LE(segment.bytes.size(), segment.memory_bytes);
      ASSERT_LE(segment.memory_bytes, ~segment.address);
    }
  }
}

}  // namespace
}  // namespace hvsim::sim
