// A kernel to learn from, and to prove the machine with: starts in machine mode on every hart, runs programs
// from a virtio disk in user mode. README.md says where to begin reading.
#include "workloads/teaching_kernel/console.h"
#include "workloads/teaching_kernel/disk.h"
#include "workloads/teaching_kernel/machine.h"
#include "workloads/teaching_kernel/plic.h"
#include "workloads/teaching_kernel/trap.h"

extern "C" void kernel_main();

namespace {

bool ready;  // hart 0 has made what all harts share

void start_machine() {
  using namespace kernel;
  console_start();
  console_write_now(has_sstc ? "kernel: ticks from stimecmp\n" : "kernel: ticks from machine mode\n");
  make_kernel_table();
  plic::start();
  disk_start();
  start_first_process();
}

}  // namespace

// Each hart comes here from machine mode, with translation off.
extern "C" void kernel_main() {
  if (kernel::hart_number() == 0) {
    start_machine();
    __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
  }
  while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
  }
  kernel::use_kernel_table();
  kernel::plic::start_hart();
  kernel::start_traps();
  kernel::schedule();
}
