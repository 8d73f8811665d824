// What GDB's `monitor` commands do: questions that the protocol has no words for.
#pragma once

#include <string>
#include <string_view>

#include "sim/gdb/target.h"

namespace hvsim::gdb {

// The text to show; ends with a newline.
std::string run_monitor_command(Target& target, ThreadId current, std::string_view command);

}  // namespace hvsim::gdb
