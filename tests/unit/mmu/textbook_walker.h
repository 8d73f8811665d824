// A two-stage walker that really has its caches and really skips what they hold: a list per cache, searched
// from end to end. Written from the manual's algorithm, not from the models.
#pragma once

#include <cstdint>
#include <list>
#include <optional>

#include "models/mmu/walk_caches.h"
#include "tests/unit/mmu/page_tables.h"

namespace hvsim::mmu {

class TextbookWalker {
 public:
  TextbookWalker(const Machine& machine, const WalkCachesConfig& config)
      : machine_(machine), config_(config) {}

  struct Counts {
    unsigned first = 0, g = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };

  // PTE reads of a walk that succeeds without setting A or D.
  Counts walk(std::uint64_t address, const AddressSpace& space) {
    counts_ = {};
    if (space.first.scheme == nullptr) {
      if (space.virtualized) to_host(address, space);
      return counts_;
    }
    const unsigned levels = space.first.scheme->levels;
    std::uint64_t table = space.first.table;
    unsigned level = levels - 1;
    bool global = false;
    for (unsigned known = 1; known < levels; ++known)  // the lowest first
      if (const Pointer* pointer = use(first_, space, true, known, address)) {
        table = pointer->table;
        global = pointer->global;
        level = known - 1;
        break;
      }
    for (;; --level) {
      const bool root = level + 1 == levels;
      std::uint64_t where = table + index(address, level, root ? space.first.scheme->root_extra_bits : 0) * 8;
      if (space.virtualized) where = to_host(where, space);
      ++counts_.first;
      const std::uint64_t pte = machine_.load(where);
      global |= (pte & bits::g) != 0;
      if ((pte & (bits::r | bits::w | bits::x)) != 0) {
        const std::uint64_t mask = (std::uint64_t{4096} << 9 * level) - 1;
        if (space.virtualized) to_host((target(pte) & ~mask) | (address & mask), space);
        return counts_;
      }
      table = target(pte);
      remember(first_, config_.first.entries, {space, true, level, prefix(address, level), table, global});
    }
  }

  void fence_first_stage(std::optional<std::uint16_t> vmid, std::optional<std::uint64_t> address,
                         std::optional<std::uint16_t> asid) {
    if (address) return;
    first_.remove_if([&](const Pointer& p) {
      return p.space.virtualized == vmid.has_value() && (!vmid || p.space.g_stage.space == *vmid) &&
             (!asid || (!p.global && p.space.first.space == *asid));
    });
  }
  void fence_g_stage(std::optional<std::uint64_t> address, std::optional<std::uint16_t> vmid) {
    g_tlb_.remove_if([&](const Page& p) {
      return (!vmid || p.vmid == *vmid) && (!address || *address / p.bytes == p.from / p.bytes);
    });
    if (address) return;
    g_stage_.remove_if([&](const Pointer& p) { return !vmid || p.space.g_stage.space == *vmid; });
  }

 private:
  struct Pointer {
    AddressSpace space;
    bool first;
    unsigned level;
    std::uint64_t prefix, table;
    bool global = false;
  };
  struct Page {
    std::uint16_t vmid;
    std::uint64_t from, bytes, to;
  };

  static std::uint64_t index(std::uint64_t address, unsigned level, unsigned extra) {
    return address >> (12 + 9 * level) & ((512U << extra) - 1);
  }
  static std::uint64_t prefix(std::uint64_t address, unsigned level) { return address >> (12 + 9 * level); }
  static std::uint64_t target(std::uint64_t pte) { return pte << 10 >> 20 << 12; }

  static const Pointer* use(std::list<Pointer>& cache, const AddressSpace& space, bool first, unsigned level,
                            std::uint64_t address) {
    for (auto p = cache.begin(); p != cache.end(); ++p) {
      if (p->level != level || p->prefix != prefix(address, level)) continue;
      if (p->space.virtualized != space.virtualized) continue;
      if (space.virtualized && p->space.g_stage.space != space.g_stage.space) continue;
      if (first && !p->global && p->space.first.space != space.first.space) continue;
      cache.splice(cache.end(), cache, p);
      return &cache.back();
    }
    return nullptr;
  }
  static void remember(std::list<Pointer>& cache, unsigned entries, const Pointer& pointer) {
    if (entries == 0) return;
    if (cache.size() == entries) cache.pop_front();
    cache.push_back(pointer);
  }

  std::uint64_t to_host(std::uint64_t address, const AddressSpace& space) {
    if (space.g_stage.scheme == nullptr) return address;
    const std::uint16_t vmid = space.g_stage.space;
    if (config_.has_g_tlb)
      for (auto p = g_tlb_.begin(); p != g_tlb_.end(); ++p)
        if (p->vmid == vmid && address / p->bytes == p->from / p->bytes) {
          g_tlb_.splice(g_tlb_.end(), g_tlb_, p);
          return p->to + address % p->bytes;
        }
    const unsigned levels = space.g_stage.scheme->levels;
    std::uint64_t table = space.g_stage.table;
    unsigned level = levels - 1;
    for (unsigned known = 1; known < levels; ++known)
      if (const Pointer* pointer = use(g_stage_, space, false, known, address)) {
        table = pointer->table;
        level = known - 1;
        break;
      }
    std::list<Pointer> seen;
    for (;; --level) {
      const bool root = level + 1 == levels;
      ++counts_.g;
      const std::uint64_t pte =
          machine_.load(table + index(address, level, root ? space.g_stage.scheme->root_extra_bits : 0) * 8);
      if ((pte & (bits::r | bits::w | bits::x)) != 0) {
        // Of one walk's pointers, the lowest is entered first and so leaves first.
        for (auto pointer = seen.rbegin(); pointer != seen.rend(); ++pointer)
          remember(g_stage_, config_.g_stage.entries, *pointer);
        const std::uint64_t bytes = std::uint64_t{4096} << 9 * level;
        if (config_.has_g_tlb) {
          if (g_tlb_.size() == config_.g_tlb.entries) g_tlb_.pop_front();
          g_tlb_.push_back({vmid, address / bytes * bytes, bytes, target(pte) / bytes * bytes});
        }
        return target(pte) / bytes * bytes + address % bytes;
      }
      table = target(pte);
      seen.push_back({space, false, level, prefix(address, level), table});
    }
  }

  const Machine& machine_;
  WalkCachesConfig config_;
  std::list<Pointer> first_, g_stage_;
  std::list<Page> g_tlb_;
  Counts counts_;
};

}  // namespace hvsim::mmu
