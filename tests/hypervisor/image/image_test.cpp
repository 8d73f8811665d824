// What must not be in the hypervisor's image: floating point, missing symbols, static constructors.
#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

class Image {
 public:
  Image() {
    std::ifstream file(HYPERVISOR_ELF, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    for (std::size_t i = 0; i < at<Elf64_Ehdr>(0).e_shnum; ++i)
      sections_.push_back(at<Elf64_Shdr>(at<Elf64_Ehdr>(0).e_shoff + i * sizeof(Elf64_Shdr)));
  }
  template <class T>
  T at(std::size_t offset) const {
    T value;
    std::memcpy(&value, &bytes_.at(offset + sizeof value - 1) - (sizeof value - 1), sizeof value);
    return value;
  }
  std::string text(std::size_t offset) const { return &bytes_.at(offset); }
  std::string name(const Elf64_Shdr& section) const {
    return text(sections_.at(at<Elf64_Ehdr>(0).e_shstrndx).sh_offset + section.sh_name);
  }
  const std::vector<Elf64_Shdr>& sections() const { return sections_; }

  struct Symbol {
    std::string name;
    Elf64_Sym entry;
  };
  std::vector<Symbol> symbols() const {
    std::vector<Symbol> result;
    for (const auto& section : sections_) {
      if (section.sh_type != SHT_SYMTAB) continue;
      for (std::size_t i = 1; i < section.sh_size / sizeof(Elf64_Sym); ++i) {
        const auto symbol = at<Elf64_Sym>(section.sh_offset + i * sizeof(Elf64_Sym));
        result.push_back({text(sections_.at(section.sh_link).sh_offset + symbol.st_name), symbol});
      }
    }
    return result;
  }
  Elf64_Addr address(const std::string& symbol) const {
    for (const Symbol& candidate : symbols())
      if (candidate.name == symbol) return candidate.entry.st_value;
    ADD_FAILURE() << "no symbol " << symbol;
    return 0;
  }

 private:
  std::vector<char> bytes_;
  std::vector<Elf64_Shdr> sections_;
};

// Opcode map of the unprivileged manual: LOAD-FP, STORE-FP, the four fused ones, OP-FP; RV64C's FLD and FSD.
bool is_floating_point(std::uint32_t word) {
  if ((word & 3) == 3) {
    for (const std::uint32_t opcode : {0x07u, 0x27u, 0x43u, 0x47u, 0x4bu, 0x4fu, 0x53u})
      if ((word & 0x7f) == opcode) return true;
    return false;
  }
  const std::uint32_t quadrant = word & 3, function = (word >> 13) & 7;
  return quadrant != 1 && (word & 0xffff) != 0 && (function == 1 || function == 5);
}

TEST(Image, HasNoFloatingPointInstructionOutsideTheTwoMovers) {
  const Image image;
  const auto movers = image.address("riscv_save_fp");
  unsigned inside = 0, checked = 0;
  for (const auto& section : image.sections()) {
    if ((section.sh_flags & SHF_EXECINSTR) == 0) continue;
    for (std::size_t offset = 0; offset + 2 <= section.sh_size;) {
      const auto half = image.at<std::uint16_t>(section.sh_offset + offset);
      const bool full = (half & 3) == 3;
      const auto word = full ? image.at<std::uint32_t>(section.sh_offset + offset) : half;
      const Elf64_Addr address = section.sh_addr + offset;
      const bool in_movers = address >= movers && address < movers + 2 * (32 * 4 + 4 * 4);
      if (is_floating_point(word)) {
        EXPECT_TRUE(in_movers) << std::hex << address << ": " << word;
        ++inside;
      }
      ++checked;
      offset += full ? 4 : 2;
    }
  }
  EXPECT_EQ(inside, 64u);  // 32 stores and 32 loads: the check sees what it looks for
  EXPECT_GT(checked, 4000u);
}

TEST(Image, HasNoUndefinedSymbolsAndNoStaticConstructors) {
  const Image image;
  for (const auto& [name, symbol] : image.symbols()) {
    if (symbol.st_shndx == SHN_UNDEF) ADD_FAILURE() << "undefined: " << name;
    EXPECT_EQ(name.find("__cxa"), std::string::npos) << name;
    EXPECT_EQ(name.find("__gxx_personality"), std::string::npos) << name;
    EXPECT_NE(name, "_Znwm") << "a heap";
  }
  for (const auto& section : image.sections()) EXPECT_NE(image.name(section).substr(0, 11), ".init_array");
}

TEST(Image, IsEnteredWhereOpenSbiJumps) {
  const Image image;
  EXPECT_EQ(image.at<Elf64_Ehdr>(0).e_entry, 0x80200000u);
  EXPECT_EQ(image.address("_start"), 0x80200000u);
}

}  // namespace
