// Guests' output for terminals and messages: UTF-8 without control characters, whatever came. The files of a
// run keep the bytes.
#pragma once

#include <string>
#include <string_view>

namespace hvsim::sim {

class Printable {
 public:
  // What may be shown now: newline, carriage return, backspace and tab stay, other bytes that are no
  // printable character appear as "\x1b". The beginning of a character waits for the rest of it.
  std::string feed(std::string_view bytes);
  std::string finish();  // of what waits

 private:
  std::string begun_;
};

// One line: the first `most` bytes and "...", no character cut in two, if it is longer.
std::string printable_line(std::string_view line, std::size_t most);

}  // namespace hvsim::sim
