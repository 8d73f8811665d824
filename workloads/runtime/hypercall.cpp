// The guest's side of hypercall delivery: ecalls, the collecting array, the ring and the status slots.
#include "workloads/runtime/hypercall.h"

#include <array>
#include <atomic>

#include "workloads/runtime/csr.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/vcpus.h"

namespace guest::hypercall {

namespace {

using hv::abi::Notification;
using hv::abi::RingEntry;
using hv::abi::RingIndices;
using hv::abi::SharedPage;
using hv::abi::Status;

using hv::abi::kStatusSlots;

enum class Way : std::uint8_t { ecall, notify, ring };

// What one VCPU has on its way: its own ring, batch and status slots, so that VCPUs need no lock between
// them.
struct Lane {
  RingIndices* indices = nullptr;
  RingEntry* ring = nullptr;
  std::uint64_t ring_tail = 0, ring_place = 0;  // our own copies
  std::uint32_t collected = 0;
  std::uint32_t first_slot = 1, end_slot = kStatusSlots, next_slot = 1;
  std::uint64_t issued = 0, failed = 0;
  alignas(64) std::array<Notification, hv::abi::kMaxNotifications> batch{};
};

struct State {
  SharedPage* shared = nullptr;
  Way way = Way::ecall;
  bool answered = true;  // an ecall for a deferrable call tells whether it has succeeded
  std::uint64_t ring_capacity = 0;
  std::uint32_t batch_limit = 1;
  std::array<Lane, vcpus::kMost> lanes{};
};
constinit State state;

Lane& lane() { return state.lanes[vcpus::me()]; }

Status slot_status(std::uint32_t slot) {
  return static_cast<Status>(std::atomic_ref{state.shared->status[slot]}.load(std::memory_order_acquire));
}

void set_slot_status(std::uint32_t slot, Status status) {
  std::atomic_ref{state.shared->status[slot]}.store(static_cast<std::uint32_t>(status),
                                                    std::memory_order_release);
}

// A failure is counted once: its slot becomes idle again.
void collect_failure(Lane& own, std::uint32_t slot) {
  if (slot_status(slot) != Status::failed) return;
  ++own.failed;
  set_slot_status(slot, Status::idle);
}

// The next slot in turn, or 0 while the call that had it last is still on its way.
std::uint32_t take_slot(Lane& own) {
  const std::uint32_t slot = own.next_slot;
  collect_failure(own, slot);
  if (slot_status(slot) == Status::queued) return 0;
  own.next_slot = slot + 1 == own.end_slot ? own.first_slot : slot + 1;
  set_slot_status(slot, Status::queued);
  return slot;
}

Answer own_extension(Hypercall call, std::uint64_t a0 = 0, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                     std::uint64_t a3 = 0, std::uint64_t a4 = 0, std::uint64_t a5 = 0) {
  return sbi(hv::abi::kHypercallExtension, static_cast<std::uint64_t>(call), a0, a1, a2, a3, a4, a5);
}

enum class Watch : bool { no, yes };

void kick() { own_extension(Hypercall::ring_kick); }

void flush(Lane& own) {
  if (own.collected == 0) return;
  const std::uint32_t count = own.collected;
  own.collected = 0;
  // Addresses are guest-physical: the identity mapping makes them equal to our own.
  const auto batch = reinterpret_cast<std::uint64_t>(own.batch.data());
  if (own_extension(Hypercall::notify, batch, count).error != hv::abi::kSuccess) own.failed += count;
}

// One VCPU appends; the hypervisor takes over from `head` on and says in `notify` when it wants to be told.
void append(Lane& own, const Notification& call) {
  std::atomic_ref head{own.indices->head};
  while (own.ring_tail - head.load(std::memory_order_acquire) >= state.ring_capacity) kick();
  own.ring[own.ring_place].call = call;
  own.ring_place = own.ring_place + 1 == state.ring_capacity ? 0 : own.ring_place + 1;
  const std::uint64_t before = own.ring_tail++;
  std::atomic_ref{own.indices->tail}.store(own.ring_tail, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::uint64_t notify = std::atomic_ref{own.indices->notify}.load(std::memory_order_relaxed);
  if (hv::abi::ring_needs_kick(notify, before, own.ring_tail)) kick();
}

void hand_over(Lane& own, Hypercall call, Watch watch, std::uint32_t completion,
               const std::array<std::uint64_t, 5>& a) {
  ++own.issued;
  call_issued();
  const bool watched = watch == Watch::yes && completion == 0;
  if (state.way == Way::ecall) {
    // A status word is of use only if the answer comes before the call has run.
    if (watched && !state.answered) completion = take_slot(own);
    const Answer answer = own_extension(call, a[0], a[1], a[2], a[3], a[4], completion);
    if (watch == Watch::yes && answer.error != hv::abi::kSuccess) ++own.failed;
    return;
  }
  if (watched) completion = take_slot(own);
  const Notification entry{static_cast<std::uint32_t>(call), completion, {a[0], a[1], a[2], a[3], a[4]}};
  if (state.way == Way::ring) return append(own, entry);
  own.batch[own.collected++] = entry;
  if (own.collected >= state.batch_limit) flush(own);
}

Way way_of(hv::abi::Delivery delivery, std::uint32_t batch_limit) {
  using hv::abi::Delivery;
  if (hv::abi::uses_rings(delivery)) return Way::ring;
  const bool alone = delivery == Delivery::immediate || delivery == Delivery::free || batch_limit == 1;
  return alone ? Way::ecall : Way::notify;
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
  state.batch_limit = info.calls_per_notification;
  if (state.batch_limit == 0) state.batch_limit = 1;
  if (state.batch_limit > hv::abi::kMaxNotifications) state.batch_limit = hv::abi::kMaxNotifications;
  const auto delivery = static_cast<hv::abi::Delivery>(info.delivery);
  state.way = way_of(delivery, state.batch_limit);
  state.answered = delivery != hv::abi::Delivery::dlh && delivery != hv::abi::Delivery::softirq;
  state.ring_capacity = info.ring_capacity;
  const unsigned lanes = vcpus::count();
  const std::uint32_t slots = (kStatusSlots - 1) / lanes;  // slot 0 is nobody's
  for (std::uint32_t i = 0; i < lanes; ++i) {
    Lane& each = state.lanes[i];
    each.first_slot = each.next_slot = 1 + i * slots;
    each.end_slot = each.first_slot + slots;
    each.indices = &state.shared->rings[i];
    each.ring = reinterpret_cast<RingEntry*>(info.rings + i * info.ring_stride);
    each.ring_tail = each.indices->tail;
    if (state.ring_capacity != 0) each.ring_place = each.ring_tail % state.ring_capacity;
  }
}

Answer call_now(Hypercall call, std::uint64_t a0, std::uint64_t a1) {
  flush();
  return own_extension(call, a0, a1);
}

void defer(Hypercall call, std::uint64_t a0, std::uint64_t a1, std::uint64_t a2, std::uint64_t a3,
           std::uint64_t a4) {
  hand_over(lane(), call, Watch::yes, 0, {a0, a1, a2, a3, a4});
}

void defer_unwatched(Hypercall call, std::uint64_t a0, std::uint64_t a1) {
  hand_over(lane(), call, Watch::no, 0, {a0, a1, 0, 0, 0});
}

bool defer_with_interrupt(Hypercall call, std::uint64_t a0, std::uint64_t a1) {
  Lane& own = lane();
  const std::uint32_t slot = take_slot(own);
  if (slot == 0) return false;
  hand_over(own, call, Watch::yes, hv::abi::completion_with_interrupt(slot, vcpus::me()), {a0, a1, 0, 0, 0});
  return true;
}

void flush() { flush(lane()); }

Settlement settle() {
  Lane& own = lane();
  const bool fenced = call_now(Hypercall::dlh_fence).error == hv::abi::kSuccess;
  for (std::uint32_t slot = 1; slot < kStatusSlots; ++slot) collect_failure(own, slot);
  if (!fenced) ++own.failed;
  const std::uint64_t completed = std::atomic_ref{state.shared->completed}.load(std::memory_order_acquire);
  Settlement sum{0, completed, 0};
  for (const Lane& each : state.lanes) sum.issued += each.issued, sum.failed += each.failed;
  return sum;
}

std::uint64_t issued() {
  std::uint64_t sum = 0;
  for (const Lane& each : state.lanes) sum += each.issued;
  return sum;
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
