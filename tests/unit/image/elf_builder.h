// Builds small ELF files field by field, right or wrong.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace hvsim::sim {

// Two segments (code at 0x80000000, data with zeros behind it at 0x80002000) and three symbols.
struct SmallElf {
  static constexpr std::uint64_t kCode = 0x80000000, kData = 0x80002000;

  Elf64_Ehdr header{};
  Elf64_Phdr code{}, data{};
  Elf64_Shdr null{}, symbol_table{}, strings{};
  std::vector<Elf64_Sym> symbols;
  std::string names;
  std::string code_bytes = "codecode", data_bytes = "data";

  SmallElf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = 243;
    header.e_version = EV_CURRENT;
    header.e_entry = kCode;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof code;
    header.e_phnum = 2;
    header.e_shentsize = sizeof null;
    header.e_shnum = 3;
    names.push_back('\0');
    add_symbol("work", kCode + 4, 4, STT_FUNC);
    add_symbol("_start", kCode, 0, STT_NOTYPE);
    add_symbol("table", kData, 16, STT_OBJECT);
    add_symbol("$x", kCode, 0, STT_NOTYPE);
    lay_out();
  }

  void add_symbol(const std::string& name, std::uint64_t address, std::uint64_t size, unsigned type) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<std::uint32_t>(names.size());
    symbol.st_info = static_cast<unsigned char>(ELF64_ST_INFO(STB_GLOBAL, type));
    symbol.st_shndx = 1;
    symbol.st_value = address;
    symbol.st_size = size;
    symbols.push_back(symbol);
    names += name + '\0';
  }

  void lay_out() {
    header.e_phoff = sizeof header;
    const std::uint64_t content = header.e_phoff + 2 * sizeof code;
    code = segment(content, kCode, code_bytes.size(), code_bytes.size());
    data = segment(content + code_bytes.size(), kData, data_bytes.size(), 16);
    symbol_table.sh_type = SHT_SYMTAB;
    symbol_table.sh_offset = content + code_bytes.size() + data_bytes.size();
    symbol_table.sh_size = symbols.size() * sizeof(Elf64_Sym);
    symbol_table.sh_entsize = sizeof(Elf64_Sym);
    symbol_table.sh_link = 2;
    strings.sh_type = SHT_STRTAB;
    strings.sh_offset = symbol_table.sh_offset + symbol_table.sh_size;
    strings.sh_size = names.size();
    header.e_shoff = strings.sh_offset + strings.sh_size;
  }

  std::vector<std::byte> file() const {
    std::vector<std::byte> out;
    append(out, &header, sizeof header);
    append(out, &code, sizeof code);
    append(out, &data, sizeof data);
    append(out, code_bytes.data(), code_bytes.size());
    append(out, data_bytes.data(), data_bytes.size());
    append(out, symbols.data(), symbols.size() * sizeof(Elf64_Sym));
    append(out, names.data(), names.size());
    for (const Elf64_Shdr* each : {&null, &symbol_table, &strings}) append(out, each, sizeof *each);
    return out;
  }

 private:
  static Elf64_Phdr segment(std::uint64_t offset, std::uint64_t address, std::uint64_t in_file,
                            std::uint64_t in_memory) {
    Elf64_Phdr result{};
    result.p_type = PT_LOAD;
    result.p_offset = offset;
    result.p_vaddr = result.p_paddr = address;
    result.p_filesz = in_file;
    result.p_memsz = in_memory;
    return result;
  }
  static void append(std::vector<std::byte>& out, const void* from, std::size_t bytes) {
    const auto* start = static_cast<const std::byte*>(from);
    out.insert(out.end(), start, start + bytes);
  }
};

}  // namespace hvsim::sim
