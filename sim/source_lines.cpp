// libdw of elfutils reads DWARF. It takes every version that GCC writes, needs no process per question (as
// addr2line does), and Debian has kept it for twenty years.
#include "sim/source_lines.h"

#include <elfutils/libdw.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

namespace hvsim::sim {
namespace {

// From `address` to the next row's. A row that ends a sequence has no line.
struct Row {
  std::uint64_t address = 0;
  Dwarf_Line* line = nullptr;
};

// Functions that the linker has thrown away keep their rows, at addresses from 0.
void add_sequence(std::vector<Row>& rows, const std::vector<Row>& sequence) {
  if (!sequence.empty() && sequence.front().address != 0)
    rows.insert(rows.end(), sequence.begin(), sequence.end());
}

void add_unit(std::vector<Row>& rows, Dwarf_Die& unit) {
  Dwarf_Lines* lines = nullptr;
  std::size_t count = 0;
  if (dwarf_getsrclines(&unit, &lines, &count) != 0) return;
  std::vector<Row> sequence;
  for (std::size_t i = 0; i < count; ++i) {
    Dwarf_Line* line = dwarf_onesrcline(lines, i);
    Dwarf_Addr address = 0;
    bool ends = false;
    if (dwarf_lineaddr(line, &address) != 0 || dwarf_lineendsequence(line, &ends) != 0) continue;
    sequence.push_back({address, ends ? nullptr : line});
    if (!ends) continue;
    add_sequence(rows, sequence);
    sequence.clear();
  }
}

// Not through .debug_aranges: libdw rejects those of images linked with --gc-sections.
std::vector<Row> all_rows(Dwarf* dwarf) {
  std::vector<Row> rows;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) add_unit(rows, die);
  std::ranges::stable_sort(rows, {}, &Row::address);
  return rows;
}

// Where the compiler was called is nobody's business: what comes after the last ".." or ".", or after the
// current directory.
std::string shortened(const std::string& file) {
  std::size_t from = file.starts_with("./") ? 2 : 0;
  for (const std::string_view dots : {"/../", "/./"})
    if (const auto at = file.rfind(dots); at != std::string::npos) from = std::max(from, at + dots.size());
  if (from != 0) return file.substr(from);
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string() + "/";
  return file.starts_with(here) ? file.substr(here.size()) : file;
}

}  // namespace

struct SourceLines::Debug {
  explicit Debug(const std::string& file) : descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor >= 0) dwarf = dwarf_begin(descriptor, DWARF_C_READ);
  }
  ~Debug() {
    if (dwarf != nullptr) dwarf_end(dwarf);
    if (descriptor >= 0) close(descriptor);
  }
  Debug(const Debug&) = delete;
  Debug& operator=(const Debug&) = delete;

  int descriptor;
  Dwarf* dwarf = nullptr;
  std::optional<std::vector<Row>> rows;  // made when first asked for
};

SourceLines::SourceLines(const std::string& file) : debug_(std::make_unique<Debug>(file)) {}
SourceLines::SourceLines(SourceLines&&) noexcept = default;
SourceLines::~SourceLines() = default;

std::string SourceLines::at(std::uint64_t address) const {
  if (debug_->dwarf == nullptr) return {};
  if (!debug_->rows) debug_->rows = all_rows(debug_->dwarf);
  const auto above = std::ranges::upper_bound(*debug_->rows, address, {}, &Row::address);
  if (above == debug_->rows->begin()) return {};
  Dwarf_Line* line = std::prev(above)->line;
  int number = 0;
  if (line == nullptr || dwarf_lineno(line, &number) != 0 || number == 0) return {};
  const char* source = dwarf_linesrc(line, nullptr, nullptr);
  return source == nullptr ? std::string() : shortened(source) + ":" + std::to_string(number);
}

}  // namespace hvsim::sim
