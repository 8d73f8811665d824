// What connects harts, shared caches and memory: links with a latency and a bandwidth, and routes over them.
// Which there are is data: sim/topology works it out from a graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/mem/bandwidth.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

struct InterconnectConfig {
  struct Link {
    std::string name;
    isa::Cycles latency = 0;
    unsigned bytes_per_cycle = 1;
  };
  using Route = std::vector<std::uint16_t>;  // links in the order that they are passed

  std::vector<Link> links;
  unsigned nodes = 0;
  std::vector<Route> routes;         // from * nodes + to
  std::vector<unsigned> hart_nodes;  // by hart
  std::vector<unsigned> home_nodes;  // of the shared cache's slices, or the directory's
  std::vector<unsigned> memory_nodes;
  std::uint64_t node_bytes = 0;  // contiguous bytes of each slice and memory; 0: lines take turns

  bool ideal() const { return links.empty(); }
};

struct LinkStats {
  std::uint64_t messages = 0, bytes = 0;
  isa::Cycles wait = 0;  // for other messages
};

class Interconnect {
 public:
  static constexpr unsigned kRequestBytes = 8;  // an address and what is wanted

  Interconnect(InterconnectConfig config, std::uint64_t ram_base);

  bool ideal() const { return ideal_; }
  // When a message of so many bytes has arrived.
  isa::Cycles send(unsigned from, unsigned to, unsigned bytes, isa::Cycles at);
  // There with a request, `inside` cycles there, and back with an answer.
  isa::Cycles round_trip(unsigned from, unsigned to, isa::Cycles inside, unsigned answer_bytes,
                         isa::Cycles at) {
    return send(to, from, answer_bytes, send(from, to, kRequestBytes, at) + inside);
  }
  unsigned node_of_hart(unsigned hart) const { return config_.hart_nodes[hart]; }
  unsigned home_of(std::uint64_t address, std::uint64_t line) const {
    return choose(config_.home_nodes, address, line);
  }
  unsigned memory_of(std::uint64_t address, std::uint64_t line) const {
    return choose(config_.memory_nodes, address, line);
  }

  const InterconnectConfig& config() const { return config_; }
  const std::vector<LinkStats>& stats() const { return stats_; }
  void persist(state::Archive& archive);

 private:
  unsigned choose(const std::vector<unsigned>& nodes, std::uint64_t address, std::uint64_t line) const;

  InterconnectConfig config_;
  bool ideal_;
  std::uint64_t ram_base_;
  std::vector<Bandwidth> bandwidths_;
  std::vector<LinkStats> stats_;
};

}  // namespace hvsim::mem
