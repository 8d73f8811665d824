// Graphs of interconnects: distances, shared links, and what messages over them take.
#include "sim/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "models/mem/hierarchy.h"

namespace hvsim::sim {
namespace {

using mem::Interconnect;
using ::testing::HasSubstr;

constexpr std::uint64_t kRam = 0x8000'0000;

MachineConfig machine(TopologyKind kind, unsigned harts) {
  MachineConfig config;
  config.harts = harts;
  config.topology.kind = kind;
  config.topology.hop_latency = 3;
  config.topology.bytes_per_cycle = 16;
  return config;
}

Interconnect build(const MachineConfig& config) {
  return Interconnect(Topology(config).interconnect(), kRam);
}

TEST(Topology, IdealTakesNoTimeAndHasNothingToDraw) {
  EXPECT_TRUE(build(machine(TopologyKind::ideal, 4)).ideal());
}

TEST(Topology, InAMeshDistanceIsThatOfTheCity) {
  Interconnect mesh = build(machine(TopologyKind::mesh, 12));  // 4 columns, 3 rows
  for (unsigned a = 0; a < 12; ++a)
    for (unsigned b = 0; b < 12; ++b) {
      const int across = std::abs(static_cast<int>(a % 4) - static_cast<int>(b % 4)),
                down = std::abs(static_cast<int>(a / 4) - static_cast<int>(b / 4));
      const isa::Cycles at = 1000 * (12 * a + b + 1);
      EXPECT_EQ(mesh.send(mesh.node_of_hart(a), mesh.node_of_hart(b), 8, at) - at,
                3U * static_cast<unsigned>(across + down))
          << a << " to " << b;
    }
}

TEST(Topology, InARingMessagesTakeTheShorterWay) {
  Interconnect ring = build(machine(TopologyKind::ring, 7));
  for (unsigned b = 0; b < 7; ++b) {
    const isa::Cycles at = 1000 * (b + 1);
    EXPECT_EQ(ring.send(ring.node_of_hart(0), ring.node_of_hart(b), 8, at) - at, 3U * std::min(b, 7 - b));
  }
}

TEST(Topology, ALineTakesItsPiecesLongerOverANarrowLink) {
  Interconnect crossbar = build(machine(TopologyKind::crossbar, 2));
  const unsigned hart = crossbar.node_of_hart(0), home = crossbar.home_of(kRam, kRam / 64);
  EXPECT_EQ(crossbar.send(home, hart, 64, 1000), 1000U + 3 + 3);
  EXPECT_EQ(crossbar.send(hart, home, 8, 2000), 2000U + 3);
}

TEST(Topology, ABusIsOneLinkForAllAndACrossbarIsNot) {
  const auto last_of = [](TopologyKind kind) {
    Interconnect net = build(machine(kind, 4));
    isa::Cycles last = 0;
    for (unsigned message = 0; message < 256; ++message) {
      const unsigned from = message % 4;
      last = std::max(last, net.send(net.node_of_hart(from), net.node_of_hart((from + 1) % 4), 64, 0));
    }
    return last;
  };
  // 256 messages of 64 bytes at 16 bytes a cycle: 1024 cycles on one link, 256 on four.
  EXPECT_NEAR(static_cast<double>(last_of(TopologyKind::bus)), 1024, 64);
  EXPECT_NEAR(static_cast<double>(last_of(TopologyKind::crossbar)), 256, 64);
}

TEST(Topology, NumaMemoryIsNearOrFar) {
  MachineConfig config = machine(TopologyKind::numa, 4);
  config.topology.numa_latency = 40;
  config.memory_bytes = std::uint64_t{256} << 20;
  mem::HierarchyConfig levels;
  auto caches = std::move(mem::Hierarchy::create(levels, 4, {isa::Hpa{kRam}, config.memory_bytes}, 1,
                                                 Topology(config).interconnect())
                              .value());
  using Kind = mem::Hierarchy::Kind;
  const std::uint64_t far_half = kRam + config.memory_bytes / 2;
  // To the L2 slice and back, from there to memory and back; a line is four pieces on 16-byte links, eight on
  // the 8-byte links between nodes.
  const isa::Cycles near = 12 + 80 + 4 * 3 + 2 * 3;
  EXPECT_EQ(caches->access(0, Kind::load, isa::Hpa{kRam}, 1000).ready, 1000 + near);
  EXPECT_EQ(caches->access(3, Kind::load, isa::Hpa{far_half}, 2000).ready, 2000 + near);
  EXPECT_EQ(caches->access(0, Kind::load, isa::Hpa{far_half + 64}, 3000).ready,
            3000 + near + 2 * 40 + (7 - 3));
}

TEST(Topology, CoherenceMessagesTakeTheirWay) {
  const MachineConfig config = machine(TopologyKind::mesh, 16);
  mem::HierarchyConfig levels;
  auto caches = std::move(
      mem::Hierarchy::create(levels, 16, {isa::Hpa{kRam}, 1 << 20}, 1, Topology(config).interconnect())
          .value());
  using Kind = mem::Hierarchy::Kind;
  const auto take = [&](unsigned owner, unsigned reader) {  // of a line whose home is tile 0
    caches->access(owner, Kind::store, isa::Hpa{kRam}, 0);
    return caches->access(reader, Kind::load, isa::Hpa{kRam}, 10'000).ready - 10'000;
  };
  const isa::Cycles beside = take(1, 4);
  caches->flush();
  EXPECT_EQ(take(15, 4) - beside, 2U * (6 - 1) * 3) << "home asks the owner: six hops instead of one";
  EXPECT_EQ(caches->incoherence(), std::nullopt);
}

TEST(Topology, IsDrawnForGraphviz) {
  const std::string dot = Topology(machine(TopologyKind::ring, 4)).dot();
  EXPECT_THAT(dot, HasSubstr("graph topology {"));
  EXPECT_THAT(dot, HasSubstr("label=\"hart 3\""));
  EXPECT_THAT(dot, HasSubstr("label=\"L2 slice 3\""));
  EXPECT_THAT(dot, HasSubstr("3 cycles, 16 B/cycle"));
}

}  // namespace
}  // namespace hvsim::sim
