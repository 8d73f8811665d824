// A device that works on its own between register accesses. It knows no time: whoever owns it asks for the
// next piece of work, lets time pass as the piece's size deserves, and then has it done.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace hvsim::device {

class Worker {
 public:
  virtual ~Worker() = default;
  // Chooses the next piece of work and says how many bytes it moves; nothing when there is none.
  virtual std::optional<std::uint64_t> begin() = 0;
  // Does what was begun, unless the driver has cancelled it meanwhile.
  virtual void finish() = 0;
};

// Told when a worker that had nothing to do may have something now.
using WorkAvailable = std::function<void()>;

}  // namespace hvsim::device
