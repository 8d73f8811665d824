// The console: lines of text through the UART.
#pragma once

#include <span>
#include <string_view>

#include "workloads/teaching_kernel/line.h"

namespace kernel {

void console_start();
void console_interrupt();

// For processes, which sleep while they wait. A text is written without another one in between.
void console_write(std::string_view text);
// Characters to the end of a line, with it, or as many as there is room for.
std::size_t console_read(std::span<char> to);

// Without interrupts and locks: while the kernel starts, and when it gives up.
void console_write_now(std::string_view text);

// A line that the kernel says for a process.
class Line : public LineBuffer<Line> {
 public:
  static void write(std::string_view text) { console_write(text); }
};

}  // namespace kernel
