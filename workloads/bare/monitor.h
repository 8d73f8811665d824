// A stand-in for the hypervisor in machine mode: one VM, calls answered inside their trap.
#pragma once

#include <cstdint>

#include "hypervisor/abi/hypercall.h"

namespace bare {

// The interrupted registers, as start.S keeps them.
struct Frame {
  std::uint64_t x[31];  // x1..x31
  std::uint64_t pc;
  std::uint64_t& a(unsigned n) { return x[10 + n - 1]; }
};
static_assert(sizeof(Frame) == 256);

struct Answer {
  std::int64_t error = hv::abi::kSuccess;
  std::uint64_t value = 0;
};

struct Monitor {
  hv::abi::BootInfo boot_info{};
  bool print_instructions = false;  // at power-off
};

// The project's own extension; `shared_page()` is where it keeps its books.
// `call.call` is the function number, `call.completion` the slot that a deferrable call names in a5.
Answer hypercall(Monitor& monitor, const hv::abi::Notification& call);
hv::abi::SharedPage* shared_page();

[[noreturn]] void stop(const Monitor& monitor, std::uint64_t code);

}  // namespace bare
