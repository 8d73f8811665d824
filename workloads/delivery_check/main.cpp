// delivery_check: random deferrable and other calls, each promise of their delivery checked from the guest's
// side: order, barriers, nothing lost, nothing twice, completion words and interrupts.
#include <atomic>
#include <cstddef>

#include "models/cpu/isa/cause.h"
#include "workloads/kernels/checksum.h"
#include "workloads/kernels/prng.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"

namespace {

using guest::Decimal, guest::Hex;
using guest::hypercall::Hypercall;
namespace hypercall = guest::hypercall;
namespace trap = guest::trap;
namespace timer = guest::timer;

constexpr std::uint64_t kMeasuredRegion = 1, kPages = 16;
constinit std::atomic<std::uint64_t> interrupts{0};

void interrupted(trap::Frame&) {
  guest::csr_clear<hvsim::isa::csr::sip>(bit(hvsim::isa::Interrupt::supervisor_software));
  interrupts.store(interrupts.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

class Checks {
 public:
  explicit Checks(std::uint64_t seed, std::uint64_t pages) : prng_{seed}, pages_(pages) {}

  void step(std::uint64_t number) {
    const std::uint64_t choice = prng_.below(16), draw = prng_.next();
    sum_.add(choice * 31 + draw % 1024);
    switch (choice) {
      case 0:
        guest::console::print("step ", Decimal{number}, "\n");  // the order of lines is the order of calls
        break;
      case 1:
      case 2:
      case 3:
        hypercall::defer(Hypercall::statistics_update, draw % 16, 1);
        break;
      case 4:
      case 5:
        hypercall::defer(Hypercall::routine, 1 + draw % 50);
        break;
      case 6:
        hypercall::defer(Hypercall::remote_fence, 1, draw % 2);
        break;
      case 7:
        // Whether there is a policy that takes it is not the point here.
        hypercall::defer_unwatched(draw % 2 == 0 ? Hypercall::page_release : Hypercall::page_claim,
                                   pages_ + (draw >> 8) % kPages * 4096, 0);
        break;
      case 8:
        hypercall::defer_unwatched(draw % 2 == 0 ? Hypercall::share : Hypercall::unshare, pages_, 2);
        break;
      case 9:
        hypercall::defer(Hypercall::dirty_log_update, pages_, 1 + draw % kPages);
        break;
      case 10:
        hypercall::defer(Hypercall::timer_slack, draw % 3);
        break;
      case 11:
        if (draw % 4 == 0) ask();
        break;
      case 12:
        if (draw % 4 == 0) fence();
        break;
      case 13:
        if (draw % 8 == 0) wait_for_interrupt_of_completion();
        break;
      case 14:
        if (draw % 8 == 0) sleep(20 + draw % 50);
        break;
      default:
        if (draw % 4 == 0) hypercall::call_now(Hypercall::yield);
        break;
    }
    watch_the_count();
  }

  std::uint64_t failures() const { return failures_; }
  std::uint64_t checksum() const { return sum_.value(); }

 private:
  void expect(bool good, const char* what) {
    if (good) return;
    if (++failures_ <= 5) guest::console::print("error: ", std::string_view{what}, "\n");
  }
  static std::uint64_t completed() {
    return std::atomic_ref{hypercall::shared_page()->completed}.load(std::memory_order_acquire);
  }

  // It may never run back, and never ahead of what was issued.
  void watch_the_count() {
    const std::uint64_t now = completed();
    expect(now >= seen_, "the count of completed calls ran back");
    expect(now <= hypercall::issued(), "more calls completed than were made");
    seen_ = now;
  }

  // A call that is not deferrable is a barrier.
  void ask() {
    const std::uint64_t length = 1 + prng_.below(40);
    const auto answer = hypercall::call_now(Hypercall::query, length);
    expect(answer.value == hv::abi::routine_value(length), "a query's answer");
    expect(completed() == hypercall::issued(), "a query returned before what was deferred had run");
    sum_.add(answer.value);
  }
  void fence() {
    hypercall::call_now(Hypercall::dlh_fence);
    expect(completed() == hypercall::issued(), "the fence returned before what was deferred had run");
    expect(hypercall::settle().ok(), "the books do not balance");
  }

  void wait_for_interrupt_of_completion() {
    trap::disable_interrupts();
    const std::uint64_t before = interrupts.load(std::memory_order_relaxed), issued = hypercall::issued();
    if (hypercall::defer_with_interrupt(Hypercall::routine, 5)) {
      hypercall::flush();
      while (interrupts.load(std::memory_order_relaxed) == before) trap::sleep();
      expect(completed() > issued, "the interrupt came before its call had run");
    }
    trap::enable_interrupts();
  }

  static void sleep(std::uint64_t microseconds) {
    const std::uint64_t until = timer::now() + microseconds * timer::ticks_per_second() / 1'000'000;
    trap::disable_interrupts();
    timer::arm(until);
    while (timer::now() < until) trap::sleep();
    timer::disarm();
    trap::enable_interrupts();
  }

  workload::Prng prng_;
  workload::Checksum sum_;
  std::uint64_t pages_, seen_ = 0, failures_ = 0;
};

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const std::uint64_t steps = arguments.number("steps", 4000, 1, 1'000'000'000);
  const std::uint64_t seed = arguments.number("seed", 1, 0, ~std::uint64_t{0});
  require_valid(arguments);
  void* const pages = memory::allocate(kPages * 4096, kPages * 4096);
  if (pages == nullptr) out_of_memory("pages to give hints about");
  trap::handle(hvsim::isa::Interrupt::supervisor_software, interrupted);
  trap::handle(hvsim::isa::Interrupt::supervisor_timer, [](trap::Frame&) { timer::disarm(); });
  trap::enable_interrupts();

  Checks checks{seed, reinterpret_cast<std::uint64_t>(pages)};
  region_begin(kMeasuredRegion);
  for (std::uint64_t number = 0; number < steps; ++number) checks.step(number);
  region_end(kMeasuredRegion);

  const hypercall::Settlement books = hypercall::settle();
  if (!books.ok())
    console::print("error: ", Decimal{books.issued}, " issued, ", Decimal{books.completed}, " completed, ",
                   Decimal{books.failed}, " failed\n");
  console::print("calls ", Decimal{books.issued}, "\n");
  console::print("checksum ", Hex{checks.checksum()}, "\n");
  return books.ok() && checks.failures() == 0 ? kExitPass : kExitFail;
}
