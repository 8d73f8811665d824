// An engine in checkpoints. Decoded code is kept as the bytes that it was decoded from, which memory may no
// longer hold; what level zero holds, as addresses.
#pragma once

#include <map>

#include "models/cpu/engine_run.h"
#include "models/cpu/persist.h"
#include "models/mmu/persist.h"

namespace hvsim::cpu {

template <class Timing>
void Engine<Timing>::persist_state(state::Archive& archive) {
  archive(state_storage_);
}

template <class Timing>
void Engine<Timing>::persist_counts(state::Archive& archive) {
  archive(counters_, accountant_, interrupt_times_, walks_);
}

template <class Timing>
void Engine<Timing>::persist_model(state::Archive& archive) {
  if (archive.loading()) update_pmp();
  archive(timing_, stop_, float_on_, atomic_, respace_);
  persist_blocks(archive);
  persist_level_zero(archive);
  rare_events_ = true;
  if (archive.loading()) use_row();
}

template <class Timing>
void Engine<Timing>::begin_anew() {
  if constexpr (Timing::detailed) timing_.pipeline.shift(state.cycle - timing_.pipeline.committed());
  state.events = count_events();
  restart_event_counters(state);
  state_changed();
}

template <class Timing>
void Engine<Timing>::persist_blocks(state::Archive& archive) {
  auto& pages = store_.pages();
  if (archive.loading()) store_.clear();
  std::map<std::uint64_t, CodePage*> sorted;
  for (auto& [number, page] : pages) sorted[number] = page.get();
  auto next = sorted.begin();
  const std::uint64_t count = archive.length(sorted.size());
  for (std::uint64_t i = 0; i < count && !archive.failed(); ++i) {
    std::uint64_t number = archive.saving() ? next->first : 0;
    archive(number);
    CodePage& page = archive.saving() ? *(next++)->second : store_.page(isa::Hpa{number << isa::kPageShift});
    constexpr auto places = static_cast<std::uint16_t>(std::tuple_size_v<decltype(page.blocks)>);
    for (std::uint16_t place = 0; place < places && !archive.failed(); ++place) {
      const std::uint16_t least = place;  // the next one where there is a block, or the end
      while (archive.saving() && place < places && page.blocks[place] == nullptr) ++place;
      archive(place);
      if (!archive.require(place >= least && place <= places, "has code in no order") || place == places)
        break;
      persist_block(archive, page.blocks[place], place);
    }
    // Ways on to blocks of the same page, which all are there now.
    for (Block* block : page.blocks) {
      if (block == nullptr) continue;
      for (Block** link : {&block->taken, &block->fall_through}) {
        auto place = static_cast<std::uint16_t>(std::ranges::find(page.blocks, *link) - page.blocks.begin());
        if (*link == nullptr) place = places;
        archive(place);
        if (archive.loading()) *link = place < places ? page.blocks[place] : nullptr;
      }
    }
  }
}

template <class Timing>
void Engine<Timing>::persist_block(state::Archive& archive, Block*& block, unsigned place) {
  if (archive.loading()) block = &store_.new_block();
  bool current = block->stamp == stamp_;
  std::uint16_t count = block->count, bytes = block->bytes;
  archive(current, count, bytes);
  const std::uint64_t offset = std::uint64_t{place} * 2;
  if (!archive.require(offset + bytes <= isa::kPageBytes, "has code that crosses a page") || count == 0)
    return;
  // What follows is no 16-bit instruction, so that none is decoded from half of a longer one.
  std::array<std::uint8_t, isa::kPageBytes> code;
  code.fill(0xFF);
  for (unsigned i = 0; archive.saving() && i < count; ++i)
    std::memcpy(code.data() + offset + block->ops[i].offset, &block->ops[i].raw, block->ops[i].length);
  archive.bytes(std::span(code).subspan(offset, bytes));
  if (!archive.loading()) return;
  auto ops = decode_ops(code.data() + offset, offset, true);
  if (!archive.require(!ops.empty(), "has code that is none")) return;
  measure(*block, ops, offset);
  store_.fill(*block, std::move(ops));
  archive.require(block->count == count && block->bytes == bytes, "has code that is cut otherwise");
  block->stamp = current ? stamp_ : stamp_ - 1;
}

template <class Timing>
void Engine<Timing>::persist_level_zero(state::Archive& archive) {
  const auto slots = level_zero_.slots();
  auto data = static_cast<std::uint8_t>(data_ - slots.data());
  auto fetch = static_cast<std::uint8_t>(fetch_ - slots.data());
  auto next = static_cast<std::uint8_t>(level_zero_.next());
  for (std::uint8_t* number : {&data, &fetch, &next}) archive.below(*number, slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    LevelZero& slot = slots[i];
    auto held = level_zero_.held(i);
    archive(held.used, held.current, slot.space);
    if (archive.loading()) {
      slot.clear();
      level_zero_.hold(i, held);
    }
    if (!held.current) continue;
    persist_entries(archive, slot.load, false);
    persist_entries(archive, slot.store, true);
    persist_entries(archive, slot.fetch, false);
    if (archive.loading())
      for (unsigned place = 0; place < kLevelZeroEntries; ++place) slot.fills(place);
  }
  data_ = &slots[data];
  fetch_ = &slots[fetch];
  level_zero_.next() = next;
}

template <class Timing>
template <class Entry>
void Engine<Timing>::persist_entries(state::Archive& archive, std::array<Entry, kLevelZeroEntries>& entries,
                                     bool write) {
  for (std::uint16_t place = 0; place < kLevelZeroEntries && !archive.failed(); ++place) {
    const std::uint16_t least = place;
    while (archive.saving() && place < kLevelZeroEntries && entries[place].page == kNoPage) ++place;
    archive(place);
    if (!archive.require(place >= least && place <= kLevelZeroEntries, "has translations in no order") ||
        place == kLevelZeroEntries)
      return;
    Entry& entry = entries[place];
    archive(entry.page, entry.physical);
    if (!archive.loading()) continue;
    point(entry, write);
    archive.require(entry.host != nullptr && LevelZero::index(entry.page) == place &&
                        ((entry.page | entry.physical.value) & isa::kPageMask) == 0,
                    "has translations to nowhere");
  }
}

template <class Timing>
void Engine<Timing>::point(DataEntry& entry, bool write) {
  entry.host = memory_.host(entry.physical, isa::kPageBytes);
  if constexpr (Timing::timed) {
    if (!memory_.ram().contains(entry.physical)) entry.host = nullptr;
    if (entry.host == nullptr) return;
    const auto* words =
        write ? timing_.caches->writable_words(timing_.hart) : timing_.caches->readable_words(timing_.hart);
    entry.presence = words + timing_.caches->presence().word(entry.physical.value - memory_.ram_base().value);
  } else {
    (void)write;
  }
}

template <class Timing>
void Engine<Timing>::point(FetchEntry& entry, bool) {
  entry.host = memory_.host_readable(entry.physical, isa::kPageBytes);
  entry.presence = kAllPresent.data();
  if constexpr (Timing::timed)
    if (memory_.ram().contains(entry.physical))
      entry.presence = timing_.caches->fetchable_words(timing_.hart) +
                       timing_.caches->presence().word(entry.physical.value - memory_.ram_base().value);
  if (entry.host != nullptr) entry.code = &store_.page(entry.physical);
}

}  // namespace hvsim::cpu
