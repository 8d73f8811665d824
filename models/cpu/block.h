// Predecoded straight-line code and the per-hart store of it, found by physical address.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/cpu/op.h"

namespace hvsim::cpu {

inline constexpr unsigned kMaxBlockOps = 64;

// Ends at the first op that may change the flow, at a page boundary, or at kMaxBlockOps. A Block object
// stays at its address for ever (it is decoded anew in place), so links to it never dangle.
struct Block {
  const Op* ops = nullptr;
  std::uint32_t stamp = 0;        // equals Engine's stamp while known to match memory (FENCE.I bumps that)
  bool uses_float = false;        // must not run as decoded while FS is Off
  std::uint16_t count = 0;        // instructions
  std::uint16_t bytes = 0;
  std::uint16_t issue = 0;        // static issue cycles of the whole block
  std::uint16_t issue_csr = 0;    // of which: CSR class
  std::uint16_t issue_float = 0;  // of which: FP classes
  std::uint16_t data_accesses = 0;
  std::uint16_t lines = 0;        // L1I lines it lies in
  std::uint16_t line_word = 0;    // word of the page's presence mask that holds those lines
  std::uint64_t line_mask = 0;    // and their bits
  // Direct successors in the same physical page; null until first taken.
  Block* taken = nullptr;
  Block* fall_through = nullptr;
};

// All blocks of one physical page, by halfword offset.
struct CodePage {
  std::array<Block*, isa::kPageBytes / 2> blocks{};
};

class BlockStore {
 public:
  CodePage& page(isa::Hpa address) {
    auto& slot = pages_[address.value >> isa::kPageShift];
    if (!slot) slot = std::make_unique<CodePage>();
    return *slot;
  }
  Block& new_block() { return blocks_.emplace_back(); }
  // Ops live as long as the store: a block that is decoded anew may still be running.
  const Op* keep(std::vector<Op> ops) { return ops_.emplace_back(std::move(ops)).data(); }

 private:
  std::unordered_map<std::uint64_t, std::unique_ptr<CodePage>> pages_;
  std::deque<Block> blocks_;
  std::deque<std::vector<Op>> ops_;
};

}  // namespace hvsim::cpu
