// page_churn: frees and allocates pages in bursts, publishes its memory map, and gives pages back when the
// hypervisor asks for that.
#include "hypervisor/abi/memory_map.h"
#include "workloads/page_churn/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"

namespace {

namespace churn = workload::page_churn;
using churn::Buddy, churn::Entry;
using guest::hypercall::Hypercall;

constexpr std::uint64_t kMeasuredRegion = 1, kPageBytes = 4096, kBlockBytes = 2 << 20;

struct Machine {
  std::uint64_t base = 0;  // of the first page
  Buddy* buddy = nullptr;
  std::uint64_t ballooned_pages = 0, reported_pages = 0;
  std::span<std::uint32_t> balloon;  // runs that it holds
  std::uint32_t balloon_runs = 0;
  unsigned balloon_order = 0;  // of each of them

  std::span<std::uint64_t, churn::kPageWords> page(std::uint64_t number) const {
    return std::span<std::uint64_t, churn::kPageWords>{
        reinterpret_cast<std::uint64_t*>(base + number * kPageBytes), churn::kPageWords};
  }
  std::uint64_t cycles() const { return guest::csr_read<hvsim::isa::csr::cycle>(); }
  std::uint64_t ticks() const { return guest::timer::now(); }
  void work_done(std::uint64_t pages) const { guest::work_done(pages); }

  void ready();
  void rest(std::uint64_t microseconds);
  static void sleep_us(std::uint64_t microseconds);
  void inflate();
  bool deflate();
  void take_back();
  void report_free();
};

constinit hv::abi::MemoryMapDescriptor descriptor{};

void Machine::ready() {
  std::span<Entry> entries = buddy->entries();
  descriptor = hv::abi::describe_map<Entry>(reinterpret_cast<std::uint64_t>(entries.data()), base,
                                            entries.size(), Entry::free);
  descriptor.since_offset = offsetof(Entry, since);
  std::atomic_ref(guest::hypercall::shared_page()->memory_map)
      .store(reinterpret_cast<std::uint64_t>(&descriptor), std::memory_order_release);
  guest::region_begin(kMeasuredRegion);
}

// The balloon holds pages of its own, so that nobody uses them; when little is left free it lets some go, and
// tells nobody: they get frames when they are written.
void Machine::inflate() {
  const auto* const page = guest::hypercall::shared_page();
  const std::uint64_t percent = page->balloon_percent;
  if (percent == 0) return;
  const unsigned order = page->balloon_order;
  if (order != balloon_order)
    while (balloon_runs != 0) take_back();
  balloon_order = order;
  const std::uint64_t run = std::uint64_t{1} << order;
  const std::uint64_t wanted = (buddy->free_pages() + ballooned_pages) * percent / 100;
  while (ballooned_pages + run <= wanted && balloon_runs < balloon.size()) {
    const std::uint32_t first = buddy->allocate(order);
    if (first == Buddy::kNone) break;
    balloon[balloon_runs++] = first;
    ballooned_pages += run;
    guest::hypercall::defer(Hypercall::page_release, base + first * kPageBytes, order);
  }
  while (ballooned_pages > wanted + run && balloon_runs != 0) take_back();
  guest::hypercall::flush();
}

// The run that it took last.
void Machine::take_back() {
  const std::uint32_t first = balloon[--balloon_runs];
  ballooned_pages -= std::uint64_t{1} << balloon_order;
  buddy->release(first, balloon_order, ticks());
}

// When nothing is left to allocate, as Linux's virtio balloon with "deflate on OOM": a MiB at a time.
bool Machine::deflate() {
  constexpr std::uint64_t enough = 256;
  if (balloon_runs == 0) return false;
  const std::uint64_t before = ballooned_pages;
  while (balloon_runs != 0 && before - ballooned_pages < enough) take_back();
  guest::hypercall::flush();
  return true;
}

// As Linux's free page reporting: runs that have been free for a while are told once.
void Machine::report_free() {
  const auto* const page = guest::hypercall::shared_page();
  if (page->report_order == 0) return;
  const std::uint64_t now = ticks();
  for (auto order = static_cast<unsigned>(page->report_order); order <= Buddy::kMaxOrder; ++order)
    for (std::uint32_t first = buddy->first_of(order); first != Buddy::kNone;) {
      Entry& entry = buddy->entries()[first];
      if (entry.given_back == 0 && now - entry.since >= page->report_delay_ticks) {
        entry.given_back = 1;
        reported_pages += std::uint64_t{1} << order;
        guest::hypercall::defer(Hypercall::page_release, base + first * kPageBytes, order);
      }
      first = entry.next;
    }
  guest::hypercall::flush();
}

void Machine::rest(std::uint64_t microseconds) {
  inflate();
  report_free();
  sleep_us(microseconds);
}

void Machine::sleep_us(std::uint64_t microseconds) {
  if (microseconds == 0) return;
  const std::uint64_t end = guest::timer::now() + microseconds * guest::timer::ticks_per_second() / 1'000'000;
  guest::timer::arm(end);
  while (guest::timer::now() < end) guest::trap::sleep();
  guest::timer::disarm();
}

// Every page holds something of ours before any is free: fresh memory is zero, and flatters whoever compares
// contents.
void make_dirty(const Machine& machine, std::uint64_t pages, std::uint32_t owner, std::uint64_t seed) {
  workload::Prng random{seed ^ 0xD127};
  for (std::uint64_t page = 0; page < pages; ++page)
    for (std::uint64_t& word : machine.page(page))
      word = std::uint64_t{owner} << 32 | (random.next() & 0xFFFFFFFF);
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const churn::Parameters parameters = churn::parameters(arguments);
  require_valid(arguments);
  using Churn = churn::Churn<Machine>;
  const std::uint32_t owner = hypercall::vm_info().vm + 0x5000'0001;
  const std::uint64_t per_page = kPageBytes + sizeof(Entry) + sizeof(Churn::Held) + sizeof(std::uint32_t);
  const std::uint64_t room = memory::available_bytes();
  const std::uint64_t pages = room < 2 * kBlockBytes ? 0 : (room - kBlockBytes) / per_page;
  auto* const entries = static_cast<Entry*>(memory::allocate(pages * sizeof(Entry), 64));
  auto* const held = static_cast<Churn::Held*>(memory::allocate(pages * sizeof(Churn::Held), 64));
  auto* const balloon = static_cast<std::uint32_t*>(memory::allocate(pages * sizeof(std::uint32_t), 64));
  auto* const base = memory::allocate(pages * kPageBytes, kBlockBytes);
  if (pages == 0 || entries == nullptr || held == nullptr || balloon == nullptr || base == nullptr)
    out_of_memory("page_churn");

  static constinit Machine machine;
  machine.base = reinterpret_cast<std::uint64_t>(base);
  machine.balloon = {balloon, pages};
  if (parameters.dirty != 0) make_dirty(machine, pages, owner, parameters.seed);
  Buddy buddy{{entries, pages}};
  machine.buddy = &buddy;
  for (std::uint64_t page = pages; page-- != 0;)
    buddy.release(static_cast<std::uint32_t>(page), 0, machine.ticks());
  trap::handle(hvsim::isa::Interrupt::supervisor_timer, [](trap::Frame&) { timer::disarm(); });

  const churn::Report report = Churn(parameters, buddy, {held, pages}, owner, machine).run();
  region_end(kMeasuredRegion);
  hypercall::shared_page()->memory_map = 0;
  console::print("pages ", Decimal{pages}, ", runs allocated ", Decimal{report.allocated}, ", failed ",
                 Decimal{report.failed}, "\n");
  console::print("allocation latency p50 ", Decimal{report.latencies.quantile(500)}, ", p99 ",
                 Decimal{report.latencies.quantile(990)}, ", longest ", Decimal{report.latencies.longest()},
                 " cycles\n");
  console::print("lost words ", Decimal{report.lost}, ", foreign words ", Decimal{report.foreign}, "\n");
  console::print("checksum ", Hex{report.checksum}, "\n");
  return report.lost == 0 && report.foreign == 0 ? kExitPass : kExitFail;
}
