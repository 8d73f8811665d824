// timer_ticks: computes under periodic timer interrupts, then sleeps until the last of them came.
#include <atomic>

#include "models/cpu/isa/cause.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"
#include "workloads/timer_ticks/kernel.h"

namespace {

constexpr std::uint64_t kMeasuredRegion = 1;

// Deadlines lie on a fixed grid: a late tick does not shift the next one.
class Ticker {
 public:
  void start(std::uint64_t hz, std::uint64_t ticks) {
    period_ = guest::timer::ticks_per_second() / hz;
    if (period_ == 0) period_ = 1;
    wanted_ = ticks;
    deadline_ = guest::timer::now();
    arm_next();
  }

  void tick() {
    const std::uint64_t now = guest::timer::now();
    if (now < deadline_) return early_.store(early() + 1, std::memory_order_relaxed);
    guest::latency((now - deadline_) * 1'000'000'000 / guest::timer::ticks_per_second());
    taken_.store(taken() + 1, std::memory_order_relaxed);
    arm_next();
  }

  // Interrupts before their deadline: arming must have withdrawn the one before.
  std::uint64_t early() const { return early_.load(std::memory_order_relaxed); }
  std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  bool finished() const { return taken() >= wanted_; }

 private:
  void arm_next() {
    deadline_ = finished() ? guest::timer::kNever : deadline_ + period_;
    guest::timer::arm(deadline_);
  }

  std::uint64_t period_ = 0, wanted_ = 0, deadline_ = 0;
  std::atomic<std::uint64_t> taken_{0}, early_{0};
};
constinit Ticker ticker;

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  namespace ticks = workload::timer_ticks;
  const ticks::Parameters parameters = ticks::parameters(arguments);
  require_valid(arguments);
  trap::handle(hvsim::isa::Interrupt::supervisor_timer, [](trap::Frame&) { ticker.tick(); });

  region_begin(kMeasuredRegion);
  ticker.start(parameters.hz, parameters.ticks);
  trap::enable_interrupts();
  const std::uint64_t checksum = ticks::run(parameters, [](std::uint64_t n) { work_done(n); });
  trap::disable_interrupts();
  while (!ticker.finished()) trap::sleep();
  region_end(kMeasuredRegion);

  console::print("ticks ", Decimal{ticker.taken()}, "\n");
  if (ticker.early() != 0)
    console::print("error: ", Decimal{ticker.early()}, " timer interrupts came before their deadline\n");
  console::print("checksum ", Hex{checksum}, "\n");
  return ticker.early() == 0 ? kExitPass : kExitFail;
}
