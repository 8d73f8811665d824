// How the engine finds, decodes and keeps blocks of code.
#pragma once

#include <bit>

#include "models/cpu/address_space.h"
#include "models/cpu/engine_handlers.h"
#include "models/cpu/engine_slow.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/op_class.h"

namespace hvsim::cpu {

// The host's view of the page that holds `pc`; walks if level zero does not know it.
template <class Timing>
inline FetchEntry* Engine<Timing>::fetch_entry(std::uint64_t pc) {
  FetchEntry& entry = fetch_->fetch[LevelZero::index(pc)];
  return entry.page == (pc & ~isa::kPageMask) ? &entry : find_fetch_entry(pc);
}

template <class Timing>
[[gnu::noinline]] FetchEntry* Engine<Timing>::find_fetch_entry(std::uint64_t pc) {
  FetchEntry& entry = fetch_->fetch[LevelZero::index(pc)];
  const std::uint64_t page = pc & ~isa::kPageMask;
  const auto translation = translate(pc, isa::Access::fetch, 2, fetch_->space);
  if (!translation) {
    raise_fault(
        {PendingFault::Kind::translation, isa::Access::fetch, pc, fetch_->space, translation.error()});
    return nullptr;
  }
  const isa::Hpa physical{translation->address.value & ~isa::kPageMask};
  const std::uint8_t* host = memory_.host_readable(physical, isa::kPageBytes);
  const bool allowed =
      pmp_.page_is_uniform(physical)
          ? pmp_.allows(physical, 2, isa::Access::fetch, fetch_->space.privilege)
          : pmp_.allows(physical + (pc & isa::kPageMask), 2, isa::Access::fetch, fetch_->space.privilege);
  if (host == nullptr || !allowed) {
    access_fault(isa::Access::fetch, pc, fetch_->space, physical + (pc & isa::kPageMask));
    return nullptr;
  }
  fetch_->fills(LevelZero::index(pc));
  entry = {page, host, kAllPresent.data(), physical, &store_.page(physical)};
  if constexpr (Timing::timed) {
    if (memory_.is_ram(physical, isa::kPageBytes))
      entry.presence = timing_.caches->fetchable_words(timing_.hart) +
                       timing_.caches->presence().word(physical.value - memory_.ram_base().value);
  }
  if (!pmp_.page_is_uniform(physical)) {  // the next fetch from this page must ask again
    uncached_fetch_ = entry;
    entry = {};
    return &uncached_fetch_;
  }
  return &entry;
}

// A jump that knows no successor mostly goes where there is a block already.
template <class Timing>
inline Block* Engine<Timing>::find_block() {
  const std::uint64_t pc = state.pc;
  const FetchEntry& entry = fetch_->fetch[LevelZero::index(pc)];
  if (entry.page == (pc & ~isa::kPageMask) && !store_.full()) [[likely]]
    if (Block* const known = entry.code->blocks[(pc & isa::kPageMask) >> 1]) return known;
  return make_block();
}

template <class Timing>
[[gnu::noinline]] Block* Engine<Timing>::make_block() {
  const std::uint64_t pc = state.pc;
  if (store_.full()) {
    store_.clear();
    level_zero_.clear();
    select_spaces();
    link_ = nullptr;
  }
  FetchEntry* entry = fetch_entry(pc);
  if (entry == nullptr) return nullptr;
  const std::uint64_t offset = pc & isa::kPageMask;
  if (entry == &uncached_fetch_) return decode_protected(*entry, pc);
  Block*& slot = entry->code->blocks[offset >> 1];
  if (slot == nullptr) {
    if (offset == isa::kPageBytes - 2 && !is_compressed(entry->host[offset]))
      return decode_straddling(*entry, pc);
    slot = &store_.new_block();
    refresh_block(*slot, *entry, offset);
  }
  return slot;
}

template <class Timing>
Block* Engine<Timing>::current_block(Block* block) {
  if (at_breakpoint()) return nullptr;
  if (block->stamp != stamp_ && block != &scratch_) {
    FetchEntry* entry = fetch_entry(state.pc);
    if (entry == nullptr) return nullptr;
    const std::uint64_t offset = state.pc & isa::kPageMask;
    if (still_matches(*block, entry->host + offset)) {
      block->stamp = stamp_at(offset);
      note_block(block->storage);
    } else {
      refresh_block(*block, *entry, offset);
      if (block->count == 0) return decode_straddling(*entry, state.pc);
    }
  }
  if (block->uses_float && !float_on_) {  // rare: decoded once more, its F and D instructions illegal
    FetchEntry* entry = fetch_entry(state.pc);
    if (entry == nullptr) return nullptr;
    const std::uint64_t offset = state.pc & isa::kPageMask;
    return use_scratch(decode_ops(entry->host + offset, offset, false), offset);
  }
  return block;
}

template <class Timing>
void Engine<Timing>::refresh_block(Block& block, const FetchEntry& entry, std::uint64_t page_offset) {
  auto ops = decode_ops(entry.host + page_offset, page_offset, true);
  store_.fill(block, {});
  block = {};
  if (ops.empty()) return;  // the first instruction crosses the page; decode_straddling() has it
  block.stamp = stamp_at(page_offset);
  measure(block, ops, page_offset);
  store_.fill(block, std::move(ops));
  ++counters_.blocks_decoded;
}

template <class Timing>
Block* Engine<Timing>::use_scratch(std::vector<Op> ops, std::uint64_t page_offset) {
  scratch_ = {};
  scratch_.storage = std::move(ops);
  scratch_.ops = scratch_.storage.data();
  measure(scratch_, scratch_.storage, page_offset);
  scratch_.uses_float = false;  // whatever FS is, this is how it decodes now
  return &scratch_;
}

template <class Timing>
Handler Engine<Timing>::handler_for(Id id, std::uint64_t page_offset) const {
  const Class klass = instruction(id).klass;
  const bool watched = (config_.observer != nullptr && config_.observer->steps()) || observed_.everything ||
                       (observed_.accesses && accesses_memory(klass)) ||
                       (observed_.marks && klass == Class::mark) || observed_.offsets[page_offset >> 1];
  return watched ? &run_watched<Engine> : handler_of<Engine>(id);
}

// The block may be running: its ops stay where they are.
template <class Timing>
void Engine<Timing>::choose_handlers(Block& block) const {
  for (Op& op : block.storage)
    if (op.run != end_of_block_handler<Engine>()) op.run = handler_for(op.id, block.page_offset + op.offset);
}

template <class Timing>
void Engine<Timing>::observe(const ObservedCode& code) {
  if (observed_ == code) return;
  observed_ = code;
  store_.for_each([this](Block& block) { choose_handlers(block); });
  choose_handlers(scratch_);
}

// One instruction whose second half lies in the next page, which may translate quite differently.
template <class Timing>
Block* Engine<Timing>::decode_straddling(const FetchEntry& entry, std::uint64_t pc) {
  std::uint16_t low, high;
  std::memcpy(&low, entry.host + (isa::kPageBytes - 2), 2);
  FetchEntry* next = fetch_entry(pc + 2);
  if (next == nullptr) return nullptr;
  std::memcpy(&high, next->host, 2);
  const std::uint32_t raw = static_cast<std::uint32_t>(low) | static_cast<std::uint32_t>(high) << 16;
  return decode_alone(raw, isa::kPageBytes - 2);
}

// One instruction of a page that PMP divides: no block that runs on, and no link, may step over a boundary.
// Its first half has been allowed.
template <class Timing>
Block* Engine<Timing>::decode_protected(const FetchEntry& entry, std::uint64_t pc) {
  const std::uint64_t offset = pc & isa::kPageMask;
  std::uint32_t raw = 0;
  std::memcpy(&raw, entry.host + offset, 2);
  if (is_compressed(raw)) return decode_alone(raw, offset);
  if (offset == isa::kPageBytes - 2) return decode_straddling(entry, pc);
  const isa::Hpa second = entry.physical + offset + 2;
  if (!pmp_.allows(second, 2, isa::Access::fetch, fetch_->space.privilege)) {
    access_fault(isa::Access::fetch, pc + 2, fetch_->space, second);
    return nullptr;
  }
  std::memcpy(&raw, entry.host + offset, 4);
  return decode_alone(raw, offset);
}

template <class Timing>
Block* Engine<Timing>::decode_alone(std::uint32_t raw, std::uint64_t page_offset) {
  Op op = decode(raw, {.float_enabled = float_on_, .isa = config_.isa});
  op.run = handler_for(op.id, page_offset);
  std::vector<Op> ops{op, Op{}};
  ops[1].run = end_of_block_handler<Engine>();
  ops[1].offset = op.length;
  timing_.schedule_block(std::span(ops).first(1), page_offset);
  return use_scratch(std::move(ops), page_offset);
}

// Decodes up to the first instruction that may change the flow, the end of the page, the end of what one
// presence word can tell of, or kMaxBlockOps. The last op of the vector ends the block.
template <class Timing>
std::vector<Op> Engine<Timing>::decode_ops(const std::uint8_t* code, std::uint64_t page_offset,
                                           bool float_enabled) const {
  std::uint64_t region_bytes = isa::kPageBytes;
  if constexpr (Timing::timed)
    region_bytes = std::min<std::uint64_t>(isa::kPageBytes, std::uint64_t{64} << line_shift_);
  const std::uint64_t room = region_bytes - page_offset % region_bytes;
  const std::uint64_t in_page = isa::kPageBytes - page_offset;
  std::vector<Op> ops;
  std::uint64_t at = 0;
  while (ops.size() < kMaxBlockOps && at < room && at + 2 <= in_page) {
    if (at != 0 && cuts_before(page_offset + at)) break;
    std::uint32_t raw = 0;
    std::memcpy(&raw, code + at, 2);
    if (!is_compressed(raw)) {
      if (at + 4 > in_page) break;
      std::memcpy(&raw, code + at, 4);
    }
    Op op = decode(raw, {.float_enabled = float_enabled, .isa = config_.isa});
    op.offset = static_cast<std::uint16_t>(at);
    op.run = handler_for(op.id, page_offset + at);
    const Class klass = instruction(op.id).klass;
    if (klass == Class::branch || klass == Class::jump) {
      const auto target = static_cast<std::int64_t>(page_offset + at) + op.imm;
      op.rs3 = target >= 0 && target < static_cast<std::int64_t>(isa::kPageBytes) ? kTakenInPage : 0;
    }
    at += op.length;
    if (page_offset + at < isa::kPageBytes && ends_block(klass)) op.rs3 |= kFallThroughInPage;
    ops.push_back(op);
    if (ends_block(klass) || cuts_after(klass)) break;
  }
  if (ops.empty()) return ops;
  timing_.schedule_block(ops, page_offset);
  if (!ends_block(instruction(ops.back().id).klass)) {
    Op end{};
    end.run = end_of_block_handler<Engine>();
    end.offset = static_cast<std::uint16_t>(at);
    end.rs3 = page_offset + at < isa::kPageBytes ? kFallThroughInPage : 0;
    ops.push_back(end);
  }
  return ops;
}

// What the run loop wants to know of a block without looking at its ops.
template <class Timing>
void Engine<Timing>::measure(Block& block, std::span<Op> ops, std::uint64_t page_offset) const {
  note_block(ops);
  block.page_offset = static_cast<std::uint16_t>(page_offset);
  for (const Op& op : ops) {
    if (op.run == end_of_block_handler<Engine>()) break;
    const Class klass = instruction(op.id).klass;
    block.float_count = static_cast<std::uint16_t>(block.float_count + is_float_class(klass));
    block.data_accesses = static_cast<std::uint16_t>(block.data_accesses + accesses_memory(klass));
    block.uses_float |= is_float_op(op);
    block.bytes = static_cast<std::uint16_t>(op.offset + op.length);
    ++block.count;
  }
  const std::uint64_t first = page_offset >> line_shift_;
  const std::uint64_t last =
      std::min<std::uint64_t>(page_offset + block.bytes - 1, isa::kPageMask) >> line_shift_;
  block.lines = static_cast<std::uint16_t>(last - first + 1);
  block.line_word = static_cast<std::uint16_t>(first >> 6);
  for (std::uint64_t line = first; line <= last && (line >> 6) == (first >> 6); ++line)
    block.line_mask |= std::uint64_t{1} << (line & 63);
}

template <class Timing>
bool Engine<Timing>::still_matches(const Block& block, const std::uint8_t* code) {
  if (block.count == 0) return false;
  // By halfwords, of which those of a compressed instruction are one: nearly always all of them match, so
  // that nothing is decided before the end.
  std::uint32_t differs = 0;
  for (const Op& op : std::span(block.ops, block.count)) {
    const unsigned second = op.length - 2u;
    std::uint16_t low, high;
    std::memcpy(&low, code + op.offset, 2);
    std::memcpy(&high, code + op.offset + second, 2);
    differs |= (low ^ op.raw) | (high ^ op.raw >> 8 * second);
  }
  return (differs & 0xFFFF) == 0;
}

// L1I lines of the block that are not there yet.
template <class Timing>
void Engine<Timing>::fetch_lines(const Block& block, const FetchEntry& entry) {
  if constexpr (Timing::timed) {
    const std::uint64_t missing = block.line_mask & ~entry.presence[block.line_word];
    for (std::uint64_t bits = missing; bits != 0; bits &= bits - 1) {
      const auto line = static_cast<std::uint64_t>(std::countr_zero(bits)) + block.line_word * 64u;
      const isa::Cycles at = time_of(mmu::TlbHierarchy::Side::fetch);
      const auto done = ask_caches(mem::Hierarchy::Kind::fetch, entry.physical + (line << line_shift_), at);
      ++timing_.fetch_lines_seen;
      spend_on(mmu::TlbHierarchy::Side::fetch, Component::icache, done.ready - at);
    }
  } else {
    (void)block, (void)entry;
  }
}

}  // namespace hvsim::cpu
