// Finding a program on the disk and loading its ELF segments, each page of them a block of the file.
#include "workloads/teaching_kernel/program.h"

#include <algorithm>
#include <cstring>

#include "workloads/teaching_kernel/abi.h"
#include "workloads/teaching_kernel/disk.h"
#include "workloads/teaching_kernel/memory.h"

namespace kernel {
namespace {

// ELF-64 (System V ABI): the header, and one of its program headers.
struct ElfHeader {
  std::uint32_t magic;
  std::uint8_t ident[12];
  std::uint16_t type, machine;
  std::uint32_t version;
  std::uint64_t entry, program_headers, section_headers;
  std::uint32_t flags;
  std::uint16_t bytes, program_header_bytes, program_header_count;
};
struct ProgramHeader {
  std::uint32_t type, flags;
  std::uint64_t offset, address, physical, file_bytes, memory_bytes, align;
};
constexpr std::uint32_t kElfMagic = 0x464C'457F, kLoad = 1, kExecute = 1, kWrite = 2;
constexpr std::uint16_t kRiscv = 243;
constexpr std::uint64_t kProgramEnd = std::uint64_t{1} << 30;

// One block of the disk, for as long as somebody looks at it.
class Block {
 public:
  explicit Block(std::uint64_t number) : frame_(static_cast<char*>(allocate_frame())) {
    read_ = frame_ != nullptr && disk_transfer(Transfer::read, number, frame_);
  }
  ~Block() {
    if (frame_ != nullptr) free_frame(frame_);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Null: it was not read, or the object does not fit.
  template <class T>
  const T* at(std::uint64_t offset) const {
    const bool fits = offset <= kBlockBytes - sizeof(T) && offset % alignof(T) == 0;
    return read_ && fits ? reinterpret_cast<const T*>(frame_ + offset) : nullptr;
  }

 private:
  char* frame_;
  bool read_;
};

// Block number of its first byte; 0: there is none of that name.
std::uint32_t find(std::string_view name) {
  const Block block(0);
  const auto* directory = block.at<Directory>(0);
  if (directory == nullptr || directory->magic != Directory::kMagic) return 0;
  const std::size_t count = std::min<std::size_t>(directory->programs, std::size(directory->entries));
  for (const Directory::Entry& entry : std::span(directory->entries).first(count))
    if (name == name_of(entry)) return entry.first_block;
  return 0;
}

bool sound(const ProgramHeader& segment) {
  return (segment.offset % kPageBytes == 0 || segment.file_bytes == 0) && segment.address % kPageBytes == 0 &&
         segment.address != 0 && segment.file_bytes <= segment.memory_bytes &&
         segment.memory_bytes < kProgramEnd && segment.address < kProgramEnd - segment.memory_bytes;
}

// The file's last page may hold what comes after the segment: that must be zero.
bool load_segment(PageTable& table, const ProgramHeader& segment, std::uint64_t first_block) {
  const std::uint64_t flags =
      pte::r | ((segment.flags & kWrite) != 0 ? pte::w : 0) | ((segment.flags & kExecute) != 0 ? pte::x : 0);
  for (std::uint64_t at = 0; at < segment.memory_bytes; at += kPageBytes) {
    auto* page = static_cast<char*>(add_user_page(table, segment.address + at, flags));
    if (page == nullptr) return false;
    if (at >= segment.file_bytes) continue;
    if (!disk_transfer(Transfer::read, first_block + (segment.offset + at) / kBlockBytes, page)) return false;
    const std::uint64_t bytes = std::min(segment.file_bytes - at, kPageBytes);
    std::memset(page + bytes, 0, kPageBytes - bytes);
  }
  return true;
}

struct Loaded {
  std::uint64_t entry = 0, end = 0;  // 0: nothing was loaded
};

Loaded load_file(PageTable& table, std::uint64_t first_block) {
  const Block block(first_block);
  const auto* header = block.at<ElfHeader>(0);
  if (header == nullptr || header->magic != kElfMagic || header->machine != kRiscv) return {};
  Loaded loaded{.entry = header->entry};
  for (unsigned i = 0; i < header->program_header_count; ++i) {
    const auto* segment = block.at<ProgramHeader>(header->program_headers + i * sizeof(ProgramHeader));
    if (segment == nullptr) return {};
    if (segment->type != kLoad || segment->memory_bytes == 0) continue;
    if (!sound(*segment) || !load_segment(table, *segment, first_block)) return {};
    loaded.end = std::max(loaded.end, segment->address + segment->memory_bytes);
  }
  return loaded;
}

// Two pages, the argument at the top. The stack pointer, or 0: no memory.
std::uint64_t make_stack(PageTable& table, std::string_view argument) {
  for (unsigned i = 1; i <= kUserStackPages; ++i)
    if (add_user_page(table, kUserStackTop - i * kPageBytes, pte::r | pte::w) == nullptr) return 0;
  constexpr std::uint64_t kAlign = 16;
  const std::uint64_t at = (kUserStackTop - argument.size() - 1) & ~(kAlign - 1);
  return copy_out(table, at, argument) ? at : 0;
}

bool load(PageTable& table, Process& process, std::string_view name, std::string_view argument) {
  const std::uint32_t first_block = find(name);
  if (first_block == 0) return false;
  const Loaded program = load_file(table, first_block);
  if (program.end == 0) return false;
  const std::uint64_t stack = make_stack(table, argument);
  if (stack == 0) return false;
  process.heap_begin = process.heap_end = (program.end + kPageBytes - 1) & ~(kPageBytes - 1);
  process.frame->pc = program.entry;
  process.frame->sp() = process.frame->a(0) = stack;
  return true;
}

}  // namespace

bool load_program(Process& process, std::string_view name, std::string_view argument) {
  PageTable* table = make_user_table(process.frame);
  if (table == nullptr) return false;
  if (!load(*table, process, name, argument)) {
    free_user_table(table);
    return false;
  }
  free_user_table(process.table);
  process.table = table;
  return true;
}

}  // namespace kernel
