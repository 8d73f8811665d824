// hypercall_storm: real work with hypercalls at a set rate, some deferrable, and a check that all of them
// ran.
#include <array>
#include <atomic>

#include "models/cpu/isa/cause.h"
#include "workloads/hypercall_storm/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"
#include "workloads/runtime/vcpus.h"

namespace {

namespace storm = workload::hypercall_storm;
using guest::Decimal, guest::Hex;
using guest::hypercall::Hypercall;

constexpr std::uint64_t kMeasuredRegion = 1, kEvents = 64;

constinit hv::abi::SharedPage* shared = nullptr;

// Clears the interrupt before the events: one that arrives in between pends it again.
void take_events(guest::trap::Frame&) {
  namespace csr = hvsim::isa::csr;
  guest::csr_clear<csr::sip>(bit(hvsim::isa::Interrupt::supervisor_software));
  std::atomic_ref{shared->events}.exchange(0);
}

// The kernel's calls as hypercalls.
class GuestCalls {
 public:
  explicit GuestCalls(guest::hypercall::VmInfo info) : info_(info) {}

  // One VCPU prints. The others update a statistic instead.
  bool prints() const { return guest::vcpus::me() == 0; }

  bool has_peers() const { return info_.vms > 1; }
  void work_done(std::uint64_t units) { guest::work_done(units); }

  std::uint64_t query(std::uint64_t length) {
    const auto answer = guest::hypercall::call_now(Hypercall::query, length);
    if (answer.error != hv::abi::kSuccess) ++failed_queries_;
    return answer.value;
  }
  void statistics_update(std::uint64_t counter, std::uint64_t increment) {
    guest::hypercall::defer(Hypercall::statistics_update, counter, increment);
  }
  void routine(std::uint64_t length) { guest::hypercall::defer(Hypercall::routine, length); }
  void event_send(std::uint64_t draw) {
    const std::uint64_t hop = 1 + draw % (info_.vms - 1);
    guest::hypercall::defer_unwatched(Hypercall::event_send, (info_.vm + hop) % info_.vms,
                                      (draw >> 32) % kEvents);
  }
  void console_write(std::uint64_t iteration) {
    if (!prints()) return statistics_update(0, 1);
    guest::console::print("iteration ", Decimal{iteration}, "\n");
  }

  // The timer's interrupt ends it; what else interrupts does not.
  void sleep(std::uint64_t microseconds) {
    namespace trap = guest::trap;
    namespace timer = guest::timer;
    const std::uint64_t until = timer::now() + microseconds * timer::ticks_per_second() / 1'000'000;
    trap::disable_interrupts();
    timer::arm(until);
    while (timer::now() < until) trap::sleep();
    timer::disarm();
    trap::enable_interrupts();
  }

  std::uint64_t failed_queries() const { return failed_queries_; }

 private:
  guest::hypercall::VmInfo info_;
  std::uint64_t failed_queries_ = 0;
};

void print_calls(const storm::Report& report) {
  const auto of = [&](storm::Kind kind) { return Decimal{report.calls[static_cast<std::size_t>(kind)]}; };
  guest::console::print("calls query ", of(storm::Kind::query), " statistics_update ",
                        of(storm::Kind::statistics_update), " routine ", of(storm::Kind::routine),
                        " event_send ", of(storm::Kind::event_send), " console_write ",
                        of(storm::Kind::console_write), "\n");
}

// Every deferrable call must have run, and none may have failed.
bool books_balance(std::uint64_t failed_queries) {
  const guest::hypercall::Settlement books = guest::hypercall::settle();
  if (books.ok() && failed_queries == 0) return true;
  guest::console::print("error: ", Decimal{books.issued}, " deferrable calls issued, ",
                        Decimal{books.completed}, " completed, ", Decimal{books.failed}, " failed; ",
                        Decimal{failed_queries}, " queries failed\n");
  return false;
}

struct Player {
  storm::Report report;
  std::uint64_t failed_queries = 0;
  std::atomic<bool> done{false};
};
constinit std::array<Player, guest::vcpus::kMost> players{};
constinit storm::Parameters parameters_of_all{};
constinit guest::hypercall::VmInfo info{};

// What each VCPU does, with a seed of its own; the last ones wake up the first.
void play() {
  using namespace guest;
  trap::handle(hvsim::isa::Interrupt::supervisor_software, take_events);
  trap::handle(hvsim::isa::Interrupt::supervisor_timer, [](trap::Frame&) { timer::disarm(); });
  Player& own = players[vcpus::me()];
  GuestCalls calls{info};
  storm::Parameters parameters = parameters_of_all;
  parameters.seed += vcpus::me();
  trap::enable_interrupts();
  own.report = storm::run(parameters, calls);
  hypercall::flush();
  trap::disable_interrupts();
  own.failed_queries = calls.failed_queries();
  own.done.store(true, std::memory_order_release);
  if (vcpus::me() != 0) vcpus::interrupt(0);
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const storm::Parameters parameters = storm::parameters(arguments);
  require_valid(arguments);
  shared = hypercall::shared_page();
  parameters_of_all = parameters;
  info = hypercall::vm_info();
  region_begin(kMeasuredRegion);
  for (unsigned vcpu = 1; vcpu < vcpus::count(); ++vcpu)
    if (!vcpus::start(vcpu, play)) out_of_memory("a VCPU's stack");
  play();
  for (unsigned vcpu = 1; vcpu < vcpus::count(); ++vcpu)
    while (!players[vcpu].done.load(std::memory_order_acquire)) trap::sleep();
  region_end(kMeasuredRegion);

  storm::Report report = players[0].report;
  std::uint64_t failed_queries = players[0].failed_queries;
  for (unsigned vcpu = 1; vcpu < vcpus::count(); ++vcpu) {
    failed_queries += players[vcpu].failed_queries;
    report.add(players[vcpu].report);
  }
  const bool balanced = books_balance(failed_queries);
  print_calls(report);
  console::print("checksum ", Hex{report.checksum}, "\n");
  return balanced ? kExitPass : kExitFail;
}
