// The slow half of the engine's memory accesses: misses of level zero.
#pragma once

#include "models/cpu/engine_memory.h"
#include "models/cpu/engine_walk.h"

namespace hvsim::cpu {

// Lines outside main RAM (boot ROM) are taken as present.
inline constexpr std::array<std::uint64_t, 4> kAllPresent{~std::uint64_t{0}, ~std::uint64_t{0},
                                                          ~std::uint64_t{0}, ~std::uint64_t{0}};

// Of 1, 2, 4 or 8 bytes, without a call.
inline std::uint64_t load_bytes(const std::uint8_t* from, unsigned bytes) {
  const auto load = [from]<class T>(T value) {
    std::memcpy(&value, from, sizeof value);
    return std::uint64_t{value};
  };
  switch (bytes) {
    case 1:
      return load(std::uint8_t{});
    case 2:
      return load(std::uint16_t{});
    case 4:
      return load(std::uint32_t{});
    default:
      return load(std::uint64_t{});
  }
}
inline void store_bytes(std::uint8_t* to, std::uint64_t value, unsigned bytes) {
  const auto store = [to](auto part) { std::memcpy(to, &part, sizeof part); };
  switch (bytes) {
    case 1:
      return store(static_cast<std::uint8_t>(value));
    case 2:
      return store(static_cast<std::uint16_t>(value));
    case 4:
      return store(static_cast<std::uint32_t>(value));
    default:
      return store(value);
  }
}

// True: the hart leaves misaligned accesses to software, and this is one.
template <class Timing>
bool Engine<Timing>::misaligned(std::uint64_t address, unsigned bytes, isa::Access access,
                                const mmu::AddressSpace& space) {
  if (config_.isa.misaligned == Misaligned::hardware || address % bytes == 0) return false;
  raise_fault({PendingFault::Kind::misaligned, access, address, space});
  return true;
}

// Whether any page of main RAM may enter level zero in the present data space without more ado.
template <class Timing>
bool Engine<Timing>::space_is_plain() const {
  if constexpr (Timing::timed)
    if (timing_.caches->config().l1d.hit_latency != 0)
      return false;  // hits that had to be looked for cost it
  return !data_->translated && config_.observer == nullptr && points_ == nullptr && witness_ == nullptr &&
         pmp_.opens(memory_.ram_base(), memory_.ram_bytes(), data_->space.privilege);
}

// The entry that an aligned access needs, if it is one of those. What locate_in() does, for this case alone.
template <class Timing>
template <bool write>
[[gnu::always_inline]] inline const DataEntry* Engine<Timing>::enter_plain(std::uint64_t address,
                                                                           unsigned bytes) {
  LevelZero& level_zero = *data_;
  if (level_zero.plain != LevelZero::Plain::yes) {
    if (level_zero.plain == LevelZero::Plain::no) return nullptr;
    level_zero.plain = space_is_plain() ? LevelZero::Plain::yes : LevelZero::Plain::no;
    if (level_zero.plain == LevelZero::Plain::no) return nullptr;
  }
  const isa::Hpa page{address & ~isa::kPageMask};
  const std::uint64_t offset = page.value - memory_.ram_base().value;
  if (offset >= memory_.ram_bytes() || (address & (bytes - 1)) != 0) return nullptr;
  if (write && page == mailbox_page_) return nullptr;
  std::uint8_t* const host = memory_.host(page, isa::kPageBytes);
  __builtin_prefetch(host + (address & isa::kPageMask));
  huge_pages_.used(host);
  const unsigned place = LevelZero::index(address);
  level_zero.fills(place);
  DataEntry& entry = (write ? level_zero.store : level_zero.load)[place];
  entry.page = page.value;
  entry.host = host;
  entry.physical = page;
  if constexpr (Timing::timed) {
    const auto* words =
        write ? timing_.caches->writable_words(timing_.hart) : timing_.caches->readable_words(timing_.hart);
    entry.presence = words + timing_.caches->presence().word(offset);
  }
  return &entry;
}

template <class Timing>
template <class T>
[[gnu::noinline]] auto Engine<Timing>::load_beside(std::uint64_t address) -> SlowValue {
  const DataEntry* const entry = enter_plain<false>(address, sizeof(T));
  if (entry == nullptr) return load_slow(address, sizeof(T));
  const std::uint64_t offset = address & isa::kPageMask;
  if constexpr (Timing::detailed) {  // its pipeline hears of what had to be looked for
    note_access(address, entry->physical + offset, false);
    charge_access<false>(entry->physical + offset);
  } else {
    touch_line(*entry, address, false);
  }
  T value;
  std::memcpy(&value, entry->host + offset, sizeof(T));
  return {std::uint64_t{value}, true};
}

template <class Timing>
template <class T>
[[gnu::noinline]] bool Engine<Timing>::store_beside(std::uint64_t address, T value) {
  const DataEntry* const entry = enter_plain<true>(address, sizeof(T));
  if (entry == nullptr) return store_slow(address, sizeof(T), static_cast<std::uint64_t>(value));
  const std::uint64_t offset = address & isa::kPageMask;
  if constexpr (Timing::detailed) {
    note_access(address, entry->physical + offset, true);
    charge_access<true>(entry->physical + offset);
  } else {
    touch_line(*entry, address, true);
  }
  std::memcpy(entry->host + offset, &value, sizeof(T));
  return true;
}

template <class Timing>
auto Engine<Timing>::load_slow(std::uint64_t address, unsigned bytes) -> SlowValue {
  if (misaligned(address, bytes, isa::Access::load, data_->space)) return {0, false};
  if ((address & isa::kPageMask) + bytes > isa::kPageBytes) return load_split(address, bytes);
  const Place place = locate(address, bytes, isa::Access::load);
  if (!place.ok) return {0, false};
  if (place.host == nullptr)
    return device_read(place.physical, bytes, address, isa::Access::load, data_->space);
  return {load_bytes(place.host, bytes), true};
}

template <class Timing>
bool Engine<Timing>::store_slow(std::uint64_t address, unsigned bytes, std::uint64_t value) {
  if (misaligned(address, bytes, isa::Access::store, data_->space)) return false;
  if ((address & isa::kPageMask) + bytes > isa::kPageBytes) return store_split(address, bytes, value);
  const Place place = locate(address, bytes, isa::Access::store);
  if (!place.ok) return false;
  if (place.host == nullptr) return device_write(place.physical, bytes, value, address, data_->space);
  store_bytes(place.host, value, bytes);
  return true;
}

// Accesses that cross a page: both pages are translated before anything happens. Devices take none.
template <class Timing>
auto Engine<Timing>::load_split(std::uint64_t address, unsigned bytes) -> SlowValue {
  const auto first = static_cast<unsigned>(isa::kPageBytes - (address & isa::kPageMask));
  const Place low = locate(address, first, isa::Access::load);
  if (!low.ok) return {0, false};
  const Place high = locate(address + first, bytes - first, isa::Access::load);
  if (!high.ok) return {0, note_offset(first)};
  if (low.host == nullptr) return {0, access_fault(isa::Access::load, address, data_->space)};
  if (high.host == nullptr) {
    access_fault(isa::Access::load, address + first, data_->space);
    return {0, note_offset(first)};
  }
  std::uint64_t value = 0;
  std::memcpy(&value, low.host, first);
  std::memcpy(reinterpret_cast<char*>(&value) + first, high.host, bytes - first);
  return {value, true};
}

template <class Timing>
bool Engine<Timing>::store_split(std::uint64_t address, unsigned bytes, std::uint64_t value) {
  const auto first = static_cast<unsigned>(isa::kPageBytes - (address & isa::kPageMask));
  const Place low = locate(address, first, isa::Access::store);
  if (!low.ok) return false;
  const Place high = locate(address + first, bytes - first, isa::Access::store);
  if (!high.ok) return note_offset(first);
  if (low.host == nullptr) return access_fault(isa::Access::store, address, data_->space);
  if (high.host == nullptr) {
    access_fault(isa::Access::store, address + first, data_->space);
    return note_offset(first);
  }
  std::memcpy(low.host, &value, first);
  std::memcpy(high.host, reinterpret_cast<const char*>(&value) + first, bytes - first);
  return true;
}

template <class Timing>
auto Engine<Timing>::locate(std::uint64_t address, unsigned bytes, isa::Access access) -> Place {
  auto& table = access == isa::Access::store ? data_->store : data_->load;
  const DataEntry& entry = table[LevelZero::index(address)];
  if (entry.page == (address & ~isa::kPageMask)) {
    touch_line(entry, address, access == isa::Access::store);
    const std::uint64_t offset = address & isa::kPageMask;
    return {entry.host + offset, entry.physical + offset, true};
  }
  return locate_in(data_, data_->space, address, bytes, access);
}

template <class Timing>
auto Engine<Timing>::locate_guest(std::uint64_t address, unsigned bytes, isa::Access access) -> Place {
  return locate_in(nullptr, guest_access_space(state), address, bytes, access);
}

// Empty: a fault was raised.
template <class Timing>
std::optional<isa::Hpa> Engine<Timing>::physical_of(std::uint64_t address, unsigned bytes, isa::Access access,
                                                    const mmu::AddressSpace& space) {
  const auto translation = translate(address, access, bytes, space);
  if (!translation) {
    raise_fault({PendingFault::Kind::translation, access, address, space, translation.error()});
    return std::nullopt;
  }
  if (pmp_.allows(translation->address, bytes, access, space.privilege)) return translation->address;
  access_fault(access, address, space, translation->address);
  return std::nullopt;
}

template <class Timing>
auto Engine<Timing>::locate_in(LevelZero* level_zero, const mmu::AddressSpace& space, std::uint64_t address,
                               unsigned bytes, isa::Access access) -> Place {
  isa::Hpa physical{address};
  const bool translated = level_zero != nullptr ? level_zero->translated : mmu::translates(space);
  if (translated || !pmp_.allows(physical, bytes, access, space.privilege)) {
    const auto found = physical_of(address, bytes, access, space);
    if (!found) return {};
    physical = *found;
  } else if (config_.observer != nullptr) [[unlikely]] {
    walked_.reset();
  }
  const bool write = access == isa::Access::store;
  const bool watched = points_ != nullptr || witness_ != nullptr || mailbox_page_;
  if (watched) [[unlikely]]
    if (points_ != nullptr) note_watched(address, bytes, write);
  std::uint8_t* host = memory_.host(physical, bytes);
  if (host == nullptr) {
    // ROM can be read; nothing keeps it in level zero, boot code is short.
    if (!write) host = const_cast<std::uint8_t*>(memory_.host_readable(physical, bytes));
    if (host != nullptr) bypass_l1d();
    return {host, physical, true};
  }
  __builtin_prefetch(host);  // comes while the model works
  huge_pages_.used(host);
  note_access(address, physical, write);
  if (write)
    charge_access<true>(physical);
  else
    charge_access<false>(physical);
  const isa::Hpa page{physical.value & ~isa::kPageMask};
  if (watched) [[unlikely]] {
    if (witness_ != nullptr && write) witness_->about_to_store(host, bytes);
    if (write && page == mailbox_page_) stop();
    if (!may_keep(address, page, write)) level_zero = nullptr;
  }
  if (level_zero != nullptr && pmp_.page_is_uniform(page)) {
    auto& table = write ? level_zero->store : level_zero->load;
    DataEntry& entry = table[LevelZero::index(address)];
    level_zero->fills(LevelZero::index(address));
    entry = {address & ~isa::kPageMask, host - (address & isa::kPageMask), nullptr, page};
    if constexpr (Timing::timed) {
      const auto* words =
          write ? timing_.caches->writable_words(timing_.hart) : timing_.caches->readable_words(timing_.hart);
      entry.presence = words + timing_.caches->presence().word(page.value - memory_.ram_base().value);
    }
  }
  return {host, physical, true};
}

inline constexpr isa::Cycles kStepSlack = 1000;

template <class Timing>
bool Engine<Timing>::must_synchronize() {
  if (!config_.synchronize_devices) return false;
  // Fetching and translating the access may cost cycles after the others have caught up; not many.
  const bool in_step = in_step_ && state.cycle - in_step_since_ <= kStepSlack;
  in_step_ = false;
  if (in_step) return false;
  stop_ = Stop::synchronize;
  return true;
}

template <class Timing>
auto Engine<Timing>::device_read(isa::Hpa address, unsigned bytes, std::uint64_t virtual_address,
                                 isa::Access access, const mmu::AddressSpace& space) -> SlowValue {
  if (must_synchronize()) return {0, false};
  std::uint64_t value = 0;
  ++counters_.device_accesses;
  rare_events_ = true;
  if (address.value % bytes != 0 || !devices_.read(address, bytes, value))
    return {0, access_fault(access, virtual_address, space, address)};
  bypass_l1d();
  if constexpr (Timing::timed)
    spend_on(mmu::TlbHierarchy::Side::data, Component::dcache, timing_.costs.device_access);
  return {value, true};
}

template <class Timing>
bool Engine<Timing>::device_write(isa::Hpa address, unsigned bytes, std::uint64_t value,
                                  std::uint64_t virtual_address, const mmu::AddressSpace& space) {
  if (must_synchronize()) return false;
  ++counters_.device_accesses;
  rare_events_ = true;
  if (address.value % bytes != 0 || !devices_.write(address, bytes, value))
    return access_fault(isa::Access::store, virtual_address, space, address);
  bypass_l1d();
  if constexpr (Timing::timed)
    spend_on(mmu::TlbHierarchy::Side::data, Component::dcache, timing_.costs.device_access);
  deadline_ = 0;  // the write may have raised or cleared an interrupt of this very hart
  return true;
}

// An access that is none of the L1D's business must not count as a hit there.
template <class Timing>
void Engine<Timing>::bypass_l1d() {
  if constexpr (Timing::timed) ++timing_.data_lines_seen;
}

// What the caches make of an access by the present op that they must be asked for.
template <class Timing>
template <bool write>
[[gnu::noinline]] void Engine<Timing>::charge_access(isa::Hpa address) {
  if constexpr (Timing::timed) {
    constexpr auto kKind = write ? mem::Hierarchy::Kind::store : mem::Hierarchy::Kind::load;
    rare_events_ = true;
    ++timing_.data_lines_seen;
    if (atomic_) [[unlikely]]
      return charge_atomic(address);
    if constexpr (Timing::detailed) {
      const isa::Cycles at = timing_.pipeline.access_time();
      timing_.pipeline.miss(timing_.caches->template data<kKind>(timing_.hart, address, at).ready - at);
    } else {
      const OpTimes& times = present_times();
      const isa::Cycles at = access_time(times);
      const isa::Cycles cycles = timing_.caches->template data<kKind>(timing_.hart, address, at).ready - at;
      if (cycles == 0) return;
      if constexpr (write)
        hold_store(address.value, at, cycles);
      else
        load_is_late(times, at, cycles + timing_.stores.read_stall(at, cycles));
    }
  } else {
    (void)address;
  }
}

template <class Timing>
void Engine<Timing>::charge_atomic(isa::Hpa address) {
  if constexpr (Timing::timed) {
    atomic_ = false;
    isa::Cycles at = 0;
    if constexpr (Timing::detailed)
      at = timing_.pipeline.access_time();
    else
      at = access_time(present_times());
    const isa::Cycles cycles = ask_caches(mem::Hierarchy::Kind::atomic, address, at).ready - at;
    if constexpr (Timing::detailed)
      timing_.pipeline.miss(cycles);
    else
      charge(Component::dcache, cycles);
  } else {
    (void)address;
  }
}

template <class Timing>
isa::Trap Engine<Timing>::trap_of(const PendingFault& fault, std::uint32_t instruction) {
  const isa::Gva address{fault.address};
  switch (fault.kind) {
    case PendingFault::Kind::access:
      return cpu::access_fault(fault.access, address, fault.space.virtualized, instruction, fault.offset);
    case PendingFault::Kind::misaligned:
      return misaligned_fault(fault.access, address, fault.space.virtualized, instruction);
    default:
      return memory_fault(fault.why, fault.access, address, fault.space, instruction, fault.offset);
  }
}

template <class Timing>
bool Engine<Timing>::raise_fault(const PendingFault& fault) {
  fault_ = fault;
  return raise(trap_of(fault, 0));
}

// The second page of a crossing access failed: the trap says how far into the access that is.
template <class Timing>
bool Engine<Timing>::note_offset(unsigned bytes) {
  if (fault_) fault_->offset = bytes;
  return false;
}

}  // namespace hvsim::cpu
