// Which device answers at a physical address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/device/device.h"

namespace hvsim::mem {

class Bus {
 public:
  struct Window {
    isa::Hpa base{};
    std::uint64_t size = 0;
    std::string name;
    device::RegisterWindow* window = nullptr;  // nullptr: reserved for memory, never found
  };

  // The answer says what is wrong (zero size, wrap-around, overlap and with whom), if anything.
  std::optional<std::string> add(isa::Hpa base, std::uint64_t size, std::string name,
                                 device::RegisterWindow& window);
  // Keeps windows away from RAM and ROM.
  std::optional<std::string> reserve(isa::Hpa base, std::uint64_t size, std::string name);

  // The device window that holds this address, or nullptr. Pointers stay valid until the next add().
  const Window* find(isa::Hpa address) const;
  // In order of address, reserved ranges included.
  const std::vector<Window>& windows() const { return windows_; }

 private:
  std::optional<std::string> place(Window window);

  std::vector<Window> windows_;
};

}  // namespace hvsim::mem
