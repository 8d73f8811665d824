// Page tables whose every PTE is drawn when it is first read: random along the path that a walk takes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>

#include "tests/unit/mmu/page_tables.h"
#include "tests/unit/mmu/reference_walk.h"

namespace hvsim::mmu {

inline constexpr std::uint64_t kHotPages = 64;  // of RAM, where all tables are
inline constexpr std::uint64_t kN = std::uint64_t{1} << 63;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t word() { return engine_(); }
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

// How often something in a PTE is as it should not be, in percent.
struct Manners {
  unsigned wild, faulty;
};

// One round's memory: PTEs come into being when they are read, and then stay.
class PageTables {
 public:
  PageTables(Dice& dice, mem::PhysicalMemory& memory) : dice_(dice), memory_(memory) {}

  void begin(const reference::Circumstances& c, Manners manners) {
    c_ = c;
    manners_ = manners;
    words_.clear();
    siblings_agree_ = true;
  }
  std::optional<std::uint64_t> read(std::uint64_t address, bool g_stage, unsigned level) {
    if (address < kRam || address >= kRam + memory_.ram_bytes()) return std::nullopt;
    if (const auto known = words_.find(address); known != words_.end()) return known->second;
    const std::uint64_t word = draw(g_stage, level);
    put(address, word);
    if ((word & kN) != 0 && (word & 0xE) != 0) draw_siblings(address, word);
    return word;
  }
  void put(std::uint64_t address, std::uint64_t word) {
    words_[address] = word;
    memory_.write(isa::Hpa{address}, word);
  }
  // All PTEs of a NAPOT range get the same A and D, so that a TLB may take any for all.
  void settle_siblings(std::uint64_t address) {
    if (address != 0 && (words_[address] & kN) != 0) draw_siblings(address, words_[address]);
  }
  bool siblings_agree() const { return siblings_agree_; }
  const std::map<std::uint64_t, std::uint64_t>& words() const { return words_; }

 private:
  void draw_siblings(std::uint64_t address, std::uint64_t word) {
    for (std::uint64_t at = address & ~127ULL; at <= (address | 127); at += 8) {
      const auto known = words_.find(at);
      if (known != words_.end() && ((known->second ^ word) & ~0xC0ULL) != 0)
        siblings_agree_ = false;
      else
        put(at, word);
    }
  }

  // A guest's own tables point to guest-physical addresses, which are anything; others into the hot pages.
  std::uint64_t draw_ppn(bool g_stage, bool leaf, unsigned level) {
    std::uint64_t ppn = (kRam >> 12) + dice_.below(kHotPages);
    if (c_.guest && c_.g_mode != 0 && !g_stage) ppn = dice_.below(kHotPages) | dice_.below(1 << 11) << 18;
    if (dice_.chance(manners_.faulty / 2)) ppn = dice_.word() >> 20;
    if (leaf && !dice_.chance(manners_.faulty)) ppn &= ~((std::uint64_t{1} << 9 * level) - 1);
    return ppn;
  }

  std::uint64_t draw(bool g_stage, unsigned level) {
    if (dice_.chance(manners_.wild)) return dice_.word() | (dice_.chance(80) ? bits::v : 0);
    const bool leaf = level == 0 ? !dice_.chance(manners_.faulty) : dice_.chance(level > 2 ? 4 : 15);
    std::uint64_t ppn = draw_ppn(g_stage, leaf, level);
    std::uint64_t word = dice_.chance(manners_.faulty) ? 0 : bits::v;
    word |= dice_.below(4) << 8 | (dice_.chance(10) ? bits::g : 0);
    if (leaf) {
      constexpr std::uint64_t rights[] = {bits::r, bits::r | bits::w, bits::x, bits::r | bits::x,
                                          bits::r | bits::w | bits::x};
      word |= dice_.chance(50) ? bits::r | bits::w | bits::x : rights[dice_.below(5)];
      if (dice_.chance(g_stage ? 97 : c_.user ? 90 : 30)) word |= bits::u;
      if (dice_.chance(60)) word |= bits::a;
      if (dice_.chance(60)) word |= bits::d;
      if ((g_stage ? c_.pbmte_g : c_.pbmte_first) && dice_.chance(20)) word |= dice_.below(3) << 61;
      if (c_.svnapot && level == 0 && dice_.chance(25)) {
        word |= kN;
        ppn = (ppn & ~15ULL) | 8;
      }
    }
    word |= ppn << 10;
    if (dice_.chance(manners_.faulty / 2)) word ^= std::uint64_t{1} << dice_.below(64);
    if (dice_.chance(manners_.faulty / 3)) word ^= dice_.word() & 0xFE000000000000FE;
    return word;
  }

  Dice& dice_;
  mem::PhysicalMemory& memory_;
  reference::Circumstances c_;
  Manners manners_{};
  std::map<std::uint64_t, std::uint64_t> words_;
  bool siblings_agree_ = true;
};

}  // namespace hvsim::mmu
