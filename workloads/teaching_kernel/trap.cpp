// What a trap means: a system call, an interrupt, or a process that did what it may not.
#include "workloads/teaching_kernel/trap.h"

#include "models/cpu/isa/cause.h"
#include "workloads/teaching_kernel/console.h"
#include "workloads/teaching_kernel/disk.h"
#include "workloads/teaching_kernel/machine.h"
#include "workloads/teaching_kernel/panic.h"
#include "workloads/teaching_kernel/plic.h"
#include "workloads/teaching_kernel/system_call.h"

extern "C" void kernel_trap_vector();
extern "C" char trampoline_start[], user_trap_vector[], enter_user[];
extern "C" void user_trap();
extern "C" void kernel_trap();

namespace kernel {
namespace {

using hvsim::isa::Exception, hvsim::isa::Interrupt, hvsim::isa::kInterruptBit;

enum class Kind : std::uint8_t { unknown, device, tick };

constexpr std::uint64_t cause_of(Interrupt interrupt) {
  return kInterruptBit | static_cast<std::uint64_t>(interrupt);
}

std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }
std::uint64_t in_trampoline(const char* code) {
  return kTrampoline + (address(code) - address(trampoline_start));
}

Spinlock ticks_lock;
std::uint64_t ticks;

void tick() {
  if (hart_number() == 0) {
    const Holding holding(ticks_lock);
    ++ticks;
    wake(&ticks);
  }
  if (has_sstc)
    csr_write<csr::stimecmp>(csr_read<csr::time>() + kTick);
  else
    csr_clear<csr::sip>(bit(Interrupt::supervisor_software));
}

// Of the harts that an interrupt calls, one claims it; the others find nothing.
void serve_device() {
  const std::uint32_t source = plic::claim();
  if (source == kUartInterrupt) console_interrupt();
  if (source == kDiskInterrupt) disk_interrupt();
  if (source != 0) plic::complete(source);
}

Kind serve_interrupt(std::uint64_t cause) {
  if (cause == cause_of(Interrupt::supervisor_external)) {
    serve_device();
    return Kind::device;
  }
  const Interrupt timer = has_sstc ? Interrupt::supervisor_timer : Interrupt::supervisor_software;
  if (cause != cause_of(timer)) return Kind::unknown;
  tick();
  return Kind::tick;
}

[[noreturn]] void end_faulty(Process& process, std::uint64_t cause, std::uint64_t value) {
  Line() << "kernel: process " << process.id << " ends: cause " << cause << ", value " << guest::Hex{value};
  exit(process, ~std::uint64_t{0});
}

}  // namespace

void start_traps() {
  csr_write<csr::stvec>(address(reinterpret_cast<const void*>(kernel_trap_vector)));
  csr_set<csr::sie>(bit(Interrupt::supervisor_external) | bit(Interrupt::supervisor_timer) |
                    bit(Interrupt::supervisor_software));
}

// No FENCE.I though a program may just have been loaded, as in kernels of this kind: the fence of address
// spaces in the trampoline comes after, and the boards that they are written for ask for no more.
void return_to_user(Process& process) {
  switch_interrupts_off();
  csr_write<csr::stvec>(in_trampoline(user_trap_vector));
  TrapFrame& frame = *process.frame;
  frame.kernel_satp = csr_read<csr::satp>();
  frame.hart = hart_number();
  frame.handler = address(reinterpret_cast<const void*>(user_trap));
  csr_clear<csr::sstatus>(csr::kSpp);
  csr_set<csr::sstatus>(csr::kSpie);
  using Enter = void (*)(std::uint64_t satp, std::uint64_t trap_frame);
  reinterpret_cast<Enter>(in_trampoline(enter_user))(satp_of(*process.table), kTrapFrame);
  __builtin_unreachable();
}

std::uint64_t uptime() {
  const Holding holding(ticks_lock);
  return ticks;
}

void sleep_until(std::uint64_t tick) {
  const Holding holding(ticks_lock);
  while (ticks < tick) sleep(&ticks, ticks_lock);
}

}  // namespace kernel

// Called by the trampoline, on the process's kernel stack, with interrupts off.
extern "C" void user_trap() {
  using namespace kernel;
  csr_write<csr::stvec>(address(reinterpret_cast<const void*>(kernel_trap_vector)));
  Process& process = *this_hart().process;
  const std::uint64_t cause = csr_read<csr::scause>(), value = csr_read<csr::stval>();
  if (cause == static_cast<std::uint64_t>(Exception::ecall_from_u)) {
    process.frame->pc += 4;
    switch_interrupts_on();
    system_call(process);
  } else if ((cause & kInterruptBit) != 0) {
    if (serve_interrupt(cause) == Kind::tick) yield();
  } else {
    switch_interrupts_on();
    end_faulty(process, cause, value);
  }
  return_to_user(process);
}

// A tick takes the hart from a process in the kernel, too. It may go on on another one, after other traps.
extern "C" void kernel_trap() {
  using namespace kernel;
  const std::uint64_t pc = csr_read<csr::sepc>(), status = csr_read<csr::sstatus>();
  const Kind kind = serve_interrupt(csr_read<csr::scause>());
  if (kind == Kind::unknown) panic("a trap in the kernel");
  if (kind == Kind::tick && this_hart().process != nullptr) yield();
  csr_write<csr::sepc>(pc);
  csr_write<csr::sstatus>(status);
}
