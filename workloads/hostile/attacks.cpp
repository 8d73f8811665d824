// What all attacks have in common, and the one on rings.
#include "workloads/hostile/attacks.h"

#include <atomic>

#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/vcpus.h"

namespace hostile {

namespace {

constinit workload::Prng draws{1};
constinit std::uint64_t wrong_answers = 0;
constinit std::atomic<bool> ring_in_play{false};

constexpr unsigned kRing = 1;  // our own deferred calls use ring 0

void scribble(workload::Prng& own) {
  const hv::abi::BootInfo& info = guest::boot_information();
  auto* const entries = reinterpret_cast<std::uint64_t*>(info.rings + kRing * info.ring_stride);
  auto* const indices = reinterpret_cast<std::uint64_t*>(&guest::hypercall::shared_page()->rings[kRing]);
  const std::uint64_t word = own.next();
  std::atomic_ref{entries[own.below(info.ring_stride / 8)]}.store(own.below(3) == 0 ? word % 32 : word,
                                                                  std::memory_order_relaxed);
  std::atomic_ref index{indices[own.below(16)]};
  index.store(own.below(5) == 0 ? word : index.load(std::memory_order_relaxed) + word % 9,
              std::memory_order_relaxed);
}

}  // namespace

workload::Prng& prng() { return draws; }
void expect(bool good) { wrong_answers += good ? 0 : 1; }
std::uint64_t surprises() { return wrong_answers; }

void rewrite_ring(workload::Prng& own) {
  if (ring_in_play.load(std::memory_order_relaxed)) scribble(own);
}

void rings() {
  using guest::hypercall::Hypercall, guest::hypercall::call_now;
  if (guest::boot_information().ring_capacity == 0 || guest::vcpus::count() < 2) return;
  ring_in_play.store(true);
  for (unsigned i = 0; i < 32; ++i) {
    scribble(draws);
    if (i % 4 == 0) call_now(Hypercall::ring_kick);
  }
  call_now(Hypercall::dlh_fence);
}

}  // namespace hostile
