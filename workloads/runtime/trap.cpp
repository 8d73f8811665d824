// Trap dispatch by cause; an unexpected trap is reported and ends the VM.
#include "workloads/runtime/trap.h"

#include <array>
#include <cstddef>

#include "workloads/runtime/console.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/start.h"

extern "C" char guest_trap_vector[];
extern "C" void guest_trap(guest::trap::Frame& frame);

namespace guest::trap {

namespace {

namespace csr = hvsim::isa::csr;

constexpr std::size_t kCauses = 24;

struct State {
  std::array<Handler, kCauses> interrupts{}, exceptions{};
};
constinit State state;

static_assert(offsetof(Frame, a) == 64 && offsetof(Frame, sepc) == 128 && sizeof(Frame) == 144,
              "trap.S knows this layout");

[[noreturn]] void report_and_stop(const Frame& frame, std::uint64_t cause) {
  console::print("unexpected trap: scause ", Hex{cause}, " sepc ", Hex{frame.sepc}, " stval ",
                 Hex{csr_read<csr::stval>()}, "\n");
  hypercall::power_off(kExitTrap);
}

}  // namespace

void initialise() {
  csr_write<csr::sie>(0);
  csr_write<csr::stvec>(reinterpret_cast<std::uint64_t>(guest_trap_vector));
}

void handle(hvsim::isa::Interrupt interrupt, Handler handler) {
  state.interrupts[static_cast<std::size_t>(interrupt)] = handler;
  csr_set<csr::sie>(bit(interrupt));
}

void handle(hvsim::isa::Exception exception, Handler handler) {
  state.exceptions[static_cast<std::size_t>(exception)] = handler;
}

void mask(hvsim::isa::Interrupt interrupt) { csr_clear<csr::sie>(bit(interrupt)); }

void enable_interrupts() { csr_set<csr::sstatus>(csr::kSie); }
void disable_interrupts() { csr_clear<csr::sstatus>(csr::kSie); }

void sleep() {
  wait_for_interrupt();
  enable_interrupts();
  disable_interrupts();
}

}  // namespace guest::trap

extern "C" void guest_trap(guest::trap::Frame& frame) {
  using namespace guest::trap;
  const std::uint64_t cause = guest::csr_read<csr::scause>();
  const std::uint64_t code = cause & ~hvsim::isa::kInterruptBit;
  const bool interrupt = (cause & hvsim::isa::kInterruptBit) != 0;
  const auto& handlers = interrupt ? state.interrupts : state.exceptions;
  if (code >= kCauses || handlers[code] == nullptr) report_and_stop(frame, cause);
  handlers[code](frame);
}
