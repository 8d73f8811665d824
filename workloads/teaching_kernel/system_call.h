// System calls, by the numbers in abi.h.
#pragma once

#include "workloads/teaching_kernel/process.h"

namespace kernel {

// Does what the process asks for in its registers; the result goes into its a0.
void system_call(Process& process);

}  // namespace kernel
