// wake_up: sleeps, is woken by its timer, and tells how late: what an interactive or real-time VM feels of
// its neighbours.
#include "models/cpu/isa/cause.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"
#include "workloads/wake_up/kernel.h"

namespace {

constexpr std::uint64_t kMeasuredRegion = 1;

constinit bool woken = false;

std::uint64_t nanoseconds(std::uint64_t ticks) {
  return ticks * 1'000'000'000 / guest::timer::ticks_per_second();
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  namespace wake_up = workload::wake_up;
  const wake_up::Parameters parameters = wake_up::parameters(arguments);
  require_valid(arguments);
  trap::handle(hvsim::isa::Interrupt::supervisor_timer, [](trap::Frame&) {
    timer::disarm();
    woken = true;
  });

  wake_up::Histogram latencies;
  const std::uint64_t period = parameters.period_us * timer::ticks_per_second() / 1'000'000;
  std::uint64_t deadline = timer::now(), early = 0;
  region_begin(kMeasuredRegion);
  // Deadlines lie on a grid; those that passed while it was busy are left out.
  const auto wait = [&] {
    const std::uint64_t now = timer::now();
    do deadline += period;
    while (deadline <= now);
    woken = false;
    timer::arm(deadline);
    while (!woken) trap::sleep();
    const std::uint64_t at = timer::now();
    early += at < deadline ? 1 : 0;
    const std::uint64_t late = at < deadline ? 0 : nanoseconds(at - deadline);
    latencies.add(late);
    latency(late);
  };
  const std::uint64_t checksum = wake_up::run(parameters, wait, [](std::uint64_t n) { work_done(n); });
  region_end(kMeasuredRegion);

  console::print("latency ns p50 ", Decimal{latencies.quantile(500)}, " p99 ",
                 Decimal{latencies.quantile(990)}, " max ", Decimal{latencies.most()}, "\n");
  if (early != 0) console::print("error: woken ", Decimal{early}, " times before the deadline\n");
  console::print("checksum ", Hex{checksum}, "\n");
  return early == 0 ? kExitPass : kExitFail;
}
