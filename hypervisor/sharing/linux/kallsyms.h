// The symbol table that a Linux kernel carries in its own memory (CONFIG_KALLSYMS): found by its token table,
// checked, and read name by name in bounded steps.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "hypervisor/sharing/linux/guest_window.h"

namespace hv {

class Kallsyms {
 public:
  // The symbols that are wanted, and where they were found; 0: not, or not yet.
  enum Wanted : unsigned { mem_section, node_data, swapper_pg_dir, wanted_count };
  static constexpr std::array<std::string_view, wanted_count> kNames{"mem_section", "node_data",
                                                                     "swapper_pg_dir"};

  // Four digits in a row with zeros between, at either alignment: `word` may be part of the ten digits, each
  // of which is a token of its own.
  static constexpr bool looks_like_digits(std::uint64_t word) {
    constexpr std::uint64_t odd = 0xFF00FF00FF00FF00, steps = 0x0003000200010000;
    if ((word & odd) != 0) {
      if ((word & ~odd) != 0) return false;
      word >>= 8;
    }
    const std::uint64_t first = word & 0xFF;
    return first >= '0' && first <= '6' && word == first * 0x0001000100010001 + steps;
  }
  // Takes the table around the token "0" at `digits`. False: its tokens are not those of one.
  bool open(GuestWindow& memory, std::uint64_t digits);
  // Then: counts up to `symbols` symbols. `no`: it is none after all.
  enum class Progress : std::uint8_t { more, yes, no };
  Progress count(GuestWindow& memory, std::uint64_t symbols);
  // Reads up to `symbols` names. True: there are no more.
  bool step(GuestWindow& memory, std::uint64_t symbols);

  std::uint64_t address(Wanted symbol) const { return found_[symbol]; }
  std::uint64_t base() const { return relative_base_; }  // of the kernel image, as it is linked
  std::uint64_t symbols() const { return symbols_; }

 private:
  static constexpr std::uint64_t kTokens = 256, kMaxSymbols = 1u << 20, kTokenBytes = 3072;
  // A copy for the length of a step: tokens are looked up for every symbol, and lie apart from the names.
  struct Tokens {
    std::array<std::uint16_t, kTokens> index;
    std::array<char, kTokenBytes> text;  // zero behind each, and at the end
  };
  bool find_names(GuestWindow& memory);
  std::uint64_t entry_bytes(GuestWindow& memory, std::uint64_t at) const;
  void copy_tokens(GuestWindow& memory, Tokens& tokens) const;
  unsigned match(GuestWindow& memory, const Tokens& tokens, std::uint64_t at, std::uint64_t end) const;

  std::uint64_t tokens_ = 0, token_index_ = 0, offsets_ = 0, names_ = 0;  // guest-physical
  std::uint64_t relative_base_ = 0, symbols_ = 0;
  std::uint64_t next_symbol_ = 0, next_name_ = 0;
  std::array<std::uint64_t, wanted_count> found_{};
};

}  // namespace hv
