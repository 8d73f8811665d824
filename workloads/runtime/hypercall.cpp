// The guest's side of hypercall delivery: ecalls, the collecting array and the status slots.
#include "workloads/runtime/hypercall.h"

#include <array>
#include <atomic>

#include "workloads/runtime/csr.h"

namespace guest::hypercall {

namespace {

using hv::abi::Notification;
using hv::abi::SharedPage;
using hv::abi::Status;

using hv::abi::kStatusSlots;

struct State {
  SharedPage* shared = nullptr;
  bool notifies = false;  // delivery by `notify` rather than by one ecall per call
  std::uint32_t batch_limit = 1;
  std::uint32_t collected = 0;
  std::uint32_t next_slot = 1;
  std::uint64_t issued = 0, failed = 0;
  alignas(64) std::array<Notification, hv::abi::kMaxNotifications> batch{};
};
constinit State state;

Status slot_status(std::uint32_t slot) {
  return static_cast<Status>(std::atomic_ref{state.shared->status[slot]}.load(std::memory_order_acquire));
}

void set_slot_status(std::uint32_t slot, Status status) {
  std::atomic_ref{state.shared->status[slot]}.store(static_cast<std::uint32_t>(status),
                                                    std::memory_order_release);
}

// A failure is counted once: its slot becomes idle again.
void collect_failure(std::uint32_t slot) {
  if (slot_status(slot) != Status::failed) return;
  ++state.failed;
  set_slot_status(slot, Status::idle);
}

// The next slot in turn, or 0 while the call that had it last is still on its way.
std::uint32_t take_slot() {
  const std::uint32_t slot = state.next_slot;
  collect_failure(slot);
  if (slot_status(slot) == Status::queued) return 0;
  state.next_slot = slot + 1 == kStatusSlots ? 1 : slot + 1;
  set_slot_status(slot, Status::queued);
  return slot;
}

Answer own_extension(Hypercall call, std::uint64_t a0 = 0, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                     std::uint64_t a3 = 0, std::uint64_t a4 = 0, std::uint64_t a5 = 0) {
  return sbi(hv::abi::kHypercallExtension, static_cast<std::uint64_t>(call), a0, a1, a2, a3, a4, a5);
}

enum class Watch : bool { no, yes };

void hand_over(Hypercall call, Watch watch, const std::array<std::uint64_t, 5>& a) {
  ++state.issued;
  if (!state.notifies) {
    const Answer answer = own_extension(call, a[0], a[1], a[2], a[3], a[4]);
    if (watch == Watch::yes && answer.error != hv::abi::kSuccess) ++state.failed;
    return;
  }
  const std::uint32_t slot = watch == Watch::yes ? take_slot() : 0;
  if (state.batch_limit == 1) {  // the literal form: the trap itself carries the one call
    const Answer answer = own_extension(call, a[0], a[1], a[2], a[3], a[4], slot);
    if (watch == Watch::yes && answer.error != hv::abi::kSuccess) ++state.failed;
    return;
  }
  state.batch[state.collected++] = {static_cast<std::uint32_t>(call), slot, {a[0], a[1], a[2], a[3], a[4]}};
  if (state.collected >= state.batch_limit) flush();
}

}  // namespace

Answer sbi(std::uint64_t extension, std::uint64_t function, std::uint64_t a0, std::uint64_t a1,
           std::uint64_t a2, std::uint64_t a3, std::uint64_t a4, std::uint64_t a5) {
  register std::uint64_t r0 asm("a0") = a0;
  register std::uint64_t r1 asm("a1") = a1;
  register std::uint64_t r2 asm("a2") = a2;
  register std::uint64_t r3 asm("a3") = a3;
  register std::uint64_t r4 asm("a4") = a4;
  register std::uint64_t r5 asm("a5") = a5;
  register std::uint64_t r6 asm("a6") = function;
  register std::uint64_t r7 asm("a7") = extension;
  asm volatile("ecall"
               : "+r"(r0), "+r"(r1)
               : "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r6), "r"(r7)
               : "memory");
  return {static_cast<std::int64_t>(r0), r1};
}

void initialise(const hv::abi::BootInfo& info) {
  state.shared = reinterpret_cast<SharedPage*>(info.shared_page);
  state.notifies = info.delivery != static_cast<std::uint32_t>(hv::abi::Delivery::immediate);
  state.batch_limit = info.calls_per_notification;
  if (state.batch_limit == 0) state.batch_limit = 1;
  if (state.batch_limit > hv::abi::kMaxNotifications) state.batch_limit = hv::abi::kMaxNotifications;
}

Answer call_now(Hypercall call, std::uint64_t a0, std::uint64_t a1) {
  flush();
  return own_extension(call, a0, a1);
}

void defer(Hypercall call, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2, std::uint64_t a3,
           std::uint64_t a4) {
  hand_over(call, Watch::yes, {a0, a1, a2, a3, a4});
}

void defer_unwatched(Hypercall call, std::uint64_t a0, std::uint64_t a1) {
  hand_over(call, Watch::no, {a0, a1, 0, 0, 0});
}

void flush() {
  if (state.collected == 0) return;
  const std::uint32_t count = state.collected;
  state.collected = 0;
  // Addresses are guest-physical: the identity mapping makes them equal to our own.
  const auto batch = reinterpret_cast<std::uint64_t>(state.batch.data());
  if (own_extension(Hypercall::notify, batch, count).error != hv::abi::kSuccess) state.failed += count;
}

Settlement settle() {
  const bool fenced = call_now(Hypercall::dlh_fence).error == hv::abi::kSuccess;
  for (std::uint32_t slot = 1; slot < kStatusSlots; ++slot) collect_failure(slot);
  if (!fenced) ++state.failed;
  const std::uint64_t completed = std::atomic_ref{state.shared->completed}.load(std::memory_order_acquire);
  return {state.issued, completed, state.failed};
}

VmInfo vm_info() {
  const std::uint64_t value = call_now(Hypercall::vm_info).value;
  return {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(value >> 16) & 0xFFFF,
          static_cast<std::uint32_t>(value) & 0xFFFF};
}

hv::abi::SharedPage* shared_page() { return state.shared; }

void power_off(std::uint64_t code) {
  csr_clear<hvsim::isa::csr::sstatus>(hvsim::isa::csr::kSie);
  call_now(Hypercall::power_off, code);
  while (true) wait_for_interrupt();
}

}  // namespace guest::hypercall
