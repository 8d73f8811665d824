// Reads ELF64 executables (System V ABI, chapters 4 and 5; RISC-V ELF psABI) without trusting a byte of them.
#include "sim/image/elf.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <optional>
#include <tuple>

#include "sim/image/file_kind.h"
#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

static_assert(std::endian::native == std::endian::little, "headers are copied out of the file as they are");

using Bytes = std::span<const std::byte>;
using Error = std::optional<std::string>;  // empty: fine

class Parser {
 public:
  Parser(Bytes file, const std::string& name) : file_(file) { image_.name = name; }

  isa::Result<Image, std::string> parse() {
    if (Error error = check_header()) return isa::Failure{*error};
    if (Error error = read_segments()) return isa::Failure{*error};
    if (Error error = read_entry()) return isa::Failure{*error};
    if (Error error = read_sections()) return isa::Failure{*error};
    if (image_.code.empty()) take_segments_for_code();
    return std::move(image_);
  }

 private:
  std::string message(const std::string& text) const { return image_.name + ": " + text; }
  std::string mismatch(const std::string& field, std::uint64_t value, const std::string& expected) const {
    return message(field + " is " + std::to_string(value) + ", expected " + expected);
  }
  Error outside_file(const std::string& field, std::uint64_t offset, std::uint64_t bytes) const {
    if (AddressRange{0, file_.size()}.holds(offset, bytes)) return std::nullopt;
    return message(field + ": " + std::to_string(bytes) + " bytes at offset " + hex(offset) +
                   ", expected inside the file of " + std::to_string(file_.size()) + " bytes (truncated?)");
  }
  // The caller has checked that the file reaches that far.
  template <class Record>
  Record record(std::uint64_t offset) const {
    Record result;
    std::memcpy(&result, file_.data() + offset, sizeof result);
    return result;
  }

  Error check_header();
  Error read_segments();
  Error read_segment(const Elf64_Phdr& header, const std::string& field);
  Error check_disjoint();
  Error read_entry();
  void take_segments_for_code();
  Error read_sections();
  Error read_code(const Elf64_Shdr& section, const std::string& field);
  std::string section_name(const Elf64_Shdr& section) const;
  Error read_symbol_table(const Elf64_Shdr& table, const std::string& field);
  Error read_symbol(const Elf64_Sym& symbol, Bytes names, const std::string& field);

  Bytes file_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> loads_;
  Image image_;
};

Error Parser::check_header() {
  if (file_.size() < SELFMAG || std::memcmp(file_.data(), ELFMAG, SELFMAG) != 0) {
    return message(kind_of_file(file_) + ", expected an ELF (it begins with 0x7f 0x45 0x4c 0x46)");
  }
  if (Error error = outside_file("ELF header", 0, sizeof header_)) return error;
  header_ = record<Elf64_Ehdr>(0);
  const auto& ident = header_.e_ident;
  if (ident[EI_CLASS] != ELFCLASS64) return mismatch("class", ident[EI_CLASS], "2 (64 bit)");
  if (ident[EI_DATA] != ELFDATA2LSB) return mismatch("data encoding", ident[EI_DATA], "1 (little endian)");
  if (ident[EI_VERSION] != EV_CURRENT) return mismatch("version", ident[EI_VERSION], "1");
  if (header_.e_machine != EM_RISCV) return mismatch("machine", header_.e_machine, "243 (RISC-V)");
  if (header_.e_type != ET_EXEC && header_.e_type != ET_DYN)
    return mismatch("type", header_.e_type, "2 (executable) or 3 (position independent)");
  return std::nullopt;
}

Error Parser::read_segments() {
  const std::uint64_t count = header_.e_phnum;
  if (count != 0 && header_.e_phentsize != sizeof(Elf64_Phdr))
    return mismatch("program header size", header_.e_phentsize, std::to_string(sizeof(Elf64_Phdr)));
  if (Error error = outside_file("program headers", header_.e_phoff, count * sizeof(Elf64_Phdr)))
    return error;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto load = record<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr));
    if (load.p_type != PT_LOAD || (load.p_memsz == 0 && load.p_filesz == 0)) continue;
    if (Error error = read_segment(load, "segment " + std::to_string(i))) return error;
  }
  if (image_.segments.empty())
    return message("loadable segments are 0 of " + std::to_string(count) +
                   " program headers, expected at least 1");
  std::ranges::sort(image_.segments, {}, &Segment::address);
  return check_disjoint();
}

Error Parser::read_segment(const Elf64_Phdr& load, const std::string& field) {
  if (load.p_memsz < load.p_filesz)
    return mismatch(field + " memory size", load.p_memsz,
                    "at least its file size " + std::to_string(load.p_filesz));
  if (load.p_memsz > ~load.p_paddr || load.p_memsz > ~load.p_vaddr)
    return message(field + ": " + std::to_string(load.p_memsz) + " bytes at " +
                   hex(std::max(load.p_paddr, load.p_vaddr)) + ", expected inside 64 bits of address");
  if (Error error = outside_file(field, load.p_offset, load.p_filesz)) return error;
  const Bytes content = file_.subspan(load.p_offset, load.p_filesz);
  image_.segments.push_back({load.p_paddr, load.p_memsz, {content.begin(), content.end()}});
  loads_.push_back(load);
  return std::nullopt;
}

Error Parser::check_disjoint() {
  std::vector<NamedRange> ranges;
  for (const Segment& each : image_.segments)
    ranges.push_back({"segment", {each.address, each.memory_bytes}});
  if (const auto overlap = find_overlap(ranges)) return message(*overlap + ", expected disjoint segments");
  return std::nullopt;
}

// The entry is a virtual address; kernels are linked high and loaded low.
Error Parser::read_entry() {
  for (const Elf64_Phdr& load : loads_) {
    if (!AddressRange{load.p_vaddr, load.p_memsz}.holds(header_.e_entry, 2)) continue;
    image_.entry = header_.e_entry - load.p_vaddr + load.p_paddr;
    if (image_.entry % 2 != 0) break;
    return std::nullopt;
  }
  return message("entry is " + hex(header_.e_entry) + ", expected an even address inside a segment");
}

Error Parser::read_sections() {
  // A stripped file has no section headers. (With 0xff00 or more sections e_shnum is 0 too; no program
  // for this machine has that many.)
  const std::uint64_t count = header_.e_shnum;
  if (count == 0) return std::nullopt;
  if (header_.e_shentsize != sizeof(Elf64_Shdr))
    return mismatch("section header size", header_.e_shentsize, std::to_string(sizeof(Elf64_Shdr)));
  if (Error error = outside_file("section headers", header_.e_shoff, count * sizeof(Elf64_Shdr)))
    return error;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto section = record<Elf64_Shdr>(header_.e_shoff + i * sizeof(Elf64_Shdr));
    if (section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_EXECINSTR) != 0)
      if (Error error = read_code(section, "section " + std::to_string(i))) return error;
    if (section.sh_type != SHT_SYMTAB) continue;
    if (Error error = read_symbol_table(section, "symbol table (section " + std::to_string(i) + ")"))
      return error;
  }
  std::ranges::sort(image_.symbols, {},
                    [](const Symbol& each) { return std::tie(each.address, each.name, each.bytes); });
  return std::nullopt;
}

Error Parser::read_code(const Elf64_Shdr& section, const std::string& field) {
  if (Error error = outside_file(field, section.sh_offset, section.sh_size)) return error;
  if (section.sh_size > ~section.sh_addr)
    return mismatch(field + " address", section.sh_addr, "no wrap around");
  const Bytes content = file_.subspan(section.sh_offset, section.sh_size);
  image_.code.push_back({section_name(section), section.sh_addr, {content.begin(), content.end()}});
  return std::nullopt;
}

// Only for people to read: a name that is not there is empty.
std::string Parser::section_name(const Elf64_Shdr& section) const {
  if (header_.e_shstrndx >= header_.e_shnum) return {};
  const auto table = record<Elf64_Shdr>(header_.e_shoff + header_.e_shstrndx * sizeof(Elf64_Shdr));
  if (!AddressRange{0, file_.size()}.holds(table.sh_offset, table.sh_size)) return {};
  const Bytes names = file_.subspan(table.sh_offset, table.sh_size);
  if (section.sh_name >= names.size()) return {};
  const Bytes rest = names.subspan(section.sh_name);
  const auto end = std::ranges::find(rest, std::byte{0});
  return {reinterpret_cast<const char*>(rest.data()), static_cast<std::size_t>(end - rest.begin())};
}

void Parser::take_segments_for_code() {
  for (const Elf64_Phdr& load : loads_) {
    if ((load.p_flags & PF_X) == 0) continue;
    const Bytes content = file_.subspan(load.p_offset, load.p_filesz);
    image_.code.push_back({"segment", load.p_vaddr, {content.begin(), content.end()}});
  }
}

Error Parser::read_symbol_table(const Elf64_Shdr& table, const std::string& field) {
  if (table.sh_entsize != sizeof(Elf64_Sym))
    return mismatch(field + " entry size", table.sh_entsize, std::to_string(sizeof(Elf64_Sym)));
  if (Error error = outside_file(field, table.sh_offset, table.sh_size)) return error;
  if (table.sh_link >= header_.e_shnum)
    return mismatch(field + " string table", table.sh_link, "below " + std::to_string(header_.e_shnum));
  const auto strings = record<Elf64_Shdr>(header_.e_shoff + table.sh_link * sizeof(Elf64_Shdr));
  if (strings.sh_type != SHT_STRTAB)
    return mismatch(field + " string table's section type", strings.sh_type, "3 (strings)");
  if (Error error = outside_file(field + " names", strings.sh_offset, strings.sh_size)) return error;
  const Bytes names = file_.subspan(strings.sh_offset, strings.sh_size);
  for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym))
    if (Error error = read_symbol(record<Elf64_Sym>(table.sh_offset + at), names, field)) return error;
  return std::nullopt;
}

// What a host looks for in an image; a linker script may give these as bare numbers.
bool is_for_the_host(const std::string& name) {
  return name == "tohost" || name == "fromhost" || name == "begin_signature" || name == "end_signature";
}

// What names an address: functions, objects and labels; not sections, files, other constants or the
// assembler's own marks ($x, $d, .L).
Error Parser::read_symbol(const Elf64_Sym& symbol, Bytes names, const std::string& field) {
  const unsigned type = ELF64_ST_TYPE(symbol.st_info);
  if (type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC) return std::nullopt;
  const bool constant = symbol.st_shndx == SHN_ABS;
  if (symbol.st_shndx == SHN_UNDEF || (symbol.st_shndx >= SHN_LORESERVE && !constant) || symbol.st_name == 0)
    return std::nullopt;
  const std::string where = field + " name offset";
  if (symbol.st_name >= names.size())
    return mismatch(where, symbol.st_name, "below " + std::to_string(names.size()));
  const Bytes rest = names.subspan(symbol.st_name);
  const auto end = std::ranges::find(rest, std::byte{0});
  if (end == rest.end()) return mismatch(where, symbol.st_name, "a name that ends inside the string table");
  std::string name(reinterpret_cast<const char*>(rest.data()), static_cast<std::size_t>(end - rest.begin()));
  if (name.empty() || name.starts_with('$') || name.starts_with(".L")) return std::nullopt;
  if (constant && !is_for_the_host(name)) return std::nullopt;
  image_.symbols.push_back({std::move(name), symbol.st_value, symbol.st_size});
  return std::nullopt;
}

}  // namespace

bool is_elf(std::span<const std::byte> file) {
  return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

isa::Result<Image, std::string> parse_elf(std::span<const std::byte> file, const std::string& name) {
  return Parser(file, name).parse();
}

isa::Result<Image, std::string> load_elf(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return isa::Failure{file.error()};
  return parse_elf(*file, path);
}

}  // namespace hvsim::sim
