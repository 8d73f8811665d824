// Queues in guest memory (delivery `dlh_ring` and `polling`): a ring per VCPU that the guest fills without a
// trap. Their calls are taken over into the VM's own queue, copied once and checked there; a guest that lies
// or writes on while we read changes nothing but its own calls.
#include <algorithm>
#include <cstddef>

#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;

constexpr std::uint64_t kPiece = 16;  // calls copied at once, to spare the stack
constexpr std::uint64_t kEntriesPerPage = kPageBytes / sizeof(abi::RingEntry);
static_assert(kMaxVcpusPerVm <= abi::kMaxRings && kEntriesPerPage * kMaxRingPages == kMaxQueueCapacity);

Hpa indices(const Vm& vm, unsigned ring) {
  return vm.shared_page + offsetof(abi::SharedPage, rings) + ring * sizeof(abi::RingIndices);
}

Hpa entry(const Vm& vm, unsigned ring, std::uint64_t number) {
  const std::uint64_t place = number % vm.rings.capacity;
  return vm.rings.pages[ring * vm.rings.pages_each + place / kEntriesPerPage] +
         place % kEntriesPerPage * sizeof(abi::RingEntry);
}

std::uint64_t read_tail(Arch& arch, const Vm& vm, unsigned ring) {
  arch.charge(Work::ring_look, 1);
  return arch.read_word(indices(vm, ring) + offsetof(abi::RingIndices, tail));
}

}  // namespace

unsigned Hypervisor::ring_count(const Vm& vm) { return vm.rings.capacity == 0 ? 0 : vm.vcpus; }

// A look without the right to drain: it may find what has run meanwhile, but misses nothing that was queued
// before. Another hart may be taking over calls from a ring: whoever finds them gone from there looks for
// them in the queue, where they are before they are gone.
bool Hypervisor::something_waits(Arch& arch, Vm& vm) {
  if (vm.queue.size() != 0) return true;
  for (unsigned ring = 0; ring < ring_count(vm); ++ring)
    if (read_tail(arch, vm, ring) != load_acquire(vm.rings.heads[ring])) return true;
  return ring_count(vm) != 0 && vm.queue.size() != 0;
}

// Calls in a ring. No guest in its right mind lets `tail` run back or ahead by more than the capacity; then
// the ring counts as empty. For the holder of the drain, as all that follows.
std::uint64_t Hypervisor::ring_pending(Arch& arch, Vm& vm, unsigned ring) {
  const std::uint64_t tail = read_tail(arch, vm, ring);
  const std::uint64_t pending = tail - vm.rings.heads[ring];
  if (pending <= vm.rings.capacity) return pending;
  note(arch, vm, vm.statistics.ring_errors, DeliveryEvent::ring_error, 0);
  store_release(vm.rings.heads[ring], tail);
  publish_ring(arch, vm, ring);
  return 0;
}

// How much of the ring is taken over, and from where on we want to be told: in the style of virtio's
// EVENT_IDX, so that entries that happen anyway make traps unnecessary.
void Hypervisor::publish_ring(Arch& arch, Vm& vm, unsigned ring) {
  const std::uint64_t head = vm.rings.heads[ring];
  const std::uint64_t never = head + (~std::uint64_t{0} >> 1);
  const bool wanted = settings_.delivery == abi::Delivery::dlh_ring;
  const Hpa at = indices(vm, ring);
  arch.write_word(at + offsetof(abi::RingIndices, notify),
                  wanted ? head + settings_.calls_per_notification - 1 : never);
  arch.write_word(at + offsetof(abi::RingIndices, head), head);
}

// As many as the queue has room for, `most` at most.
std::uint64_t Hypervisor::take_from_ring(Arch& arch, Vm& vm, unsigned ring, std::uint64_t most) {
  abi::Notification calls[kPiece];
  const std::uint64_t head = vm.rings.heads[ring];
  std::uint64_t taken = 0, depth = 0;
  while (taken < most) {
    const std::uint64_t piece = std::min({kPiece, most - taken, vm.queue.room()});
    if (piece == 0) break;
    for (std::uint64_t i = 0; i < piece; ++i) {
      arch.copy_in(&calls[i], entry(vm, ring, head + taken + i), sizeof calls[i]);
      if (!may_be_deferred(vm, calls[i])) refuse(calls[i]);
    }
    std::span<const abi::Notification> rest{calls, piece};
    depth = vm.queue.push(arch, vm.id, rest);
    arch.charge(Work::ring_entry, piece - rest.size());
    taken += piece - rest.size();
    if (!rest.empty()) break;  // another VCPU was faster; these are read again later
  }
  if (taken == 0) return 0;
  arch.charge(Work::ring_update, 1);
  vm.count(vm.statistics.queued, taken);
  vm.count(vm.statistics.from_rings, taken);
  note_depth(arch, vm, depth);
  store_release(vm.rings.heads[ring], head + taken);
  publish_ring(arch, vm, ring);
  return taken;
}

// A call that may not be deferred keeps its place, and fails when it is its turn.
void Hypervisor::refuse(abi::Notification& call) {
  call.call = ~std::uint32_t{0};
  call.completion = abi::completion_slot(call.completion);
}

// False: something remains in a ring.
bool Hypervisor::take_from_rings(Arch& arch, Vm& vm) {
  bool all = true;
  for (unsigned ring = 0; ring < ring_count(vm); ++ring) {
    const std::uint64_t pending = ring_pending(arch, vm, ring);
    if (pending != 0) all &= take_from_ring(arch, vm, ring, pending) == pending;
  }
  return all;
}

// The guest asks for a look: because we wanted to be told, or because its ring is full. The drain before the
// entry that follows does the rest; a full ring is emptied here, whatever the delivery.
Hypervisor::Answer Hypervisor::kick(Arch& arch, Vcpu& vcpu, Vm& vm) {
  if (vcpu.number >= ring_count(vm)) return reject(vm, abi::kErrorNotSupported);
  if (!vcpu.drain.begun && !look_at_kick(arch, vcpu, vm)) return {};
  const Drained drained = drain_all(arch, vm, vcpu.drain, Patience::while_its_turn);
  return {.verdict = drained == Drained::not_all ? Verdict::unfinished : Verdict::resume};
}

// Whether the ring is full.
bool Hypervisor::look_at_kick(Arch& arch, const Vcpu& vcpu, Vm& vm) {
  const std::uint64_t pending = read_tail(arch, vm, vcpu.number) - load_relaxed(vm.rings.heads[vcpu.number]);
  note(arch, vm, vm.statistics.notifications, DeliveryEvent::notification,
       std::min<std::uint64_t>(pending, vm.rings.capacity));
  vm.count(vm.statistics.hypercalls[static_cast<std::size_t>(abi::Hypercall::ring_kick)]);
  if (pending < vm.rings.capacity) return false;
  note(arch, vm, vm.statistics.overflow_drains, DeliveryEvent::overflow_drain, 0);
  return true;
}

}  // namespace hv
