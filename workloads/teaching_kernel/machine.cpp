// Machine mode: each hart opens memory to supervisor mode, hands it all traps, starts its timer and leaves.
#include "workloads/teaching_kernel/machine.h"

#include "models/cpu/isa/cause.h"
#include "workloads/teaching_kernel/hart.h"

extern "C" void kernel_main();
extern "C" bool machine_has_stimecmp();
extern "C" void machine_timer_vector();
extern "C" void machine_start();

namespace kernel {

bool has_sstc;

namespace {

// entry.S knows this layout.
struct MachineTimer {
  std::uint64_t a1, a2;
  std::uint64_t compare;  // address of this hart's mtimecmp
  std::uint64_t interval;
  std::uint64_t a3;
};
MachineTimer machine_timers[kMaxHarts];

// Without an entry that matches, PMP denies supervisor mode everything: one from zero to the top (TOR).
void open_memory() {
  constexpr std::uint64_t kTorReadWriteExecute = 0xF;
  csr_write<csr::pmpaddr0>(0x3F'FFFF'FFFF'FFFF);
  csr_write<csr::pmpcfg0>(kTorReadWriteExecute);
}

void delegate_traps() {
  csr_write<csr::medeleg>(0xFFFF);
  csr_write<csr::mideleg>(0xFFFF);
}

void start_supervisor_timer() {
  csr_set<csr::menvcfg>(csr::kStce);
  csr_set<csr::mcounteren>(csr::kTm);
  csr_write<csr::stimecmp>(csr_read<csr::time>() + kTick);
}

void start_machine_timer(std::uint64_t hart) {
  MachineTimer& timer = machine_timers[hart];
  timer.compare = kMtimecmp + 8 * hart;
  timer.interval = kTick;
  device_register<std::uint64_t>(timer.compare) = device_register<std::uint64_t>(kMtime) + kTick;
  csr_write<csr::mscratch>(reinterpret_cast<std::uint64_t>(&timer));
  csr_write<csr::mtvec>(reinterpret_cast<std::uint64_t>(machine_timer_vector));
  csr_set<csr::mstatus>(csr::kMie);
  csr_set<csr::mie>(bit(hvsim::isa::Interrupt::machine_timer));
}

}  // namespace
}  // namespace kernel

extern "C" void machine_start() {
  using namespace kernel;
  const std::uint64_t hart = csr_read<csr::mhartid>();
  csr_write<csr::satp>(0);
  open_memory();
  delegate_traps();
  if (machine_has_stimecmp()) {
    has_sstc = true;
    start_supervisor_timer();
  } else {
    start_machine_timer(hart);
  }
  csr_clear<csr::mstatus>(csr::kMpp);
  csr_set<csr::mstatus>(std::uint64_t{1} << csr::kMppShift);
  csr_write<csr::mepc>(reinterpret_cast<std::uint64_t>(kernel_main));
  asm volatile("mv tp, %0; mret" : : "r"(hart));
}
