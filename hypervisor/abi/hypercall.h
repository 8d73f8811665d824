// What guests and hypervisor agree on: hypercall numbers, notification entries, boot information.
// Freestanding; guests include this file and nothing else of the hypervisor.
#pragma once

#include <cstdint>

namespace hv::abi {

// ecall from VS-mode in the SBI calling convention: a7 = extension, a6 = function, a0..a5 arguments;
// returns a0 = error (0 or a negative SBI error code), a1 = value. A deferrable call made by an ecall of its
// own (delivery `immediate`, or literal DLH) names its status slot in a5, 0 for none.
inline constexpr std::uint64_t kHypercallExtension = 0x08485653;  // experimental SBI range, "HVS"

enum class Hypercall : std::uint32_t {
  vm_info = 0,         // () -> value: vm << 32 | number of VMs << 16 | VCPUs of this VM    synchronous
  yield = 1,           // () gives the rest of the time slice away                            synchronous
  power_off = 2,       // (exit code) ends this VM                                            synchronous
  notify = 3,          // (gpa of Notification[n], n): n deferrable calls in one trap         synchronous
  dlh_fence = 4,       // () drains this VM's queue before it returns                         synchronous
  query = 5,           // (iterations) -> value: runs a routine of that length, needs its answer: synchronous
  console_write = 16,  // (bytes 1..32, w0, w1, w2, w3): characters by value, little endian   deferrable
  event_send = 17,     // (target vm, event 0..63): pends VSSIP in VCPU 0 of the target       deferrable
  statistics_update = 18,  // (counter 0..15, increment)                                          deferrable
  timer_slack = 19,        // (microseconds) the guest's timer may be that late                   deferrable
  routine = 20,            // (iterations): a routine of that length whose result nobody waits for deferrable
};

constexpr bool deferrable(Hypercall call) { return static_cast<std::uint32_t>(call) >= 16; }
inline constexpr std::uint32_t kHypercallCount = 21;

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

// How hypercalls are delivered; the guest batches when calls_per_notification > 1.
enum class Delivery : std::uint32_t { immediate = 0, dlh = 1 };

// One deferrable call, as a guest hands it over with `notify` and as a queue holds it.
struct Notification {
  std::uint32_t call;         // Hypercall
  std::uint32_t status_slot;  // 0: nobody asks; 1..63: SharedPage::status[slot] tells when it is done
  std::uint64_t arguments[5];
};
static_assert(sizeof(Notification) == 48);
inline constexpr std::uint32_t kMaxNotifications = 64;  // n of one `notify`
inline constexpr std::uint32_t kStatusSlots = 64;       // slot 0 is nobody's

enum class Status : std::uint32_t { idle = 0, queued = 1, done = 2, failed = 3 };

// Shared between one VM and the hypervisor; lies in guest memory at BootInfo::shared_page. The guest's last
// two pages hold BootInfo and SharedPage; they are mapped but lie behind BootInfo::memory_bytes.
struct SharedPage {
  std::uint64_t completed;   // deferrable calls of this VM that have run
  std::uint64_t events;      // event bits pending, set by event_send of others; the guest clears them (AMO)
  std::uint32_t status[64];  // Status by slot
};

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
  std::uint32_t reserved;
  char arguments[512];  // "key=value key=value", NUL-terminated
};
inline constexpr std::uint64_t kBootMagic = 0x31304d5653495648;  // "HVISVM01"

inline constexpr std::uint64_t kSbiLegacyPutchar = 1;  // the one legacy SBI call that is served; keeps a1

inline constexpr std::uint64_t kGuestMemoryBase = 0x80000000;
inline constexpr std::int64_t kSuccess = 0, kErrorFailed = -1, kErrorNotSupported = -2,
                              kErrorInvalidParameter = -3, kErrorInvalidAddress = -5;

}  // namespace hv::abi
