// Sv39 page tables: the kernel's one, and one per process.
#pragma once

#include <cstdint>
#include <span>

#include "models/cpu/isa/paging.h"

namespace kernel {

namespace pte = hvsim::isa::pte;

struct PageTable {
  std::uint64_t entries[512];
};

// Maps one page. False: no memory for a table.
bool map(PageTable& table, std::uint64_t address, std::uint64_t physical, std::uint64_t flags);

// What satp holds to use it.
std::uint64_t satp_of(const PageTable& table);

// The kernel's table maps devices and memory to themselves. Then each hart switches to it.
void make_kernel_table();
PageTable& kernel_table();
void use_kernel_table();

// A process's table: trampoline and trap frame only. Null: no memory.
PageTable* make_user_table(void* trap_frame);
bool copy_user_pages(PageTable& from, PageTable& to);  // false: no memory
void free_user_table(PageTable* table);                // with its pages

// A new page of zeros, or null.
void* add_user_page(PageTable& table, std::uint64_t address, std::uint64_t flags);

// Between kernel and process, page by page through its table. False: an address that is not its own.
bool copy_in(PageTable& table, std::span<char> to, std::uint64_t from);
bool copy_out(PageTable& table, std::uint64_t to, std::span<const char> from);
// A text that ends with a zero within the buffer.
bool copy_text_in(PageTable& table, std::span<char> to, std::uint64_t from);

}  // namespace kernel
