// The kernel's own mistakes end the machine.
#pragma once

#include <string_view>

namespace kernel {

// Through the test finisher: 0 is a pass.
[[noreturn]] void power_off(unsigned status);

// Says why, past all locks, and switches off.
[[noreturn]] void panic(std::string_view why);

}  // namespace kernel
