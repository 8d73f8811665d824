// The three facts that the monitor wants from a flattened device tree.
#pragma once

#include <cstdint>
#include <string_view>

namespace bare {

struct BoardFacts {
  std::string_view bootargs;       // /chosen bootargs; empty if absent
  std::uint64_t memory_bytes = 0;  // first memory node, 0 if absent (two address and two size cells)
  std::uint64_t timebase_hz = 0;   // /cpus timebase-frequency, 0 if absent
};

// Reads a device tree, or nothing at all where there is none at `tree`.
BoardFacts read_device_tree(const void* tree);

}  // namespace bare
