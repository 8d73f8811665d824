// A device's register window, as the bus sees it: plain C++, wrapped by a TLM-2.0 shell in sim/.
#pragma once

#include <cstdint>

namespace hvsim::device {

class RegisterWindow {
 public:
  virtual ~RegisterWindow() = default;
  // `offset` is below the window's size and aligned to `bytes` (1, 2, 4 or 8).
  // false: the device has nothing there in that width; the hart takes an access fault.
  virtual bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) = 0;
  virtual bool write(std::uint64_t offset, unsigned bytes, std::uint64_t value) = 0;
};

}  // namespace hvsim::device
