// Messages over routes of links.
#include "models/mem/interconnect.h"

#include <algorithm>

namespace hvsim::mem {

Interconnect::Interconnect(InterconnectConfig config, std::uint64_t ram_base)
    : config_(std::move(config)), ideal_(config_.ideal()), ram_base_(ram_base), stats_(config_.links.size()) {
  for (const auto& link : config_.links) bandwidths_.emplace_back(link.bytes_per_cycle);
}

isa::Cycles Interconnect::send(unsigned from, unsigned to, unsigned bytes, isa::Cycles at) {
  if (from == to) return at;
  unsigned narrowest = bytes;
  for (const std::uint16_t number : config_.routes[std::size_t{from} * config_.nodes + to]) {
    const auto& link = config_.links[number];
    const isa::Cycles admitted = bandwidths_[number].admit(at, bytes);
    LinkStats& stats = stats_[number];
    ++stats.messages;
    stats.bytes += bytes;
    stats.wait += admitted - at;
    at = admitted + link.latency;
    narrowest = std::min(narrowest, link.bytes_per_cycle);
  }
  return at + (bytes - 1) / narrowest;  // the rest follows the first piece
}

unsigned Interconnect::choose(const std::vector<unsigned>& nodes, std::uint64_t address,
                              std::uint64_t line) const {
  if (config_.node_bytes == 0) return nodes[line % nodes.size()];
  const std::uint64_t index = address < ram_base_ ? 0 : (address - ram_base_) / config_.node_bytes;
  return nodes[std::min<std::uint64_t>(index, nodes.size() - 1)];
}

}  // namespace hvsim::mem
