// The machine's topology as a graph: built from the config, drawn as DOT, and worked out into routes for the
// models.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/mem/interconnect.h"
#include "sim/config.h"

namespace hvsim::sim {

class Topology {
 public:
  enum class Kind : std::uint8_t { hart, home, memory, router };
  struct Node {
    std::string name;
    Kind kind = Kind::router;
  };
  struct Edge {
    isa::Cycles latency = 0;
    unsigned bytes_per_cycle = 0;  // 0: no limit; such edges only attach something to its router
  };
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, Node, Edge>;
  using Vertex = boost::graph_traits<Graph>::vertex_descriptor;

  // The config must have no problem_of().
  explicit Topology(const MachineConfig& config);

  const Graph& graph() const { return graph_; }
  // Shortest routes by latency, then by hops. Without links for an ideal interconnect.
  mem::InterconnectConfig interconnect() const;
  // For Graphviz; both directions of a link are one line.
  std::string dot() const;

 private:
  Vertex add(const std::string& name, Kind kind);
  void link(Vertex from, Vertex to, isa::Cycles latency, unsigned bytes_per_cycle);
  void link_both(Vertex a, Vertex b, isa::Cycles latency, unsigned bytes_per_cycle);
  void attach(Vertex node, Vertex router) { link_both(node, router, 0, 0); }
  void build_bus();
  void build_crossbar();
  void build_tiles(unsigned columns, bool ring);
  void build_numa();

  MachineConfig config_;
  Graph graph_;
  std::vector<Vertex> harts_, homes_, memories_;
};

struct TopologyProblem {
  std::string key, value, expected;
};
// What this config cannot be built as, if anything.
std::optional<TopologyProblem> problem_of(const TopologyConfig& config, unsigned harts,
                                          std::uint64_t memory_bytes);

}  // namespace hvsim::sim
