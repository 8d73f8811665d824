// Which device answers at a physical address: windows in order, without overlap.
#include "models/mem/bus.h"

#include <algorithm>
#include <cstdio>

namespace hvsim::mem {

namespace {

std::string describe(const Bus::Window& window) {
  char text[64];
  std::snprintf(text, sizeof text, " (0x%llx, 0x%llx bytes)",
                static_cast<unsigned long long>(window.base.value),
                static_cast<unsigned long long>(window.size));
  return window.name + text;
}

bool overlap(const Bus::Window& a, const Bus::Window& b) {
  return a.base.value - b.base.value < b.size || b.base.value - a.base.value < a.size;
}

}  // namespace

std::optional<std::string> Bus::add(isa::Hpa base, std::uint64_t size, std::string name,
                                    device::RegisterWindow& window) {
  return place({base, size, std::move(name), &window});
}

std::optional<std::string> Bus::reserve(isa::Hpa base, std::uint64_t size, std::string name) {
  return place({base, size, std::move(name), nullptr});
}

std::optional<std::string> Bus::place(Window window) {
  if (window.size == 0) return describe(window) + ": size is zero";
  if (window.base.value + window.size - 1 < window.base.value)
    return describe(window) + ": goes beyond the end of the address space";
  for (const Window& other : windows_)
    if (overlap(window, other)) return describe(window) + " overlaps " + describe(other);
  const auto after = std::ranges::upper_bound(windows_, window.base, {}, &Window::base);
  windows_.insert(after, std::move(window));
  return std::nullopt;
}

const Bus::Window* Bus::find(isa::Hpa address) const {
  const auto after = std::ranges::upper_bound(windows_, address, {}, &Window::base);
  if (after == windows_.begin()) return nullptr;
  const Window& candidate = *std::prev(after);
  const bool inside = address.value - candidate.base.value < candidate.size;
  return inside && candidate.window != nullptr ? &candidate : nullptr;
}

}  // namespace hvsim::mem
