// A VM's console: collects a line, then prints it whole as "[name] line".
#pragma once

#include <cstddef>
#include <string_view>

#include "arch.h"
#include "hypervisor/limits.h"

namespace hv {

class VirtualConsole {
 public:
  void configure(std::string_view name);  // at most kMaxNameBytes
  void put(Arch& arch, std::string_view text);
  void finish(Arch& arch);  // prints a line that was begun

 private:
  void print(Arch& arch);
  char line_[kMaxNameBytes + 3 + kConsoleLineBytes + 1] = {};  // prefix, text, newline
  std::size_t prefix_ = 0, end_ = 0;
  Arch::Lock lock_{};
};

}  // namespace hv
