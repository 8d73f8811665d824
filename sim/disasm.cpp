// Sections, symbols and lines of a listing.
#include "sim/disasm.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "models/cpu/decoder.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/op.h"
#include "sim/image/elf.h"
#include "sim/image/format.h"
#include "sim/json_read.h"
#include "sim/symbols.h"

namespace hvsim::sim {
namespace {

using Print = std::function<void(const std::string&)>;

struct Range {
  std::uint64_t first = 0, end = ~std::uint64_t{0};
};

isa::Result<Image, std::string> load(const DisasmOptions& options) {
  const auto bytes = read_file(options.file);
  if (!bytes) return isa::Failure{bytes.error()};
  if (is_elf(*bytes)) {
    if (options.base)
      return isa::Failure{options.file + ": is an ELF, expected no --base: it knows its addresses"};
    return parse_elf(*bytes, options.file);
  }
  if (!options.base)
    return isa::Failure{options.file + ": is no ELF, expected --base with the address of its first byte"};
  Image image{.name = options.file};
  image.code.push_back({"flat", *options.base, {bytes->begin(), bytes->end()}});
  return image;
}

// A symbol reaches to its end, a label to the next symbol.
Range extent(const Symbol& symbol, const Image& image) {
  if (symbol.bytes != 0) return {symbol.address, symbol.address + symbol.bytes};
  for (const Symbol& each : image.symbols)
    if (each.address > symbol.address) return {symbol.address, each.address};
  return {symbol.address, ~std::uint64_t{0}};
}

// All symbols that have the name, as it is in the file or as people write it: C++ functions may share one.
isa::Result<std::vector<Range>, std::string> find_functions(const DisasmOptions& options,
                                                            const Image& image) {
  std::vector<Range> ranges;
  std::vector<std::string> names;
  for (const Symbol& each : image.symbols) {
    names.push_back(readable(each.name));
    const bool meant = options.symbol == each.name || options.symbol == names.back();
    const bool again = !ranges.empty() && ranges.back().first == each.address;  // by another name
    if (meant && !again) ranges.push_back(extent(each, image));
  }
  if (!ranges.empty()) return ranges;
  const auto guess = nearest(options.symbol, {names.begin(), names.end()});
  return isa::Failure{"--symbol: " + options.file + " has no symbol \"" + options.symbol + "\"" +
                      (guess ? ", did you mean \"" + *guess + "\"?" : std::string())};
}

isa::Result<std::vector<Range>, std::string> ranges_of(const DisasmOptions& options, const Image& image) {
  const Range range{options.start.value_or(0), options.end.value_or(~std::uint64_t{0})};
  if (range.first >= range.end)
    return isa::Failure{"--end: " + hex(range.end) + ", expected an address above --start " +
                        hex(range.first)};
  if (options.symbol.empty()) return std::vector{range};
  return find_functions(options, image);
}

class Lister {
 public:
  Lister(const DisasmOptions& options, const Image& image, Range range, const Print& print)
      : style_(options.canonical ? cpu::kCanonical : cpu::DisassemblyStyle{}),
        image_(image),
        range_(range),
        print_(print) {}

  void section(const CodeSection& section) {
    const std::uint64_t end = section.address + section.bytes.size();
    if (section.bytes.empty() || range_.first >= end || range_.end <= section.address) return;
    print_("\nDisassembly of section " + section.name + ":\n");
    const std::uint64_t last = std::min(end, range_.end);
    std::uint64_t at = std::max(section.address, range_.first);
    if (at % 2 != 0) ++at;
    while (at < last) at = line(section, at, last);
  }
  int lines() const { return lines_; }

 private:
  std::uint64_t line(const CodeSection& section, std::uint64_t at, std::uint64_t last) {
    heading(at);
    std::uint64_t raw = 0;
    const std::uint64_t left = last - at;
    std::memcpy(&raw, section.bytes.data() + (at - section.address),
                std::min<std::uint64_t>(left, sizeof raw));
    unsigned bytes = cpu::encoding_length(static_cast<std::uint16_t>(raw));
    std::string text;
    if (bytes > left) {  // cut off: data
      bytes = static_cast<unsigned>(std::min<std::uint64_t>(left, 2));
      text = bytes == 2 ? ".2byte " + hex(raw & 0xFFFF) : ".byte " + hex(raw & 0xFF);
    } else {
      text = cpu::list_encoding(raw, at, style_);
    }
    char columns[48];
    std::snprintf(columns, sizeof columns, "%8llx:\t%-20s\t", static_cast<unsigned long long>(at),
                  encoding(raw, bytes).c_str());
    const auto blank = text.find(' ');
    if (blank != std::string::npos) text[blank] = '\t';
    print_(columns + text + target(raw, at, bytes));
    ++lines_;
    return at + bytes;
  }

  // Halves of a word stay together, as objdump writes them.
  static std::string encoding(std::uint64_t raw, unsigned bytes) {
    char text[24];
    if (bytes == 4) {
      std::snprintf(text, sizeof text, "%08llx", static_cast<unsigned long long>(raw & 0xFFFF'FFFF));
      return text;
    }
    std::string all;
    for (unsigned i = 0; i < bytes; i += 2) {
      std::snprintf(text, sizeof text, "%s%04llx", i == 0 ? "" : " ",
                    static_cast<unsigned long long>(raw >> (8 * i) & 0xFFFF));
      all += text;
    }
    return all;
  }

  void heading(std::uint64_t at) {
    const auto found = std::ranges::lower_bound(image_.symbols, at, {}, &Symbol::address);
    if (found == image_.symbols.end() || found->address != at) return;
    char text[24];
    std::snprintf(text, sizeof text, "\n%016llx <", static_cast<unsigned long long>(at));
    print_(text + found->name + ">:");
  }

  // Where a jump or branch goes, by name.
  std::string target(std::uint64_t raw, std::uint64_t at, unsigned bytes) const {
    if (bytes > 4) return {};
    const cpu::Op op = cpu::decode(static_cast<std::uint32_t>(raw), {});
    const cpu::Class klass = cpu::instruction(op.id).klass;
    if (klass != cpu::Class::jump && klass != cpu::Class::branch) return {};
    const std::uint64_t to = at + static_cast<std::uint64_t>(std::int64_t{op.imm});
    const Symbol* symbol = symbol_at(image_, to);
    if (symbol == nullptr) return {};
    return " <" + symbol->name + (to == symbol->address ? "" : "+" + hex(to - symbol->address)) + ">";
  }

  cpu::DisassemblyStyle style_;
  const Image& image_;
  Range range_;
  const Print& print_;
  int lines_ = 0;
};

}  // namespace

isa::Result<int, std::string> list_code(const DisasmOptions& options, const Print& print) {
  const auto image = load(options);
  if (!image) return isa::Failure{image.error()};
  const auto ranges = ranges_of(options, *image);
  if (!ranges) return isa::Failure{ranges.error()};
  print("\n" + options.file + ":     " + (options.base ? "flat image" : "file format elf64-littleriscv") +
        "\n");
  int lines = 0;
  for (const Range& range : *ranges) {
    Lister lister(options, *image, range, print);
    for (const CodeSection& section : image->code) lister.section(section);
    lines += lister.lines();
  }
  if (lines != 0) return lines;
  const Range& first = ranges->front();
  return isa::Failure{options.file + ": no code from " + hex(first.first) + " to " + hex(first.end)};
}

int disasm(const DisasmOptions& options) {
  const auto listed = list_code(options, [](const std::string& line) { std::printf("%s\n", line.c_str()); });
  if (listed) return 0;
  std::fprintf(stderr, "disasm: %s\n", listed.error().c_str());
  return 2;
}

}  // namespace hvsim::sim
