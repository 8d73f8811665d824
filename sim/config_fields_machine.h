// The field lists of a machine: harts, topology, and the parts that other files list.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "hypervisor/limits.h"
#include "sim/config.h"
#include "sim/config_fields_devices.h"
#include "sim/config_fields_isa.h"
#include "sim/config_fields_memory.h"
#include "sim/config_fields_timing.h"
#include "sim/config_rules.h"
#include "sim/describe.h"

namespace hvsim::sim {

template <>
struct Named<TimingMode> {
  static constexpr std::array choices{std::pair{TimingMode::functional, "functional"},
                                      std::pair{TimingMode::fast, "fast"},
                                      std::pair{TimingMode::detailed, "detailed"}};
};

template <>
struct Named<TopologyKind> {
  using E = TopologyKind;
  static constexpr std::array choices{std::pair{E::ideal, "ideal"},       std::pair{E::bus, "bus"},
                                      std::pair{E::crossbar, "crossbar"}, std::pair{E::ring, "ring"},
                                      std::pair{E::mesh, "mesh"},         std::pair{E::numa, "numa"}};
};

template <>
struct Described<TopologyConfig> {
  using T = TopologyConfig;
  static constexpr auto fields = std::tuple{
      Field{"kind", &T::kind, Unit::none,
            "ideal: no time and no limit; bus: one link for all; crossbar; ring and mesh of tiles with a "
            "hart and "
            "an L2 slice each; numa: crossbars with their own memory"},
      Field{"hop_latency", &T::hop_latency, Unit::cycles, "of a link", kLatency},
      Field{"bytes_per_cycle", &T::bytes_per_cycle, Unit::bytes, "per cycle of a link, each way",
            Rule{.min = 1, .max = 1024}},
      Field{"columns", &T::columns, Unit::count, "of a mesh; 0: as square as can be", Rule{.max = kMaxHarts}},
      Field{"memory_controllers", &T::memory_controllers, Unit::count, "which lines take turns over",
            Rule{.min = 1, .max = 16}},
      Field{"numa_nodes", &T::numa_nodes, Unit::count, "which share harts and memory evenly",
            Rule{.min = 1, .max = 16}},
      Field{"numa_latency", &T::numa_latency, Unit::cycles, "of a link between NUMA nodes", kLatency},
      Field{"numa_bytes_per_cycle", &T::numa_bytes_per_cycle, Unit::bytes, "per cycle of such a link",
            Rule{.min = 1, .max = 1024}}};
};

template <>
struct Described<MachineConfig> {
  using T = MachineConfig;
  static constexpr auto fields = std::tuple{
      Field{"harts", &T::harts, Unit::count, "RISC-V harts", Rule{.min = 1, .max = kMaxHarts}},
      Field{"clock_mhz", &T::clock_mhz, Unit::megahertz, "hart clock, a multiple of the 10 MHz time base",
            Rule{.min = kTimebaseMhz, .max = 10'000}},
      Field{"memory_bytes", &T::memory_bytes, Unit::bytes, "RAM from 0x80000000",
            Rule{.min = std::uint64_t{1} << 20, .max = std::uint64_t{1} << 36}},
      Field{"isa", &T::isa, Unit::none, "extensions beyond RV64GC_Zba_Zbb_Zbs"},
      Field{"mode", &T::mode, Unit::none,
            "functional: a cycle per instruction; fast: with timing; detailed: with a pipeline that knows of "
            "each "
            "instruction"},
      Field{"quantum_cycles", &T::quantum_cycles, Unit::cycles, "how far harts may run ahead of each other",
            Rule{.min = 100, .max = 10'000'000}},
      Field{"caches", &T::caches, Unit::none, "caches and memory"},
      Field{"topology", &T::topology, Unit::none, "what connects harts, shared caches and memory"},
      Field{"mmu", &T::mmu, Unit::none, "TLBs"},
      Field{"branch_predictor", &T::branch_predictor, Unit::none, "branch prediction of each hart"},
      Field{"costs", &T::costs, Unit::none, "what instructions and events cost"},
      Field{"pipeline", &T::pipeline, Unit::none, "the harts' pipeline in the detailed mode"},
      Field{"console", &T::console, Unit::none, "what is typed into the UART"},
      Field{"devices", &T::devices, Unit::none, "devices beside console, clock and interrupt controllers"}};
};

}  // namespace hvsim::sim
