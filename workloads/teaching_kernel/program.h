// Programs on the disk.
#pragma once

#include <string_view>

#include "workloads/teaching_kernel/process.h"

namespace kernel {

// The process becomes this program: new memory, a new stack with the argument on it. False, and nothing
// changes: there is no such program, it is no sound ELF file, or there is no memory.
bool load_program(Process& process, std::string_view name, std::string_view argument);

}  // namespace kernel
