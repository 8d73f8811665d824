// What guests and hypervisor agree on: hypercalls, notification entries, rings, boot information.
// Freestanding; guests include this file and nothing else of the hypervisor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace hv::abi {

// ecall from VS-mode in the SBI calling convention: a7 = extension, a6 = function, a0..a5 arguments;
// returns a0 = error (0 or a negative SBI error code), a1 = value. A deferrable call made by an ecall of its
// own (delivery `immediate`, or literal DLH) names its completion in a5 (Notification::completion), 0 for
// none.
inline constexpr std::uint64_t kHypercallExtension = 0x08485653;  // experimental SBI range, "HVS"

enum class Hypercall : std::uint32_t {
  vm_info = 0,             // () -> value: vm << 32 | number of VMs << 16 | VCPUs of this VM
  yield = 1,               // () gives the rest of the time slice away
  power_off = 2,           // (exit code) ends this VM
  notify = 3,              // (gpa of Notification[n], n): n deferrable calls in one trap
  dlh_fence = 4,           // () runs all that this VM has deferred before it returns
  query = 5,               // (iterations) -> value: runs a routine of that length, needs its answer
  ring_kick = 6,           // () somebody should look at this VM's rings
  console_write = 16,      // (bytes 1..32, w0, w1, w2, w3): characters by value, little endian
  event_send = 17,         // (target vm, event 0..63): pends VSSIP in VCPU 0 of the target
  statistics_update = 18,  // (counter 0..15, increment)
  timer_slack = 19,        // (microseconds) the guest's timer may be that late
  routine = 20,            // (iterations): a routine of that length whose result nobody waits for
  remote_fence = 21,  // (VCPU mask, RemoteFence): in effect once it is completed (status word, dlh_fence)
  // About 2^order pages at gpa, aligned to their size. Anything but kSuccess: not done, or not for all.
  dirty_log_update = 22,  // (gpa, pages): the guest has written these pages
  page_release = 23,      // (gpa, order 0..10): they hold nothing that the guest still needs
  page_claim = 24,        // (gpa, order 0..9): it is about to write them
  share = 25,             // (gpa, order 0..18): they should be looked at first, and may be shared
  unshare = 26,           // (gpa, order 0..9): they should have frames of their own, and keep them
};
// What the last five do, by the sharing policy:
// - dirty_log_update: logged. `content_scan` passes over a logged page once, without a look at what it holds,
//   and takes it off the log; no other policy reads the log. Large VMs are logged by up to 16 MiB at a time.
// - page_release: the frames go back to the pool at once, and the pages read as zeroes. kErrorFailed: some of
//   them kept theirs. kErrorNotSupported where no memory is shared at all: nobody could use them.
// - page_claim: those that have no frame of their own get one, as their first write would have given it, at
//   most 32 of them. kErrorFailed: not all have one now (there was no frame, or more than 32 were missing).
// - share: takes back `unshare`. At their next step `memory_map` (before its next round) and `content_scan`
//   look at these pages first. kErrorNotSupported with other policies, which look at nothing.
// - unshare: the same as page_claim, and `memory_map` and `content_scan` leave the pages alone until `share`;
//   of large VMs only as far as the range holds whole units, of up to 16 MiB.

// The property that delivery turns on. Deferrable: the next instruction needs no value of it and the guest
// may not observe an effect before its next entry, unless it asks for the completion.
struct HypercallProperty {
  Hypercall call;
  std::string_view name;
  bool deferrable;
};
inline constexpr HypercallProperty kHypercalls[] = {
    {Hypercall::vm_info, "vm_info", false},
    {Hypercall::yield, "yield", false},
    {Hypercall::power_off, "power_off", false},
    {Hypercall::notify, "notify", false},
    {Hypercall::dlh_fence, "dlh_fence", false},
    {Hypercall::query, "query", false},
    {Hypercall::ring_kick, "ring_kick", false},
    {Hypercall::console_write, "console_write", true},
    {Hypercall::event_send, "event_send", true},
    {Hypercall::statistics_update, "statistics_update", true},
    {Hypercall::timer_slack, "timer_slack", true},
    {Hypercall::routine, "routine", true},
    {Hypercall::remote_fence, "remote_fence", true},
    {Hypercall::dirty_log_update, "dirty_log_update", true},
    {Hypercall::page_release, "page_release", true},
    {Hypercall::page_claim, "page_claim", true},
    {Hypercall::share, "share", true},
    {Hypercall::unshare, "unshare", true},
};
inline constexpr std::uint32_t kHypercallCount = 27;  // numbers lie below; not every number is a call

// Numbers of deferrable calls are 16 and above, so that no table is looked up on the way.
constexpr bool deferrable(Hypercall call) { return static_cast<std::uint32_t>(call) >= 16; }
constexpr bool known_hypercall(std::uint64_t number) {
  return number <= static_cast<std::uint64_t>(Hypercall::ring_kick) ||
         (number >= static_cast<std::uint64_t>(Hypercall::console_write) && number < kHypercallCount);
}
constexpr bool table_agrees() {
  unsigned known = 0;
  for (std::uint64_t number = 0; number < kHypercallCount; ++number) known += known_hypercall(number) ? 1 : 0;
  unsigned listed = 0;
  for (const HypercallProperty& entry : kHypercalls) {
    if (entry.deferrable != deferrable(entry.call)) return false;
    listed += known_hypercall(static_cast<std::uint64_t>(entry.call)) ? 1 : 0;
  }
  return known == listed;
}
static_assert(table_agrees());

enum class RemoteFence : std::uint64_t { mappings = 0, instructions = 1 };

// What `query` and `routine` run: a dependent chain of shifts and exclusive ors, six instructions per
// iteration. `query` returns the result; more iterations than this are kErrorInvalidParameter, so that one
// call stays well below a time slice.
inline constexpr std::uint64_t kMaxRoutineIterations = 20'000;
constexpr std::uint64_t routine_value(std::uint64_t iterations) {
  std::uint64_t x = iterations + 0x9E3779B97F4A7C15;
  for (std::uint64_t i = 0; i < iterations; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}

// How deferrable hypercalls are delivered. The guest learns it from BootInfo and does its half.
enum class Delivery : std::uint32_t {
  immediate = 0,  // each runs inside its own trap
  dlh = 1,        // trap, queue per VM in the hypervisor, run before a VCPU of that VM is entered
  multicall = 2,  // `notify` runs its whole list inside the trap
  softirq = 3,    // trap, queue per physical CPU, run on the way out whichever VM is entered
  dlh_ring = 4,   // queue per VM in pages shared with the guest; a trap only when the hypervisor asks for one
  polling = 5,    // the same rings, run by a hart that does nothing else
  free = 6,       // as immediate, and the simulator charges nothing: the bound (host runs only)
};
inline constexpr std::string_view kDeliveryNames[] = {"immediate", "dlh",     "multicall", "softirq",
                                                      "dlh_ring",  "polling", "free"};
constexpr std::optional<Delivery> parse_delivery(std::string_view name) {
  for (std::uint32_t i = 0; i < std::size(kDeliveryNames); ++i)
    if (kDeliveryNames[i] == name) return static_cast<Delivery>(i);
  return std::nullopt;
}
constexpr bool uses_rings(Delivery delivery) {
  return delivery == Delivery::dlh_ring || delivery == Delivery::polling;
}

// One deferrable call, as a guest hands it over with `notify`, in a ring or by an ecall of its own.
struct Notification {
  std::uint32_t call;        // Hypercall
  std::uint32_t completion;  // Completion, or 0: nobody asks
  std::uint64_t arguments[5];
};
static_assert(sizeof(Notification) == 48);
inline constexpr std::uint32_t kMaxNotifications = 64;  // n of one `notify`
inline constexpr std::uint32_t kStatusSlots = 64;       // slot 0 is nobody's

// Notification::completion. Bits 0..5: SharedPage::status[slot] tells when it is done, 0 for no slot. Bit 31:
// VSSIP is pended then, in the VCPU that bits 16..23 name. All other bits are zero.
inline constexpr std::uint32_t kCompletionInterrupt = std::uint32_t{1} << 31;
constexpr std::uint32_t completion(std::uint32_t slot) { return slot; }
constexpr std::uint32_t completion_with_interrupt(std::uint32_t slot, std::uint32_t vcpu) {
  return kCompletionInterrupt | vcpu << 16 | slot;
}
constexpr std::uint32_t completion_slot(std::uint32_t completion) { return completion & (kStatusSlots - 1); }
constexpr std::uint32_t completion_vcpu(std::uint32_t completion) { return completion >> 16 & 0xFF; }

enum class Status : std::uint32_t { idle = 0, queued = 1, done = 2, failed = 3 };

// A ring's indices count entries from the boot on; entry n lies at place n modulo the capacity. The guest
// writes `tail` after the entry. The hypervisor never reads back what it wrote itself.
struct RingIndices {
  std::uint64_t tail;  // guest: entries appended
  std::uint64_t guest_reserved[7];
  std::uint64_t head;    // hypervisor: entries run
  std::uint64_t notify;  // hypervisor: kick when an append takes `tail` past this (virtio's EVENT_IDX)
  std::uint64_t hypervisor_reserved[6];
};
static_assert(sizeof(RingIndices) == 128);

struct RingEntry {
  Notification call;
  std::uint64_t reserved[2];
};
static_assert(sizeof(RingEntry) == 64);  // so that none crosses a page

inline constexpr std::uint32_t kMaxRings = 8;  // one per VCPU

// Whether an append that moved `tail` from `before` to `after` must kick.
constexpr bool ring_needs_kick(std::uint64_t notify, std::uint64_t before, std::uint64_t after) {
  return after - notify - 1 < after - before;
}

// Shared between one VM and the hypervisor; lies in guest memory at BootInfo::shared_page. The guest's last
// pages hold its rings, BootInfo and SharedPage; they are mapped but lie behind BootInfo::memory_bytes.
struct SharedPage {
  std::uint64_t completed;   // deferrable calls of this VM that have run
  std::uint64_t events;      // event bits pending, set by event_send of others; the guest clears them (AMO)
  std::uint32_t status[64];  // Status by slot
  // Of sharing (memory_map.h): what the guest publishes, and what the hypervisor asks for.
  std::uint64_t memory_map;          // guest-physical address of a MemoryMapDescriptor; 0: none
  std::uint32_t balloon_percent;     // of its free pages that the guest should give back; 0: none
  std::uint32_t balloon_order;       // in runs of 2^order pages
  std::uint64_t report_order;        // free runs of at least 2^order pages are to be reported; 0: none
  std::uint64_t report_delay_ticks;  // once they have been free so long
  std::uint64_t reserved[10];
  RingIndices rings[kMaxRings];  // by VCPU number
};
static_assert(sizeof(SharedPage) <= 4096 && offsetof(SharedPage, rings) % 64 == 0);

// At a1 when VCPU 0 starts (a0 = VCPU number).
struct BootInfo {
  std::uint64_t magic;  // kBootMagic
  std::uint32_t vm, vcpus;
  std::uint64_t memory_base, memory_bytes;  // guest-physical, free for the guest's use
  std::uint64_t shared_page;                // guest-physical address of SharedPage
  std::uint64_t timebase_hz;
  std::uint32_t delivery;                // Delivery
  std::uint32_t calls_per_notification;  // 1..kMaxNotifications
  std::uint32_t sstc;                    // 1: vstimecmp may be written by the guest
  std::uint32_t ring_capacity;           // entries of each VCPU's ring; 0: there are none
  std::uint64_t rings;                   // guest-physical address of VCPU 0's RingEntry[ring_capacity]
  std::uint64_t ring_stride;             // bytes from one VCPU's ring to the next one's
  char arguments[512];                   // "key=value key=value", NUL-terminated
  std::uint64_t disk, plic;      // guest-physical: registers of its virtio disk and PLIC; 0: it has no disk
  std::uint32_t disk_interrupt;  // source of the PLIC
  std::uint32_t reserved;
};
inline constexpr std::uint64_t kBootMagic = 0x32304d5653495648;  // "HVISVM02"

inline constexpr std::uint64_t kSbiLegacyPutchar = 1;  // the one legacy SBI call that is served; keeps a1

inline constexpr std::uint64_t kGuestMemoryBase = 0x80000000;
inline constexpr std::int64_t kSuccess = 0, kErrorFailed = -1, kErrorNotSupported = -2,
                              kErrorInvalidParameter = -3, kErrorInvalidAddress = -5;

}  // namespace hv::abi
