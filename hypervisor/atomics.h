// The few atomic accesses to plain state that several harts share (state stays plain data, so it can be
// copied).
#pragma once

#include <atomic>
#include <cstdint>

namespace hv {

template <class T>
T load_acquire(const T& from) {
  return std::atomic_ref<T>(const_cast<T&>(from)).load(std::memory_order_acquire);
}
template <class T>
T load_relaxed(const T& from) {  // for a look before exchange(), or by the only writer
  return std::atomic_ref<T>(const_cast<T&>(from)).load(std::memory_order_relaxed);
}
template <class T>
void store_release(T& to, T value) {
  std::atomic_ref<T>(to).store(value, std::memory_order_release);
}
template <class T>
T exchange(T& at, T value) {
  return std::atomic_ref<T>(at).exchange(value, std::memory_order_acq_rel);
}
template <class T>
void add_bits(T& to, T bits) {
  std::atomic_ref<T>(to).fetch_or(bits, std::memory_order_acq_rel);
}
template <class T>
void remove_bits(T& from, T bits) {
  std::atomic_ref<T>(from).fetch_and(static_cast<T>(~bits), std::memory_order_acq_rel);
}
template <class T>
T add(T& to, T amount) {  // the new value; no ordering
  return std::atomic_ref<T>(to).fetch_add(amount, std::memory_order_relaxed) + amount;
}

// What was read before stays before, what is written afterwards stays behind.
inline void order() { std::atomic_thread_fence(std::memory_order_acq_rel); }
// The same, and what was written before is seen by others before anything is read behind it.
inline void order_all() { std::atomic_thread_fence(std::memory_order_seq_cst); }

}  // namespace hv
