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
#include "models/cpu/transition.h"

namespace hvsim::cpu {

inline constexpr unsigned kMaxBlockOps = 64;

// How a block ended: with its last instruction, which did not jump; by a jump that was predicted, or was not;
// and if the last instruction is a privileged one, done with it, or by its trap.
enum class BlockEnd : std::uint8_t { on, taken, mispredicted, done = taken, trapped = mispredicted };

// When an op issues, and accesses memory, in cycles from when the block before it was committed; and what it
// waits for.
struct OpTimes {
  std::int32_t issue = 0, access = 0;
  std::uint64_t reads = 0, writes = 0;  // a bit per register: x, then f
  enum class Unit : std::uint8_t { other, load, float_divider, none } unit{};
  std::uint8_t next_reader = kMaxBlockOps;  // the next op that reads what this one writes; or no op
};

// Of a block's ops, with what finds those that matter without looking at each.
struct BlockTimes {
  std::vector<OpTimes> ops;
  std::array<std::uint64_t, 4> users{};         // by unit, but for `other` and `none`: a bit per op
  std::array<std::uint8_t, 65> first_reader{};  // by register, as in OpTimes::reads, and of none
  void find_users();                            // when the ops are there
};

// Ends at the first op that may change the flow, at a page boundary, or at kMaxBlockOps. A Block object
// stays at its address for ever (it is decoded anew in place), so links to it never dangle.
struct Block {
  const Op* ops = nullptr;  // the decoded instructions and what ends them
  std::uint32_t stamp = 0;  // equals Engine's stamp while known to match memory (fences bump that)
  bool uses_float = false;  // must not run as decoded while FS is Off
  std::uint16_t count = 0;  // instructions
  std::uint16_t bytes = 0;
  std::uint16_t page_offset = 0;
  std::uint16_t float_count = 0;  // of which FP classes
  std::uint16_t data_accesses = 0;
  std::uint16_t lines = 0;      // L1I lines it lies in
  std::uint16_t line_word = 0;  // word of the page's presence mask that holds those lines
  std::uint64_t line_mask = 0;  // and their bits
  // Direct successors in the same physical page; null until first taken.
  Block* taken = nullptr;
  Block* fall_through = nullptr;
  std::vector<Op> storage;                   // behind `ops`; replaced only between blocks
  std::array<Transitions, 3> transitions{};  // by BlockEnd
  BlockTimes times;                          // made when they are asked for,
  std::uint32_t times_from = 0;              // for a state that the block is found in
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
  void fill(Block& block, std::vector<Op> ops) {
    ops_ += ops.size();
    ops_ -= block.storage.size();
    block.storage = std::move(ops);
    block.ops = block.storage.data();
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (Block& block : blocks_) visit(block);
  }

  // Software can run code anywhere, so the store is emptied when it has grown past any sensible working set.
  bool full() const { return pages_.size() > kMaxPages || ops_ > kMaxOps; }
  std::unordered_map<std::uint64_t, std::unique_ptr<CodePage>>& pages() { return pages_; }
  void clear() {
    pages_.clear();
    blocks_.clear();
    ops_ = 0;
  }

 private:
  static constexpr std::size_t kMaxPages = 8192;     // 128 MiB of CodePage
  static constexpr std::size_t kMaxOps = 8'000'000;  // 256 MiB of Op

  std::unordered_map<std::uint64_t, std::unique_ptr<CodePage>> pages_;
  std::deque<Block> blocks_;
  std::size_t ops_ = 0;
};

}  // namespace hvsim::cpu
