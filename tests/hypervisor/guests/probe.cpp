// A guest that does one thing to the hypervisor, named by its argument `act`: mostly things that no guest
// should.
#include <cstdint>
#include <string_view>

#include "hypervisor/abi/hypercall.h"
#include "models/cpu/isa/mark.h"

namespace abi = hv::abi;

extern "C" void second_start();
extern "C" void handler();

namespace {

constexpr std::uint64_t kTime = 0x54494D45, kIpi = 0x735049, kHsm = 0x48534D, kRfence = 0x52464E43;
constexpr std::uint64_t kSoftware = 2, kTimer = 32;  // sie, sip

constexpr std::uint64_t kTimerInterrupt = (std::uint64_t{1} << 63) | 5;

std::uint64_t deadline = 0;

struct Answer {
  std::int64_t error;
  std::uint64_t value;
};

Answer ecall(std::uint64_t extension, std::uint64_t function, std::uint64_t a = 0, std::uint64_t b = 0,
             std::uint64_t c = 0, std::uint64_t d = 0, std::uint64_t e = 0, std::uint64_t f = 0) {
  register std::uint64_t a0 asm("a0") = a;
  register std::uint64_t a1 asm("a1") = b;
  register std::uint64_t a2 asm("a2") = c;
  register std::uint64_t a3 asm("a3") = d;
  register std::uint64_t a4 asm("a4") = e;
  register std::uint64_t a5 asm("a5") = f;  // of a deferrable call: its completion
  register std::uint64_t a6 asm("a6") = function;
  register std::uint64_t a7 asm("a7") = extension;
  asm volatile("ecall"
               : "+r"(a0), "+r"(a1)
               : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7)
               : "memory");
  return {static_cast<std::int64_t>(a0), a1};
}

Answer call(abi::Hypercall number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0) {
  return ecall(abi::kHypercallExtension, static_cast<std::uint64_t>(number), a, b, c);
}

void print(std::string_view text) {
  for (const char c : text) ecall(abi::kSbiLegacyPutchar, 0, static_cast<unsigned char>(c));
}

[[noreturn]] void end(std::uint32_t code) {
  call(abi::Hypercall::power_off, code);
  for (;;) {
  }
}

[[noreturn]] void finish(std::string_view text, bool good) {
  print(text);
  print(good ? " ok\n" : " FAILED\n");
  end(good ? 0 : 1);
}

std::uint64_t now() {
  std::uint64_t ticks;
  asm volatile("rdtime %0" : "=r"(ticks));
  return ticks;
}

abi::SharedPage& shared(const abi::BootInfo& info) {
  return *reinterpret_cast<abi::SharedPage*>(info.shared_page);
}

// --- things that end a VM

void touch_nothing() { *reinterpret_cast<volatile int*>(0x10000000); }  // where the UART is on the real board
void write_nothing() { *reinterpret_cast<volatile int*>(0x100000) = 0x5555; }  // the test finisher
void jump_nowhere() { reinterpret_cast<void (*)()>(0x1000)(); }
void execute_rubbish() { asm volatile(".4byte 0xffffffff"); }
void read_hypervisor_csr() { asm volatile("csrr t0, 0x680" : : : "t0"); }  // hgatp

// --- things that must fail politely

[[noreturn]] void call_wildly() {
  bool good = true;
  std::uint64_t x = 88172645463325252;
  for (unsigned i = 0; i < 3000; ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    const std::uint64_t number = abi::kHypercallCount + x % 1000000;
    good = good && ecall(abi::kHypercallExtension, number, x, x, x).error == abi::kErrorNotSupported;
    good = good && ecall(x | 0x80000000, x, x, x, x).error == abi::kErrorNotSupported;
    good = good && call(abi::Hypercall::notify, x | 1, x % 64 + 1).error != 0;
    good = good && call(abi::Hypercall::query, x | 0x80000000).error == abi::kErrorInvalidParameter;
  }
  finish("wild calls", good);
}

[[noreturn]] void handle_own_trap() {
  asm volatile("csrw stvec, %0" : : "r"(&handler));
  execute_rubbish();
  finish("own trap", false);
}

// Taken as an interrupt, not read from sip: QEMU 7.2 does not show VSTIP there.
[[noreturn]] void sleep_a_while() {
  deadline = now() + 20000;
  asm volatile("csrw stvec, %0" : : "r"(&handler));
  asm volatile("csrw sie, %0" : : "r"(kTimer));
  ecall(kTime, 0, deadline);
  asm volatile("csrsi sstatus, 2");  // SIE
  for (;;) asm volatile("wfi");
}

// Fills its queue for ever faster than entries drain it; ends by itself after a while.
[[noreturn]] void flood() {
  for (unsigned i = 0; i < 3000; ++i) call(abi::Hypercall::routine, 300);
  call(abi::Hypercall::dlh_fence);
  finish("flood", true);
}

// --- two VCPUs that call at once

constexpr unsigned kRounds = 400;
std::uint32_t second_done = 0;
void (*second_work)() = nullptr;

const abi::BootInfo* boot_info = nullptr;

abi::RingIndices& indices(std::uint64_t ring) { return shared(*boot_info).rings[ring]; }
abi::RingEntry* entries(std::uint64_t ring) {
  return reinterpret_cast<abi::RingEntry*>(boot_info->rings + ring * boot_info->ring_stride);
}

void append(std::uint64_t ring, const abi::Notification& call_) {
  abi::RingIndices& at = indices(ring);
  const std::uint64_t tail = at.tail;
  while (tail - __atomic_load_n(&at.head, __ATOMIC_ACQUIRE) >= boot_info->ring_capacity)
    call(abi::Hypercall::ring_kick);
  entries(ring)[tail % boot_info->ring_capacity].call = call_;
  __atomic_store_n(&at.tail, tail + 1, __ATOMIC_SEQ_CST);
  if (abi::ring_needs_kick(__atomic_load_n(&at.notify, __ATOMIC_SEQ_CST), tail, tail + 1))
    call(abi::Hypercall::ring_kick);
}

// Three calls through the ring, in one trap, or one by one where delivery knows neither.
void call_three_times(std::uint64_t counter) {
  abi::Notification list[3] = {};
  for (auto& entry : list)
    entry = {static_cast<std::uint32_t>(abi::Hypercall::statistics_update), 0, {counter, 1, 0, 0, 0}};
  if (boot_info->ring_capacity != 0) {
    for (const auto& entry : list) append(counter, entry);
    return;
  }
  if (call(abi::Hypercall::notify, reinterpret_cast<std::uint64_t>(list), 3).error == 0) return;
  for (unsigned i = 0; i < 3; ++i) call(abi::Hypercall::statistics_update, counter, 1);
}

void work(std::uint64_t me) {
  for (unsigned i = 0; i < kRounds; ++i) {
    call_three_times(me);
    call(abi::Hypercall::routine, 20);
    if (i % 16 == 0) ecall(kIpi, 0, std::uint64_t{1} << (1 - me), 0);
    if (i % 7 == 0) call(abi::Hypercall::query, 10);
    if (i % 50 == 0) call(abi::Hypercall::yield);
  }
}

// Rubbish in all that a guest may write of its rings.
[[noreturn]] void scribble(const abi::BootInfo& info) {
  std::uint64_t x = 88172645463325252;
  for (unsigned i = 0; i < 20000; ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    auto* const ring = reinterpret_cast<volatile std::uint64_t*>(info.rings);
    ring[x % (info.ring_stride / 8)] = x % 3 == 0 ? x >> 8 & 31 : x;
    auto* const index = reinterpret_cast<volatile std::uint64_t*>(&indices(0));
    index[x >> 20 & 15] = x % 5 == 0 ? x : index[0] + x % 9;
    if (i % 8 == 0) call(abi::Hypercall::ring_kick);
    if (i % 64 == 0) call(abi::Hypercall::dlh_fence);
  }
  finish("scribbled", true);
}

// Every byte, sequences that move a terminal's cursor, what could pass for another VM's line, and a line that
// is longer than the hypervisor's, of characters of three bytes. It ends within a line, as a failure.
[[noreturn]] void shout() {
  for (std::uint64_t byte = 0; byte < 256; ++byte) ecall(abi::kSbiLegacyPutchar, 0, byte);
  print(
      "\n\x1b[2J\x1b]0;title\a\xc2\x9b"
      "2J\r[victim] forged\v[victim] forged\xc2\x85[victim] forged\n");
  for (unsigned i = 0; i < 200; ++i) print("\xe2\x82\xac");
  print("\ncaf\xc3\xa9 \xff\xc3");
  end(1);
}

[[noreturn]] void use_two_vcpus(const abi::BootInfo& info) {
  asm volatile("csrw sie, %0" : : "r"(kSoftware));
  second_work = [] { work(1); };
  if (ecall(kHsm, 0, 1, reinterpret_cast<std::uint64_t>(&second_start), info.shared_page).error != 0)
    finish("second VCPU", false);
  work(0);
  while (__atomic_load_n(&second_done, __ATOMIC_ACQUIRE) == 0) {
    asm volatile("csrc sip, %0" : : "r"(kSoftware));
    if (__atomic_load_n(&second_done, __ATOMIC_ACQUIRE) == 0) asm volatile("wfi");
  }
  call(abi::Hypercall::dlh_fence);
  finish("two VCPUs", shared(info).completed == 2 * kRounds * 4);
}

// --- a page that changes under the other VCPU, which keeps its translation hot and must not see the old
// --- frame once the fence is complete

constexpr std::uint64_t kWindow = 0x40000000;  // where the second VCPU looks
constexpr std::uint64_t kRemaps = 24, kLongCalls = 3, kLongRoutine = abi::kMaxRoutineIterations;
constexpr std::uint32_t kSlot = 1;
using Page = std::uint64_t[512];
alignas(4096) Page root, middle, leaves, frames[2];  // each frame says its number
std::uint64_t remapped = 0, looked = 0, stale = 0;

std::uint64_t entry(const void* to, std::uint64_t flags) {
  return reinterpret_cast<std::uint64_t>(to) >> 12 << 10 | flags;
}

void look_through_the_window() {
  asm volatile("csrw satp, %0; sfence.vma" : : "r"(entry(root, 0) >> 10 | std::uint64_t{8} << 60) : "memory");
  const auto& window = *reinterpret_cast<volatile std::uint64_t*>(kWindow);
  for (std::uint64_t answered = 0; answered != kRemaps;) {
    asm volatile("" : : "r"(window));  // the translation is there
    const std::uint64_t asked = __atomic_load_n(&remapped, __ATOMIC_ACQUIRE);
    if (asked == answered) continue;
    if (window != asked % 2) ++stale;
    answered = asked;
    __atomic_store_n(&looked, answered, __ATOMIC_RELEASE);
  }
}

// Behind calls that take longer than a slice, so that another VM has the hart in between.
void defer_behind_long_calls(const abi::Notification& last) {
  abi::Notification list[kLongCalls + 1] = {};
  for (auto& call_ : list) call_ = {static_cast<std::uint32_t>(abi::Hypercall::routine), 0, {kLongRoutine}};
  list[kLongCalls] = last;
  if (boot_info->ring_capacity != 0) {
    for (const auto& call_ : list) append(0, call_);
    return;
  }
  if (call(abi::Hypercall::notify, reinterpret_cast<std::uint64_t>(list), kLongCalls + 1).error == 0) return;
  for (const auto& call_ : list)
    ecall(abi::kHypercallExtension, call_.call, call_.arguments[0], call_.arguments[1], 0, 0, 0,
          call_.completion);
}

void fence_deferred() {
  std::uint32_t& status = shared(*boot_info).status[kSlot];
  __atomic_store_n(&status, 0u, __ATOMIC_RELAXED);
  defer_behind_long_calls({static_cast<std::uint32_t>(abi::Hypercall::remote_fence),
                           abi::completion(kSlot),
                           {2, static_cast<std::uint64_t>(abi::RemoteFence::mappings)}});
  while (__atomic_load_n(&status, __ATOMIC_ACQUIRE) != static_cast<std::uint32_t>(abi::Status::done)) {
  }
}

// A barrier: what was deferred runs before it, and it goes on in a later turn.
void fence_by_sbi() {
  defer_behind_long_calls({static_cast<std::uint32_t>(abi::Hypercall::statistics_update), 0, {0, 1}});
  ecall(kRfence, 1, 2, 0, 0, ~std::uint64_t{0});
}

void remap() {
  constexpr std::uint64_t valid = 1, all = 0xCF;  // V; V, R, W, X, A, D
  frames[1][0] = 1;
  root[1] = entry(middle, valid);
  root[2] = entry(reinterpret_cast<void*>(0x80000000), all);
  middle[0] = entry(leaves, valid);
  leaves[0] = entry(frames[0], all);
  second_work = look_through_the_window;
  if (ecall(kHsm, 0, 1, reinterpret_cast<std::uint64_t>(&second_start)).error != 0)
    finish("second VCPU", false);
  for (std::uint64_t round = 1; round <= kRemaps; ++round) {
    __atomic_store_n(&leaves[0], entry(frames[round % 2], all), __ATOMIC_SEQ_CST);
    if (round % 3 == 0)
      fence_by_sbi();
    else
      fence_deferred();
    __atomic_store_n(&remapped, round, __ATOMIC_RELEASE);
    while (__atomic_load_n(&looked, __ATOMIC_ACQUIRE) != round) {
    }
  }
  finish("remap", stale == 0);
}

template <hvsim::isa::MarkKind kind>
void mark(std::uint64_t value) {
  asm volatile("sltiu zero, %0, %1" : : "r"(value), "i"(static_cast<unsigned>(kind)) : "memory");
}

// Dumps what was counted, forgets it, makes five calls and dumps again.
void measure() {
  using hvsim::isa::MarkKind;
  mark<MarkKind::statistics_dump>(7);
  mark<MarkKind::statistics_reset>(0);
  for (int i = 0; i < 5; ++i) call(abi::Hypercall::query, 10);
  mark<MarkKind::statistics_dump>(8);
  finish("measure", true);
}

// --- writes of all kinds to pages that share a frame

std::uint64_t* page(std::uint64_t number) {
  return reinterpret_cast<std::uint64_t*>(abi::kGuestMemoryBase + (1 << 20) + number * 4096);
}
std::uint64_t fetch_and_add(std::uint64_t* at, std::uint64_t value) {
  std::uint64_t old;
  asm volatile("amoadd.d %0, %1, (%2)" : "=r"(old) : "r"(value), "r"(at) : "memory");
  return old;
}
// By LR and SC; how often it took.
std::uint64_t add(std::uint64_t* at, std::uint64_t value) {
  std::uint64_t tries = 0, sum, failed;
  asm volatile(
      "1: lr.d %1, (%3)\n"
      "   add %1, %1, %4\n"
      "   sc.d %2, %1, (%3)\n"
      "   addi %0, %0, 1\n"
      "   bnez %2, 1b\n"
      : "+r"(tries), "=&r"(sum), "=&r"(failed)
      : "r"(at), "r"(value)
      : "memory");
  return tries;
}

// On the one frame of zeroes, which nobody may see written.
bool write_released_pages() {
  for (std::uint64_t n = 0; n < 4; ++n)
    for (std::uint64_t i = 0; i < 512; ++i) page(n)[i] = n + i + 1;
  bool good = call(abi::Hypercall::page_release, reinterpret_cast<std::uint64_t>(page(0)), 2).error == 0;
  good = good && fetch_and_add(page(0) + 1, 5) == 0 && add(page(1) + 2, 7) < 1000;
  reinterpret_cast<volatile std::uint8_t*>(page(2))[4095] = 9;
  for (std::uint64_t n = 0; n < 4; ++n)
    for (std::uint64_t i = 0; i < 512; ++i) {
      const std::uint64_t written = n == 0 && i == 1     ? 5
                                    : n == 1 && i == 2   ? 7
                                    : n == 2 && i == 511 ? std::uint64_t{9} << 56
                                                         : 0;
      good = good && page(n)[i] == written;
    }
  return good;
}

// The walker sets A and D in a root table that shares its frame with an equal page. Leaves of 1 GiB, the
// VM's memory at its own addresses.
bool write_by_walks() {
  constexpr std::uint64_t leaf = abi::kGuestMemoryBase >> 12 << 10 | 0xF, accessed_and_dirty = 0xC0;
  constexpr std::uint64_t place = abi::kGuestMemoryBase >> 30, wait = 200'000;  // ticks
  for (std::uint64_t n = 8; n < 10; ++n) {
    for (std::uint64_t i = 0; i < 512; ++i) page(n)[i] = 0;
    page(n)[place] = leaf;
  }
  for (const std::uint64_t until = now() + wait; now() < until;) {
  }
  const std::uint64_t satp = std::uint64_t{8} << 60 | reinterpret_cast<std::uint64_t>(page(8)) >> 12;
  asm volatile("sfence.vma\n csrw satp, %0\n sfence.vma" : : "r"(satp) : "memory");
  *reinterpret_cast<volatile std::uint64_t*>(page(12)) = 1;
  asm volatile("csrw satp, zero\n sfence.vma" : : : "memory");
  bool good = page(8)[place] == (leaf | accessed_and_dirty) && page(9)[place] == leaf;
  for (std::uint64_t i = 0; i < 512; ++i) good = good && (i == place || (page(8)[i] | page(9)[i]) == 0);
  return good;
}

void unshare() { finish("unshare", write_released_pages()); }
void unshare_by_walks() { finish("unshare by walks", write_by_walks()); }

struct Act {
  std::string_view name;
  void (*run)();
};
constexpr Act kActs[] = {{"load", touch_nothing},
                         {"store", write_nothing},
                         {"fetch", jump_nowhere},
                         {"illegal", execute_rubbish},
                         {"csr", read_hypervisor_csr},
                         {"wild", call_wildly},
                         {"own_trap", handle_own_trap},
                         {"sleep", sleep_a_while},
                         {"flood", flood},
                         {"measure", measure},
                         {"shout", shout},
                         {"remap", remap},
                         {"unshare", unshare},
                         {"unshare_by_walks", unshare_by_walks}};

}  // namespace

extern "C" void guest_trapped(std::uint64_t cause, std::uint64_t value, std::uint64_t pc) {
  if (cause == kTimerInterrupt) finish("sleep", now() >= deadline);
  finish("own trap", cause == 2 && value == 0xffffffff && pc != 0);
}

extern "C" void second_main() {
  second_work();
  __atomic_store_n(&second_done, 1u, __ATOMIC_RELEASE);
  ecall(kIpi, 0, 1, 0);
  ecall(kHsm, 1);
}

extern "C" void guest_main(const abi::BootInfo* info) {
  std::string_view act{info->arguments};
  if (info->magic != abi::kBootMagic || !act.starts_with("act=")) end(2);
  act.remove_prefix(4);
  for (std::size_t i = 0; i < act.size(); ++i)
    if (act[i] == ' ') act = {act.data(), i};  // other arguments are nobody's
  boot_info = info;
  if (act == "two_vcpus") use_two_vcpus(*info);
  if (act == "scribble") scribble(*info);
  for (const Act& known : kActs)
    if (known.name == act) known.run();
  finish(act, false);  // it should not have come back
}
