// Walking, filling and emptying three levels of 512 entries. No bit A or D is set here: the harts do that.
#include "workloads/teaching_kernel/page_table.h"

#include <algorithm>
#include <cstring>

#include "workloads/teaching_kernel/hart.h"
#include "workloads/teaching_kernel/memory.h"
#include "workloads/teaching_kernel/panic.h"
#include "workloads/teaching_kernel/process.h"

extern "C" char text_end[], trampoline_start[];

namespace kernel {
namespace {

constexpr std::uint64_t kAddressEnd = kTrampoline + kPageBytes, kOffset = kPageBytes - 1;
constexpr std::uint64_t kReadWrite = pte::r | pte::w, kReadExecute = pte::r | pte::x;
constexpr unsigned kTopLevel = 2;

PageTable* the_kernel_table;

constexpr std::uint64_t size_at(unsigned level) { return kPageBytes << 9 * level; }

std::uint64_t entry_for(std::uint64_t physical, std::uint64_t flags) {
  return physical / kPageBytes << pte::ppn_shift | flags | pte::v;
}
template <class T = void>
T* target(std::uint64_t entry) {
  return reinterpret_cast<T*>((entry & pte::ppn_mask) >> pte::ppn_shift << 12);
}
bool is_leaf(std::uint64_t entry) { return (entry & (pte::r | pte::w | pte::x)) != 0; }

// The last level's entry of an address, valid or not; null: there is no table for it.
std::uint64_t* find(PageTable& root, std::uint64_t address, bool make_tables) {
  PageTable* table = &root;
  for (unsigned level = kTopLevel; level > 0; --level) {
    std::uint64_t& entry = table->entries[address / size_at(level) % 512];
    if ((entry & pte::v) == 0) {
      void* fresh = make_tables ? allocate_frame() : nullptr;
      if (fresh == nullptr) return nullptr;
      entry = entry_for(reinterpret_cast<std::uint64_t>(fresh), 0);
    }
    table = target<PageTable>(entry);
  }
  return &table->entries[address / kPageBytes % 512];
}

void map_range(std::uint64_t begin, std::uint64_t end, std::uint64_t flags) {
  for (std::uint64_t at = begin; at < end; at += kPageBytes)
    if (!map(*the_kernel_table, at, at, flags)) panic("no memory for the kernel's page table");
}

// Calls use(address, entry) for the process's own pages, until one call answers false.
template <class Use>
bool each_user_page(PageTable& table, const Use& use, unsigned level = kTopLevel, std::uint64_t base = 0) {
  for (unsigned i = 0; i < 512; ++i) {
    std::uint64_t& entry = table.entries[i];
    const std::uint64_t address = base + i * size_at(level);
    if ((entry & pte::v) == 0) continue;
    if (!is_leaf(entry)) {
      if (!each_user_page(*target<PageTable>(entry), use, level - 1, address)) return false;
    } else if ((entry & pte::u) != 0 && !use(address, entry)) {
      return false;
    }
  }
  return true;
}

void free_tables(PageTable* table, unsigned level) {
  for (const std::uint64_t entry : table->entries)
    if ((entry & pte::v) != 0 && !is_leaf(entry)) free_tables(target<PageTable>(entry), level - 1);
  free_frame(table);
}

// Where the kernel finds a byte that the process may read or write; null: it may not.
char* user_byte(PageTable& table, std::uint64_t address, std::uint64_t permission) {
  if (address >= kAddressEnd) return nullptr;
  const std::uint64_t* entry = find(table, address, false);
  const std::uint64_t wanted = pte::v | pte::u | permission;
  if (entry == nullptr || (*entry & wanted) != wanted) return nullptr;
  return target<char>(*entry) + (address & kOffset);
}

// Splits [address, address + bytes) at page ends: use(the byte, done before, how many).
template <class Use>
bool each_piece(PageTable& table, std::uint64_t address, std::size_t bytes, std::uint64_t permission,
                const Use& use) {
  for (std::size_t done = 0; done < bytes;) {
    char* at = user_byte(table, address + done, permission);
    if (at == nullptr) return false;
    const std::size_t piece = std::min(bytes - done, kPageBytes - ((address + done) & kOffset));
    use(at, done, piece);
    done += piece;
  }
  return true;
}

}  // namespace

bool map(PageTable& table, std::uint64_t address, std::uint64_t physical, std::uint64_t flags) {
  std::uint64_t* entry = find(table, address, true);
  if (entry == nullptr) return false;
  if ((*entry & pte::v) != 0) panic("a page is mapped twice");
  *entry = entry_for(physical, flags);
  return true;
}

std::uint64_t satp_of(const PageTable& table) {
  return csr::kModeSv39 << csr::kAtpModeShift | reinterpret_cast<std::uint64_t>(&table) / kPageBytes;
}

void make_kernel_table() {
  the_kernel_table = static_cast<PageTable*>(allocate_frame());
  const auto text = reinterpret_cast<std::uint64_t>(text_end);
  map_range(kFinisher, kFinisher + kPageBytes, kReadWrite);
  map_range(kUart, kUart + kPageBytes, kReadWrite);
  map_range(kDisk, kDisk + kPageBytes, kReadWrite);
  map_range(kPlic, kPlic + kPlicBytes, kReadWrite);
  map_range(kMemory, text, kReadExecute);
  map_range(text, kMemoryEnd, kReadWrite);
  map(*the_kernel_table, kTrampoline, reinterpret_cast<std::uint64_t>(trampoline_start), kReadExecute);
  for (unsigned n = 0; n < kProcesses; ++n) {
    void* stack = allocate_frame();
    if (stack == nullptr) panic("no memory for stacks");
    map(*the_kernel_table, kernel_stack(n), reinterpret_cast<std::uint64_t>(stack), kReadWrite);
  }
}

PageTable& kernel_table() { return *the_kernel_table; }

void use_kernel_table() {
  guest::fence_translations();
  csr_write<csr::satp>(satp_of(*the_kernel_table));
  guest::fence_translations();
}

PageTable* make_user_table(void* trap_frame) {
  auto* table = static_cast<PageTable*>(allocate_frame());
  if (table == nullptr) return nullptr;
  if (map(*table, kTrampoline, reinterpret_cast<std::uint64_t>(trampoline_start), kReadExecute) &&
      map(*table, kTrapFrame, reinterpret_cast<std::uint64_t>(trap_frame), kReadWrite))
    return table;
  free_user_table(table);
  return nullptr;
}

bool copy_user_pages(PageTable& from, PageTable& to) {
  return each_user_page(from, [&to](std::uint64_t address, std::uint64_t entry) {
    void* page = add_user_page(to, address, entry & (pte::r | pte::w | pte::x));
    if (page != nullptr) std::memcpy(page, target(entry), kPageBytes);
    return page != nullptr;
  });
}

void free_user_table(PageTable* table) {
  each_user_page(*table, [](std::uint64_t, std::uint64_t entry) {
    free_frame(target(entry));
    return true;
  });
  free_tables(table, kTopLevel);
}

void* add_user_page(PageTable& table, std::uint64_t address, std::uint64_t flags) {
  void* page = allocate_frame();
  if (page == nullptr) return nullptr;
  if (map(table, address, reinterpret_cast<std::uint64_t>(page), flags | pte::u)) return page;
  free_frame(page);
  return nullptr;
}

bool copy_in(PageTable& table, std::span<char> to, std::uint64_t from) {
  return each_piece(table, from, to.size(), pte::r, [&](const char* at, std::size_t done, std::size_t bytes) {
    std::memcpy(to.data() + done, at, bytes);
  });
}

bool copy_out(PageTable& table, std::uint64_t to, std::span<const char> from) {
  return each_piece(table, to, from.size(), pte::w, [&](char* at, std::size_t done, std::size_t bytes) {
    std::memcpy(at, from.data() + done, bytes);
  });
}

bool copy_text_in(PageTable& table, std::span<char> to, std::uint64_t from) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    const char* at = user_byte(table, from + i, pte::r);
    if (at == nullptr) return false;
    to[i] = *at;
    if (*at == '\0') return true;
  }
  return false;
}

}  // namespace kernel
