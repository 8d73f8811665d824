// Both ways to set the timer (Sstc extension; SBI specification, "Timer Extension").
#include "workloads/runtime/timer.h"

#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"

namespace guest::timer {

namespace {

constexpr std::uint64_t kSbiTime = 0x54494D45, kSetTimer = 0;

struct State {
  bool sstc = false;
  std::uint64_t hz = 0;
};
constinit State state;

}  // namespace

void initialise(const hv::abi::BootInfo& info) {
  state = {info.sstc != 0, info.timebase_hz};
  disarm();
}

std::uint64_t now() { return csr_read<hvsim::isa::csr::time>(); }

std::uint64_t ticks_per_second() { return state.hz; }

void arm(std::uint64_t deadline) {
  if (state.sstc)
    csr_write<hvsim::isa::csr::stimecmp>(deadline);
  else
    hypercall::sbi(kSbiTime, kSetTimer, deadline);
}

void disarm() { arm(kNever); }

}  // namespace guest::timer
