// Buses, crossbars, rings, meshes and NUMA machines as graphs.
#include "sim/topology.h"

#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/graphviz.hpp>
#include <cmath>
#include <sstream>
#include <utility>

namespace hvsim::sim {
namespace {

unsigned mesh_columns(const TopologyConfig& config, unsigned harts) {
  if (config.columns != 0) return config.columns;
  return static_cast<unsigned>(std::ceil(std::sqrt(harts)));
}

unsigned tiles_of(const TopologyConfig& config, unsigned harts) {
  if (config.kind != TopologyKind::mesh) return harts;
  const unsigned columns = mesh_columns(config, harts);
  return (harts + columns - 1) / columns * columns;
}

std::string numbered(const char* name, unsigned number) { return name + std::to_string(number); }

const char* shape(Topology::Kind kind) {
  switch (kind) {
    case Topology::Kind::hart:
      return "box";
    case Topology::Kind::home:
      return "cylinder";
    case Topology::Kind::memory:
      return "box3d";
    default:
      return "circle";
  }
}

}  // namespace

std::optional<TopologyProblem> problem_of(const TopologyConfig& config, unsigned harts,
                                          std::uint64_t memory_bytes) {
  const bool tiled = config.kind == TopologyKind::ring || config.kind == TopologyKind::mesh;
  if (tiled && config.memory_controllers > tiles_of(config, harts))
    return TopologyProblem{
        "memory_controllers", std::to_string(config.memory_controllers),
        "expected at most " + std::to_string(tiles_of(config, harts)) + ", the number of tiles"};
  if (config.kind == TopologyKind::mesh && config.columns > harts)
    return TopologyProblem{"columns", std::to_string(config.columns),
                           "expected at most " + std::to_string(harts) + ", the number of harts"};
  if (config.kind != TopologyKind::numa) return std::nullopt;
  if (config.numa_nodes > harts)
    return TopologyProblem{"numa_nodes", std::to_string(config.numa_nodes),
                           "expected at most " + std::to_string(harts) + ", the number of harts"};
  if (memory_bytes / config.numa_nodes % isa::kPageBytes != 0)
    return TopologyProblem{"numa_nodes", std::to_string(config.numa_nodes),
                           "expected a number that divides machine.memory_bytes into whole pages"};
  return std::nullopt;
}

Topology::Topology(const MachineConfig& config) : config_(config) {
  switch (config.topology.kind) {
    case TopologyKind::ideal:
      break;
    case TopologyKind::bus:
      build_bus();
      break;
    case TopologyKind::crossbar:
      build_crossbar();
      break;
    case TopologyKind::ring:
      build_tiles(config.harts, true);
      break;
    case TopologyKind::mesh:
      build_tiles(mesh_columns(config.topology, config.harts), false);
      break;
    case TopologyKind::numa:
      build_numa();
      break;
  }
}

auto Topology::add(const std::string& name, Kind kind) -> Vertex {
  const Vertex node = boost::add_vertex(Node{name, kind}, graph_);
  if (kind == Kind::hart) harts_.push_back(node);
  if (kind == Kind::home) homes_.push_back(node);
  if (kind == Kind::memory) memories_.push_back(node);
  return node;
}

void Topology::link(Vertex from, Vertex to, isa::Cycles latency, unsigned bytes_per_cycle) {
  boost::add_edge(from, to, Edge{latency, bytes_per_cycle}, graph_);
}

void Topology::link_both(Vertex a, Vertex b, isa::Cycles latency, unsigned bytes_per_cycle) {
  link(a, b, latency, bytes_per_cycle);
  link(b, a, latency, bytes_per_cycle);
}

// Everybody's messages pass one link.
void Topology::build_bus() {
  const Vertex in = add("bus", Kind::router), out = add("bus, far side", Kind::router);
  link(in, out, config_.topology.hop_latency, config_.topology.bytes_per_cycle);
  const auto connect = [&](Vertex node) {
    link(node, in, 0, 0);
    link(out, node, 0, 0);
  };
  for (unsigned hart = 0; hart < config_.harts; ++hart) connect(add(numbered("hart ", hart), Kind::hart));
  connect(add("L2", Kind::home));
  for (unsigned i = 0; i < config_.topology.memory_controllers; ++i)
    connect(add(numbered("memory ", i), Kind::memory));
}

// A link of its own for everybody, into the crossbar and out of it; the way out takes the time.
void Topology::build_crossbar() {
  const TopologyConfig& topology = config_.topology;
  const Vertex center = add("crossbar", Kind::router);
  const auto connect = [&](Vertex node) {
    link(node, center, 0, topology.bytes_per_cycle);
    link(center, node, topology.hop_latency, topology.bytes_per_cycle);
  };
  for (unsigned hart = 0; hart < config_.harts; ++hart) connect(add(numbered("hart ", hart), Kind::hart));
  connect(add("L2", Kind::home));
  for (unsigned i = 0; i < topology.memory_controllers; ++i)
    connect(add(numbered("memory ", i), Kind::memory));
}

// A router per tile with a hart and a slice of the L2; memory controllers at equal distances.
void Topology::build_tiles(unsigned columns, bool ring) {
  const TopologyConfig& topology = config_.topology;
  const unsigned tiles = tiles_of(topology, config_.harts);
  std::vector<Vertex> routers;
  for (unsigned tile = 0; tile < tiles; ++tile)
    routers.push_back(add(numbered("router ", tile), Kind::router));
  for (unsigned tile = 0; tile < tiles; ++tile) {
    if (tile < config_.harts) attach(add(numbered("hart ", tile), Kind::hart), routers[tile]);
    attach(add(numbered("L2 slice ", tile), Kind::home), routers[tile]);
    const auto join = [&](unsigned other) {
      link_both(routers[tile], routers[other], topology.hop_latency, topology.bytes_per_cycle);
    };
    if ((tile + 1) % columns != 0 && tile + 1 < tiles) join(tile + 1);
    if (!ring && tile + columns < tiles) join(tile + columns);
  }
  if (ring && tiles > 2)
    link_both(routers[tiles - 1], routers[0], topology.hop_latency, topology.bytes_per_cycle);
  for (unsigned i = 0; i < topology.memory_controllers; ++i)
    attach(add(numbered("memory ", i), Kind::memory), routers[i * tiles / topology.memory_controllers]);
}

// A crossbar per node, with its harts, its memory and the L2 slice for that memory; a link between any two.
void Topology::build_numa() {
  const TopologyConfig& topology = config_.topology;
  std::vector<Vertex> centers;
  for (unsigned node = 0; node < topology.numa_nodes; ++node)
    centers.push_back(add(numbered("node ", node), Kind::router));
  const auto connect = [&](Vertex what, unsigned node) {
    link(what, centers[node], 0, topology.bytes_per_cycle);
    link(centers[node], what, topology.hop_latency, topology.bytes_per_cycle);
  };
  for (unsigned hart = 0; hart < config_.harts; ++hart)
    connect(add(numbered("hart ", hart), Kind::hart), hart * topology.numa_nodes / config_.harts);
  for (unsigned node = 0; node < topology.numa_nodes; ++node) {
    connect(add(numbered("L2 slice ", node), Kind::home), node);
    connect(add(numbered("memory ", node), Kind::memory), node);
    for (unsigned other = node + 1; other < topology.numa_nodes; ++other)
      link_both(centers[node], centers[other], topology.numa_latency, topology.numa_bytes_per_cycle);
  }
}

mem::InterconnectConfig Topology::interconnect() const {
  mem::InterconnectConfig result;
  const auto count = static_cast<unsigned>(boost::num_vertices(graph_));
  if (count == 0) return result;
  result.nodes = count;
  result.routes.resize(std::size_t{count} * count);
  std::vector<std::vector<std::optional<std::uint16_t>>> numbers(
      count, std::vector<std::optional<std::uint16_t>>(count));
  for (const auto edge : boost::make_iterator_range(boost::edges(graph_))) {
    if (graph_[edge].bytes_per_cycle == 0) continue;
    const Vertex from = boost::source(edge, graph_), to = boost::target(edge, graph_);
    numbers[from][to] = static_cast<std::uint16_t>(result.links.size());
    result.links.push_back(
        {graph_[from].name + " -> " + graph_[to].name, graph_[edge].latency, graph_[edge].bytes_per_cycle});
  }
  constexpr std::uint64_t kHop = 1, kCycle = 1024;
  for (Vertex from = 0; from < count; ++from) {
    std::vector<Vertex> before(count);
    std::vector<std::uint64_t> distance(count);
    const auto weights = boost::make_transform_value_property_map(
        [](const Edge& edge) { return edge.latency * kCycle + kHop; },
        boost::get(boost::edge_bundle, graph_));
    boost::dijkstra_shortest_paths(
        graph_, from,
        boost::predecessor_map(before.data()).distance_map(distance.data()).weight_map(weights));
    for (Vertex to = 0; to < count; ++to) {
      mem::InterconnectConfig::Route route;
      for (Vertex at = to; at != from; at = before[at])
        if (const auto number = numbers[before[at]][at]) route.insert(route.begin(), *number);
      result.routes[from * count + to] = std::move(route);
    }
  }
  const auto as_numbers = [](const std::vector<Vertex>& nodes) {
    return std::vector<unsigned>(nodes.begin(), nodes.end());
  };
  result.hart_nodes = as_numbers(harts_);
  result.home_nodes = as_numbers(homes_);
  result.memory_nodes = as_numbers(memories_);
  if (config_.topology.kind == TopologyKind::numa)
    result.node_bytes = config_.memory_bytes / config_.topology.numa_nodes;
  return result;
}

std::string Topology::dot() const {
  std::ostringstream text;
  text << "graph topology {\n  node [fontname=\"sans-serif\"];\n";
  for (const Vertex node : boost::make_iterator_range(boost::vertices(graph_)))
    text << "  n" << node << " [label=" << boost::escape_dot_string(graph_[node].name)
         << ", shape=" << shape(graph_[node].kind) << "];\n";
  for (const auto edge : boost::make_iterator_range(boost::edges(graph_))) {
    const Vertex from = boost::source(edge, graph_), to = boost::target(edge, graph_);
    const bool both = boost::edge(to, from, graph_).second;
    if (both && from > to) continue;
    text << "  n" << from << " -- n" << to;
    const Edge& there = graph_[edge];
    // Of an asymmetric pair, the way that takes time.
    const Edge& back = both ? graph_[boost::edge(to, from, graph_).first] : there;
    if (there.bytes_per_cycle != 0)
      text << " [label=\"" << std::max(there.latency, back.latency) << " cycles, " << there.bytes_per_cycle
           << " B/cycle\"]";
    else
      text << " [style=dotted]";
    text << ";\n";
  }
  text << "}\n";
  return text.str();
}

}  // namespace hvsim::sim
