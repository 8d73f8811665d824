// Memory maps that lie: about pages that do not exist, about their own size, and from one look to the next.
// What they say of pages that exist is about an area that nothing depends on, so that the liar lives on.
#include "workloads/hostile/area_map.h"
#include "workloads/hostile/attacks.h"

namespace hostile {

namespace {

constinit AreaMap lies{};
constinit std::atomic<bool> map_in_play{false};

// One field out of range. What a field in range could do to other pages of ours is left out.
void distort(workload::Prng& own) {
  hv::abi::MemoryMapDescriptor& told = lies.descriptor;
  const std::uint64_t wild = own.next() | std::uint64_t{1} << 62;
  switch (own.below(6)) {
    case 0:
      told.entries = wild;
      break;
    case 1:
      told.first_page = wild & ~std::uint64_t{4095};
      break;
    case 2:
      told.pages = wild;
      break;
    case 3:
      told.entry_bytes = static_cast<std::uint32_t>(wild) | 128;
      break;
    case 4:
      told.state_offset = static_cast<std::uint32_t>(wild) | 64;
      break;
    default:
      told.order_offset = static_cast<std::uint32_t>(wild) | 64;
      break;
  }
}

// Free or not, in runs of up to 16 pages or of impossible sizes.
void rewrite_entry(workload::Prng& own) {
  const auto order = static_cast<std::uint32_t>(own.below(2) == 0 ? own.below(5) : own.next() | 64);
  lies.set(own.below(kAreaPages), static_cast<std::uint32_t>(own.below(2)), order);
}

}  // namespace

void rewrite_map(workload::Prng& own) {
  if (map_in_play.load(std::memory_order_relaxed)) rewrite_entry(own);
}

void maps() {
  workload::Prng& own = prng();
  map_in_play.store(true);
  for (std::uint64_t i = 0; i < 4 * kAreaPages; ++i) rewrite_entry(own);
  lies.describe();
  if (own.below(3) == 0) distort(own);
  if (own.below(8) == 0)
    AreaMap::publish_address(own.next());
  else
    lies.publish();
  for (auto& page : lies.pages) page[own.below(kPageWords)] = own.next();  // in use, whatever the map says
  guest::hypercall::call_now(guest::hypercall::Hypercall::yield);
}

}  // namespace hostile
