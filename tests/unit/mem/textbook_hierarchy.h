// A slow, obvious model of the coherent hierarchy, to check the fast one against: sets are lists, every
// question is answered by searching them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <vector>

#include "models/mem/hierarchy.h"

namespace hvsim::mem {

class TextbookHierarchy {
 public:
  using Kind = Hierarchy::Kind;
  struct Counts {
    std::uint64_t accesses = 0, misses = 0, evictions = 0, writebacks = 0, invalidations = 0;
  };
  // A list of lines per set, the next victim in front. L1s are fifo, the L2 is lru.
  struct Level {
    struct Line {
      std::uint64_t number;
      bool modified = false;  // L1D: this hart may write it. L2: memory is stale
    };
    std::vector<std::list<Line>> sets;
    std::size_t ways;
    Counts counts;

    Level(const CacheConfig& config)
        : sets(config.size_bytes / config.line_bytes / config.ways), ways(config.ways) {}
    Line* find(std::uint64_t number) {
      for (Line& line : sets[number % sets.size()])
        if (line.number == number) return &line;
      return nullptr;
    }
    void remove(std::uint64_t number) {
      sets[number % sets.size()].remove_if([&](const Line& line) { return line.number == number; });
    }
  };

  TextbookHierarchy(const HierarchyConfig& config, unsigned harts)
      : config_(config), l1i(harts, Level(config.l1i)), l1d(harts, Level(config.l1d)), l2(config.l2) {}

  Hierarchy::Outcome access(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at) {
    const std::uint64_t number = address.value / config_.l2.line_bytes;
    const bool store = kind == Kind::store;
    Level& l1 = kind == Kind::fetch ? l1i[hart] : l1d[hart];
    ++l1.counts.accesses;
    at += kind == Kind::fetch ? config_.l1i.hit_latency : config_.l1d.hit_latency;
    if (Level::Line* line = l1.find(number)) {
      if (!store || line->modified) return {at, Served::l1};
      const bool shared = remove_elsewhere(hart, number);
      line->modified = true;
      return {at + (shared ? config_.coherence_latency : 0), Served::l1};
    }
    ++l1.counts.misses;
    Served by = Served::l2;
    at += config_.l2.hit_latency;
    if (!use_in_l2(number)) {
      by = Served::memory;
      at += config_.memory_latency;
    }
    const bool modified = write_back_modified(number, store);
    if (modified) by = Served::other_l1;
    if (store) {
      if (remove_elsewhere(hart, number)) at += config_.coherence_latency;
    } else if (modified) {
      at += config_.coherence_latency;
    }
    insert(l1, number, store);
    return {at, by};
  }

 private:
  bool remove_elsewhere(unsigned hart, std::uint64_t number) {
    bool any = false;
    for (unsigned other = 0; other < l1d.size(); ++other) {
      if (other == hart || l1d[other].find(number) == nullptr) continue;
      any = true;
      l1d[other].remove(number);
      ++l1d[other].counts.invalidations;
    }
    return any;
  }
  // Whether some L1D had it modified; then the L2 has the data now.
  bool write_back_modified(std::uint64_t number, bool for_store) {
    for (Level& level : l1d) {
      Level::Line* line = level.find(number);
      if (line == nullptr || !line->modified) continue;
      ++level.counts.writebacks;
      l2.find(number)->modified = true;
      if (!for_store) line->modified = false;
      return true;
    }
    return false;
  }
  bool use_in_l2(std::uint64_t number) {
    ++l2.counts.accesses;
    auto& set = l2.sets[number % l2.sets.size()];
    for (auto line = set.begin(); line != set.end(); ++line)
      if (line->number == number) {
        set.splice(set.end(), set, line);
        return true;
      }
    ++l2.counts.misses;
    if (set.size() == l2.ways) {
      const std::uint64_t victim = set.front().number;
      bool stale = set.front().modified;
      for (Level& level : l1d)
        if (Level::Line* copy = level.find(victim)) {
          stale |= copy->modified;
          level.counts.writebacks += copy->modified;
          level.remove(victim);
          ++level.counts.invalidations;
        }
      for (Level& level : l1i)
        if (level.find(victim) != nullptr) {
          level.remove(victim);
          ++level.counts.invalidations;
        }
      ++l2.counts.evictions;
      l2.counts.writebacks += stale;
      set.pop_front();
    }
    set.push_back({number});
    return false;
  }
  void insert(Level& l1, std::uint64_t number, bool modified) {
    auto& set = l1.sets[number % l1.sets.size()];
    if (set.size() == l1.ways) {
      if (set.front().modified) {
        l2.find(set.front().number)->modified = true;
        ++l1.counts.writebacks;
      }
      ++l1.counts.evictions;
      set.pop_front();
    }
    set.push_back({number, modified});
  }

  HierarchyConfig config_;

 public:
  std::vector<Level> l1i, l1d;
  Level l2;
};

}  // namespace hvsim::mem
