// Copies of this process: one that does something in this one's stead and ends, and those that stand still
// until somebody comes back to them. A machine is one process, so that a copy of it is exact.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/isa/result.h"

namespace hvsim::session {

// The two sides of copy_of_this_process().
struct Copied {
  std::optional<int> way;  // in the copy: where it says something, and ends
  isa::Result<std::string, std::string> said = std::string();  // in the original, once the copy has ended
};
Copied copy_of_this_process();
[[noreturn]] void say_and_end(int way, std::string_view text);

class Bookmarks {
 public:
  enum class Came { on, back };

  // Returns once now, in the process that goes on, and again whenever somebody has come back here. An error:
  // there is no process for it.
  isa::Result<Came, std::string> keep();
  std::size_t count() const { return kept_.size(); }
  // To one of those kept, from 0 on; this process ends, and later bookmarks with it.
  [[noreturn]] void go_back(std::size_t number);

 private:
  std::vector<int> kept_;  // where each is told to go on
};

}  // namespace hvsim::session
