// hello: the smallest workload; says where it runs and tries each service of a VM once.
#include <atomic>

#include "models/cpu/isa/cause.h"
#include "workloads/hello/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/paging.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"

namespace {

namespace csr = hvsim::isa::csr;
using guest::hypercall::Hypercall;
using guest::paging::PageSize;
using hvsim::isa::Exception, hvsim::isa::Interrupt;

constexpr std::uint64_t kSmallWindow = guest::paging::kHighHalf;
constexpr std::uint64_t kMegaWindow = kSmallWindow + (std::uint64_t{1} << 30);
constexpr std::uint64_t kUnmapped = kMegaWindow + (std::uint64_t{1} << 30);

// What the handlers below have seen.
constinit std::atomic<std::uint64_t> fault_address{0}, events_seen{0}, timer_interrupts{0};

// Writes through a window at `address` and reads the same memory at its own address.
bool window_reaches_memory(std::uint64_t address, PageSize size, std::uint64_t pattern) {
  const auto bytes = static_cast<std::uint64_t>(size);
  auto* const block = static_cast<volatile std::uint64_t*>(guest::memory::allocate(bytes, bytes));
  if (block == nullptr || !guest::paging::map(address, reinterpret_cast<std::uint64_t>(block), bytes, size))
    guest::out_of_memory("the mapping test");
  auto* const window = reinterpret_cast<volatile std::uint64_t*>(address);
  const std::uint64_t last = bytes / sizeof *window - 1;
  window[0] = pattern;
  window[last] = ~pattern;
  return block[0] == pattern && block[last] == ~pattern;
}

// A load from nowhere traps to us with its address, and we go on behind it.
bool unmapped_load_faults() {
  guest::trap::handle(Exception::load_page_fault, [](guest::trap::Frame& frame) {
    fault_address = guest::csr_read<csr::stval>();
    frame.sepc += 4;
  });
  asm volatile(".option push\n.option norvc\nld zero, 8(%0)\n.option pop" : : "r"(kUnmapped) : "memory");
  return fault_address == kUnmapped + 8;
}

// An event to ourselves arrives as a software interrupt.
bool own_event_arrives(std::uint32_t vm) {
  constexpr std::uint64_t kEvent = 5;
  guest::trap::handle(Interrupt::supervisor_software, [](guest::trap::Frame&) {
    guest::csr_clear<csr::sip>(bit(Interrupt::supervisor_software));
    events_seen |= std::atomic_ref{guest::hypercall::shared_page()->events}.exchange(0);
  });
  guest::hypercall::defer(Hypercall::event_send, vm, kEvent);
  guest::hypercall::call_now(Hypercall::dlh_fence);
  guest::trap::enable_interrupts();
  while (events_seen == 0) guest::hypercall::call_now(Hypercall::yield);
  guest::trap::disable_interrupts();
  return events_seen == std::uint64_t{1} << kEvent;
}

// A deadline 50 microseconds ahead ends a sleep, and not before its time.
bool timer_wakes() {
  guest::trap::handle(Interrupt::supervisor_timer, [](guest::trap::Frame&) {
    timer_interrupts += 1;
    guest::timer::disarm();
  });
  const std::uint64_t deadline = guest::timer::now() + guest::timer::ticks_per_second() / 20'000;
  guest::timer::arm(deadline);
  while (timer_interrupts == 0) guest::trap::sleep();
  return timer_interrupts == 1 && guest::timer::now() >= deadline;
}

bool report(std::string_view service, bool good) {
  guest::console::print(service, good ? std::string_view{" ok\n"} : std::string_view{" FAILED\n"});
  return good;
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const std::uint64_t seed = workload::hello::seed(arguments);
  require_valid(arguments);
  const hypercall::VmInfo info = hypercall::vm_info();
  console::print("hello from VM ", Decimal{info.vm}, " of ", Decimal{info.vms}, "\n");
  bool good = report("4 KiB page", window_reaches_memory(kSmallWindow, PageSize::small, seed));
  good &= report("2 MiB page", window_reaches_memory(kMegaWindow, PageSize::mega, seed + 1));
  good &= report("page fault", unmapped_load_faults());
  good &= report("event", own_event_arrives(info.vm));
  good &= report("timer", timer_wakes());
  good &= report("deferred calls", hypercall::settle().ok());
  console::print("checksum ", Hex{workload::hello::checksum(seed)}, "\n");
  return good ? kExitPass : kExitFail;
}
