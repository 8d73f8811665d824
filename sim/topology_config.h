// How harts, shared caches and memory are connected, as a config says it.
#pragma once

#include <cstdint>

#include "models/cpu/isa/types.h"

namespace hvsim::sim {

enum class TopologyKind : std::uint8_t { ideal, bus, crossbar, ring, mesh, numa };

struct TopologyConfig {
  TopologyKind kind = TopologyKind::ideal;
  isa::Cycles hop_latency = 2;
  unsigned bytes_per_cycle = 16;  // of a link, each way
  unsigned columns = 0;           // of a mesh; 0: as square as can be
  unsigned memory_controllers = 1;
  unsigned numa_nodes = 2;
  isa::Cycles numa_latency = 40;  // of a link between NUMA nodes
  unsigned numa_bytes_per_cycle = 8;
};

}  // namespace hvsim::sim
