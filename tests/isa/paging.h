// Random page tables of one program: a window of random entries, and around it what the driver needs.
#pragma once

#include <cstdint>

#include "tests/isa/builder.h"

namespace hvsim::oracle {

// Pages of the window at address 0: random ones, where the code page is for user mode, those that programs
// change, those at which guests see their page tables, and one page of 64 KiB (Svnapot).
inline constexpr unsigned kRandomPages = 16, kFirstChanged = 17, kLastChanged = 20, kTablesInWindow = 32,
                          kLargePage = 48;
inline constexpr std::uint64_t kUserCode = 0x10000;

// Fills the slot's table pages as b.paging says. RAM is mapped onto itself for supervisors, by one page of
// 1 GiB.
void add_page_tables(Builder& b);

// satp or vsatp, hgatp, and the satp of hypervisors with guests: plain, with RAM for user mode apart.
std::uint64_t first_stage_root(const Program& program, const Paging& paging);
std::uint64_t g_stage_root(const Program& program, const Paging& paging);
std::uint64_t hs_root(const Program& program);
std::uint64_t hs_user_code(const Program& program);
std::uint64_t asid(const Program& program);
std::uint64_t vmid(const Program& program);

// An address whose translation is random: in the window, in a superpage, in RAM, or malformed.
std::uint64_t random_address(Builder& b);
// The same for a pinned register, and for all of them.
std::uint64_t random_pointer(Builder& b, unsigned reg);
void point_anywhere(Builder& b);

// For changes: the physical address of a window page's entry, and what may be written there.
std::uint64_t leaf_address(const Builder& b, bool second, unsigned page);
std::uint64_t changed_leaf(Builder& b, bool second);

// Entries 1 to 6: parts of the data pages, now and then a table of leaves.
void add_protection(Builder& b);

}  // namespace hvsim::oracle
