// From a process's registers to the kernel's functions. Addresses come from the process: nothing is believed.
#include "workloads/teaching_kernel/system_call.h"

#include <algorithm>
#include <cstring>

#include "workloads/teaching_kernel/abi.h"
#include "workloads/teaching_kernel/console.h"
#include "workloads/teaching_kernel/disk.h"
#include "workloads/teaching_kernel/memory.h"
#include "workloads/teaching_kernel/program.h"
#include "workloads/teaching_kernel/trap.h"

namespace kernel {
namespace {

std::uint64_t call_wait(Process& process, std::uint64_t status_address) {
  std::uint64_t status = 0;
  const unsigned child = wait(process, status);
  if (child == 0) return kCallFailed;
  char bytes[sizeof status];
  std::memcpy(bytes, &status, sizeof status);
  return copy_out(*process.table, status_address, bytes) ? child : kCallFailed;
}

std::uint64_t call_exec(Process& process, std::uint64_t name_address, std::uint64_t argument_address) {
  char name[kNameBytes + 1], argument[kLineBytes];
  if (!copy_text_in(*process.table, name, name_address)) return kCallFailed;
  if (!copy_text_in(*process.table, argument, argument_address)) return kCallFailed;
  // a0 is the argument's address then.
  return load_program(process, name, argument) ? process.frame->a(0) : kCallFailed;
}

std::uint64_t call_write(Process& process, std::uint64_t address, std::uint64_t bytes) {
  char text[kLineBytes];
  const std::size_t count = std::min<std::size_t>(bytes, sizeof text);
  if (!copy_in(*process.table, std::span(text).first(count), address)) return kCallFailed;
  console_write({text, count});
  return count;
}

std::uint64_t call_read(Process& process, std::uint64_t address, std::uint64_t bytes) {
  char text[kLineBytes];
  const std::size_t count = console_read(std::span(text).first(std::min<std::size_t>(bytes, sizeof text)));
  return copy_out(*process.table, address, std::span(text).first(count)) ? count : kCallFailed;
}

// Through a frame of the kernel's: the process's page may lie anywhere, and is checked.
std::uint64_t call_block(Process& process, Transfer transfer, std::uint64_t block, std::uint64_t address) {
  auto* frame = static_cast<char*>(allocate_frame());
  if (frame == nullptr) return kCallFailed;
  const std::span<char> bytes(frame, kBlockBytes);
  const bool fine = (transfer == Transfer::read || copy_in(*process.table, bytes, address)) &&
                    disk_transfer(transfer, block, frame) &&
                    (transfer == Transfer::write || copy_out(*process.table, address, bytes));
  free_frame(frame);
  return fine ? 0 : kCallFailed;
}

std::uint64_t answer(Process& process) {
  TrapFrame& frame = *process.frame;
  const std::uint64_t a0 = frame.a(0), a1 = frame.a(1);
  switch (static_cast<Call>(frame.a(7))) {
    case Call::exit:
      exit(process, a0);
    case Call::fork: {
      const unsigned child = fork(process);
      return child != 0 ? child : kCallFailed;
    }
    case Call::wait:
      return call_wait(process, a0);
    case Call::exec:
      return call_exec(process, a0, a1);
    case Call::write:
      return call_write(process, a0, a1);
    case Call::read:
      return call_read(process, a0, a1);
    case Call::grow:
      return grow(process, a0);
    case Call::number:
      return process.id;
    case Call::uptime:
      return uptime();
    case Call::sleep:
      sleep_until(uptime() + a0);
      return 0;
    case Call::read_block:
      return call_block(process, Transfer::read, a0, a1);
    case Call::write_block:
      return call_block(process, Transfer::write, a0, a1);
    case Call::harts:
      return harts_that_ran();
  }
  return kCallFailed;
}

}  // namespace

void system_call(Process& process) { process.frame->a(0) = answer(process); }

}  // namespace kernel
