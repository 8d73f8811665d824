// The engine's memory accesses: level zero first, then TLBs, page walk, RAM or device.
#pragma once

#include <utility>

#include "models/cpu/address_space.h"
#include "models/cpu/engine.h"
#include "models/cpu/engine_remembered.h"
#include "models/cpu/timing_policy.h"
#include "models/cpu/trap.h"

namespace hvsim::cpu {

template <class Timing>
[[gnu::always_inline]] inline void Engine<Timing>::touch_line(const DataEntry& entry, std::uint64_t address,
                                                              bool write) {
  if constexpr (Timing::timed) {
    const std::uint64_t offset = address & isa::kPageMask;
    const std::uint64_t line = offset >> line_shift_;
    note_access(address, entry.physical + offset, write);
    if (((entry.presence[line >> 6] >> (line & 63)) & 1) == 0 || atomic_) [[unlikely]] {
      // What misses in the model's caches misses in the host's too: it comes while the model works.
      __builtin_prefetch(entry.host + offset);
      if (write)
        charge_access<true>(entry.physical + offset);
      else
        charge_access<false>(entry.physical + offset);
    }
  }
}

template <class Timing>
[[gnu::always_inline]] inline void Engine<Timing>::note_access(std::uint64_t address, isa::Hpa physical,
                                                               bool write) {
  if constexpr (Timing::detailed) {
    if (write)
      timing_.pipeline.store_to(physical.value);
    else
      timing_.pipeline.load_from(address);
  } else if constexpr (Timing::timed) {
    if (atomic_) return;
    if (timing_.stores.idle(state.cycle) && !(write && timing_.writes_through)) [[likely]]
      return;
    note_beside_stores(physical, write);
  }
}

// Of an access while stores are on their way, or of a store that goes there.
template <class Timing>
void Engine<Timing>::note_beside_stores(isa::Hpa physical, bool write) {
  if constexpr (Timing::timed) {
    if (write) return queue_store(physical.value, access_time(present_times()));
    if (timing_.late.any()) wait_for_late_results(timing_.present + 1);
    if (timing_.stores.may_conflict(physical.value)) [[unlikely]]
      charge(Component::store_buffer, timing_.stores.conflict(physical.value, access_time(present_times())));
  }
}

template <class Timing>
template <class T>
inline bool Engine<Timing>::load(std::uint64_t address, T& value) {
  const DataEntry& entry = data_->load[LevelZero::index(address)];
  if (entry_hits(entry.page, address, sizeof(T))) [[likely]] {
    touch_line(entry, address, false);
    std::memcpy(&value, entry.host + (address & isa::kPageMask), sizeof(T));
    return true;
  }
  const SlowValue slow = load_beside<T>(address);
  value = static_cast<T>(slow.value);
  return slow.ok;
}

template <class Timing>
template <class T>
inline bool Engine<Timing>::store(std::uint64_t address, T value) {
  const DataEntry& entry = data_->store[LevelZero::index(address)];
  if (entry_hits(entry.page, address, sizeof(T))) [[likely]] {
    touch_line(entry, address, true);
    std::memcpy(entry.host + (address & isa::kPageMask), &value, sizeof(T));
    return true;
  }
  return store_beside<T>(address, value);
}

// Of what touch_line() would have nothing to do for.
template <class Timing>
[[gnu::always_inline]] inline std::uint8_t* Engine<Timing>::usual_place(const DataEntry& entry,
                                                                        std::uint64_t address,
                                                                        bool write) const {
  if constexpr (Timing::timed) {
    const std::uint64_t offset = address & isa::kPageMask, line = offset >> line_shift_;
    if (atomic_ || !timing_.stores.idle(state.cycle) || (write && timing_.writes_through)) return nullptr;
    return (entry.presence[line >> 6] >> (line & 63) & 1) != 0 ? entry.host + offset : nullptr;
  } else {
    return entry.host + (address & isa::kPageMask);
  }
}

template <class Timing>
template <class T>
[[gnu::always_inline]] inline bool Engine<Timing>::load_at_once(std::uint64_t address, T& value) const {
  const DataEntry& entry = data_->load[LevelZero::index(address)];
  if (!entry_hits(entry.page, address, sizeof(T))) return false;
  const std::uint8_t* const from = usual_place(entry, address, false);
  if (from == nullptr) return false;
  std::memcpy(&value, from, sizeof(T));
  return true;
}

template <class Timing>
template <class T>
[[gnu::always_inline]] inline bool Engine<Timing>::store_at_once(std::uint64_t address, T value) {
  const DataEntry& entry = data_->store[LevelZero::index(address)];
  if (!entry_hits(entry.page, address, sizeof(T))) return false;
  std::uint8_t* const to = usual_place(entry, address, true);
  if (to == nullptr) return false;
  std::memcpy(to, &value, sizeof(T));
  return true;
}

// Atomics must be naturally aligned and lie in RAM (PMAs: devices support none).
template <class Timing>
template <class T>
inline std::uint8_t* Engine<Timing>::atomic_place(std::uint64_t address, isa::Access access,
                                                  isa::Hpa* physical) {
  if (address % sizeof(T) != 0) {
    raise_fault({PendingFault::Kind::misaligned, access, address, data_->space});
    return nullptr;
  }
  const Place place = locate(address, sizeof(T), access);
  if (!place.ok) return nullptr;
  if (place.host == nullptr) {
    access_fault(access, address, data_->space, place.physical);
    return nullptr;
  }
  if (physical != nullptr) *physical = place.physical;
  return place.host;
}

template <class Timing>
template <class T, class Update>
inline bool Engine<Timing>::amo(std::uint64_t address, Update update, T& old) {
  std::uint8_t* host = atomic_place<T>(address, isa::Access::store);
  if (host == nullptr) return false;
  T before;
  std::memcpy(&before, host, sizeof(T));
  const T after = update(before);
  std::memcpy(host, &after, sizeof(T));
  old = before;
  return true;
}

template <class Timing>
template <class T>
inline bool Engine<Timing>::load_reserved(std::uint64_t address, T& value) {
  isa::Hpa physical;
  const std::uint8_t* host = atomic_place<T>(address, isa::Access::load, &physical);
  if (host == nullptr) return false;
  T seen;
  std::memcpy(&seen, host, sizeof(T));
  value = seen;
  state.reservation = {true, Reservation::set_of(physical)};
  return true;
}

template <class Timing>
template <class T>
inline bool Engine<Timing>::store_conditional(std::uint64_t address, T value, bool& success) {
  // No SC "shall retire unless it passes memory permission checks", whether it then fails or not
  // (unprivileged manual, "Zalrsc").
  isa::Hpa physical;
  std::uint8_t* host = atomic_place<T>(address, isa::Access::store, &physical);
  if (host == nullptr) return false;
  success = state.reservation == Reservation{true, Reservation::set_of(physical)};
  if (success) std::memcpy(host, &value, sizeof(T));
  state.reservation.valid = false;
  return true;
}

template <class Timing>
template <class T>
inline bool Engine<Timing>::guest_load(std::uint64_t address, isa::Access access, T& value) {
  if (misaligned(address, sizeof(T), access, guest_access_space(state))) return false;
  std::uint64_t result = 0;
  for (unsigned done = 0; done < sizeof(T);) {  // one turn unless it crosses a page
    const std::uint64_t at = address + done;
    const auto bytes = static_cast<unsigned>(
        std::min<std::uint64_t>(sizeof(T) - done, isa::kPageBytes - (at & isa::kPageMask)));
    const Place place = locate_guest(at, bytes, access);
    if (!place.ok) return note_offset(done);
    if (place.host == nullptr) {
      const SlowValue device = device_read(place.physical, bytes, at, access, guest_access_space(state));
      if (!device.ok) return note_offset(done);
      result |= device.value << (8 * done);
    } else {
      std::memcpy(reinterpret_cast<char*>(&result) + done, place.host, bytes);
    }
    done += bytes;
  }
  value = static_cast<T>(result);
  return true;
}

template <class Timing>
template <class T>
inline bool Engine<Timing>::guest_store(std::uint64_t address, T value) {
  if (misaligned(address, sizeof(T), isa::Access::store, guest_access_space(state))) return false;
  const std::uint64_t in_page = isa::kPageBytes - (address & isa::kPageMask);
  const auto first = static_cast<unsigned>(std::min<std::uint64_t>(sizeof(T), in_page));
  const Place low = locate_guest(address, first, isa::Access::store);
  if (!low.ok) return false;
  if (low.host == nullptr)
    return device_write(low.physical, first, static_cast<std::uint64_t>(value), address,
                        guest_access_space(state));
  if (first < sizeof(T)) {  // both pages must be writable before either changes
    const Place high =
        locate_guest(address + first, static_cast<unsigned>(sizeof(T)) - first, isa::Access::store);
    if (!high.ok) return note_offset(first);
    if (high.host == nullptr) {
      access_fault(isa::Access::store, address + first, guest_access_space(state));
      return note_offset(first);
    }
    std::memcpy(high.host, reinterpret_cast<const char*>(&value) + first, sizeof(T) - first);
  }
  std::memcpy(low.host, &value, first);
  return true;
}

}  // namespace hvsim::cpu
