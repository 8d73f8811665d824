// Why there is no result of a run, as one line.
#pragma once

#include <cerrno>
#include <string>

namespace hvsim::sim {

struct Refusal {
  std::string line;
  // Nobody's mistake: the host has no place for what the run writes. Where it has some, the run can be done.
  bool unwritable = false;

  bool empty() const { return line.empty(); }
};

// Whether a call that failed with this error found a full or broken file system, not a wrong name.
inline bool without_place(int error) {
  return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

}  // namespace hvsim::sim
