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
  // A list of lines per set, the next victim in front: fifo or lru.
  struct Level {
    struct Line {
      std::uint64_t number;
      char state = 'S';    // of an L1D's line: S, E or M
      bool dirty = false;  // of an L2's or LLC's: newer than what is behind
    };
    std::vector<std::list<Line>> sets;
    std::size_t ways;
    bool lru;
    Counts counts;

    Level(const CacheConfig& config)
        : sets(config.size_bytes / config.line_bytes / config.ways),
          ways(config.ways),
          lru(config.replacement == Replacement::lru) {}
    Line* find(std::uint64_t number) {
      for (Line& line : sets[number % sets.size()])
        if (line.number == number) return &line;
      return nullptr;
    }
    void use(std::uint64_t number) {
      auto& set = sets[number % sets.size()];
      for (auto line = set.begin(); lru && line != set.end(); ++line)
        if (line->number == number) {
          set.splice(set.end(), set, line);
          return;
        }
    }
    bool full(std::uint64_t number) const { return sets[number % sets.size()].size() == ways; }
    Line& victim(std::uint64_t number) { return sets[number % sets.size()].front(); }
    void insert(Line line) { sets[line.number % sets.size()].push_back(line); }
    void remove(std::uint64_t number) {
      sets[number % sets.size()].remove_if([&](const Line& line) { return line.number == number; });
    }
  };

  TextbookHierarchy(const HierarchyConfig& config, unsigned harts)
      : config_(config),
        through_(config.l1d.write_policy == WritePolicy::write_through),
        l1i(harts, Level(config.l1i)),
        l1d(harts, Level(config.l1d)),
        l2(config.l2),
        llc(config.llc) {}

  Hierarchy::Outcome access(unsigned hart, Kind kind, isa::Hpa address, isa::Cycles at) {
    const std::uint64_t number = address.value / config_.l1d.line_bytes;
    const bool store = kind == Kind::store, fetch = kind == Kind::fetch;
    const CacheConfig& own = fetch ? config_.l1i : config_.l1d;
    Level& l1 = fetch ? l1i[hart] : l1d[hart];
    ++l1.counts.accesses;
    at += own.hit_latency;
    if (l1.find(number) != nullptr) {
      l1.use(number);
      return store ? write_held(hart, number, at) : Hierarchy::Outcome{at, Served::l1};
    }
    ++l1.counts.misses;
    if (store && !own.write_allocate) return write_past(hart, number, at);
    Served by = Served::l2;
    isa::Cycles ready = below(number, at + own.miss_latency, by);
    // Someone who may have written it must be asked.
    for (unsigned other = 0; other < l1d.size(); ++other) {
      Level::Line* copy = l1d[other].find(number);
      if (copy == nullptr || copy->state == 'S' || (other == hart && copy->state == 'E')) continue;
      if (!through_ && copy->state == 'M') by = Served::other_l1;
      if (!store) {
        if (!through_) ready += config_.coherence_latency;
        give_up(other, *copy);
        copy->state = 'S';
      }
    }
    if (store && remove_elsewhere(hart, number) && !through_) ready += config_.coherence_latency;
    const bool alone = config_.coherence == Coherence::mesi && !through_ && copies(number) == 0;
    if (l1.full(number)) {
      if (!fetch) give_up(hart, l1.victim(number));
      ++l1.counts.evictions;
      l1.remove(l1.victim(number).number);
    }
    l1.insert({number, store ? 'M' : alone ? 'E' : 'S'});
    if (store && through_) dirty(number);
    return {ready, by, store && through_ ? ready + write_latency() : 0};
  }

 private:
  std::uint64_t l2_number(std::uint64_t number) const {
    return number * config_.l1d.line_bytes / config_.l2.line_bytes;
  }
  std::uint64_t llc_number(std::uint64_t number) const {
    return number * config_.l1d.line_bytes / config_.llc.line_bytes;
  }
  isa::Cycles write_latency() const {
    return config_.has_l2    ? config_.l2.hit_latency
           : config_.has_llc ? config_.llc.hit_latency
                             : config_.memory_write_latency;
  }
  unsigned copies(std::uint64_t number) {
    return static_cast<unsigned>(
        std::ranges::count_if(l1d, [&](Level& level) { return level.find(number) != nullptr; }));
  }
  Hierarchy::Outcome write_held(unsigned hart, std::uint64_t number, isa::Cycles at) {
    Level::Line& line = *l1d[hart].find(number);
    const char before = line.state;
    line.state = 'M';
    const bool others = remove_elsewhere(hart, number);
    if (through_) {
      if (before != 'M') dirty(number);
      return {at, Served::l1, at + (others ? config_.coherence_latency : 0) + write_latency()};
    }
    return {at + (before == 'S' ? config_.coherence_latency : 0), Served::l1};
  }
  Hierarchy::Outcome write_past(unsigned hart, std::uint64_t number, isa::Cycles at) {
    Served by = Served::memory;
    isa::Cycles written = config_.has_l2 ? below(number, at, by) : at + write_latency();
    dirty(number);
    if (remove_elsewhere(hart, number)) written += config_.coherence_latency;
    return {at, by, written};
  }
  bool remove_elsewhere(unsigned hart, std::uint64_t number) {
    bool any = false;
    for (unsigned other = 0; other < l1d.size(); ++other) {
      Level::Line* copy = l1d[other].find(number);
      if (other == hart || copy == nullptr) continue;
      any = true;
      give_up(other, *copy);
      l1d[other].remove(number);
      ++l1d[other].counts.invalidations;
    }
    return any;
  }
  // What an L1D does about a line that it may not keep as it is.
  void give_up(unsigned hart, const Level::Line& line) {
    if (through_ || line.state != 'M') return;
    ++l1d[hart].counts.writebacks;
    dirty(line.number);
  }
  void dirty(std::uint64_t number) {
    if (config_.has_l2)
      l2.find(l2_number(number))->dirty = true;
    else
      dirty_behind_l2(number);
  }
  void dirty_behind_l2(std::uint64_t number) {
    if (!config_.has_llc) return;
    if (llc.find(llc_number(number)) == nullptr) insert_in_llc(number);
    llc.find(llc_number(number))->dirty = true;
  }
  isa::Cycles below(std::uint64_t number, isa::Cycles at, Served& by) {
    if (!config_.has_l2) return behind_l2(number, at, by);
    ++l2.counts.accesses;
    at += config_.l2.hit_latency;
    by = Served::l2;
    const std::uint64_t own = l2_number(number);
    if (l2.find(own) != nullptr) {
      l2.use(own);
      return at;
    }
    ++l2.counts.misses;
    at = behind_l2(number, at + config_.l2.miss_latency, by);
    if (l2.full(own)) evict_from_l2(l2.victim(own).number);
    l2.insert({own});
    return at;
  }
  void evict_from_l2(std::uint64_t victim) {
    const std::uint64_t ratio = config_.l2.line_bytes / config_.l1d.line_bytes;
    for (std::uint64_t number = victim * ratio; number < (victim + 1) * ratio; ++number) {
      for (unsigned hart = 0; hart < l1d.size(); ++hart)
        if (Level::Line* copy = l1d[hart].find(number)) {
          give_up(hart, *copy);
          l1d[hart].remove(number);
          ++l1d[hart].counts.invalidations;
        }
      for (Level& level : l1i)
        if (level.find(number) != nullptr) {
          level.remove(number);
          ++level.counts.invalidations;
        }
    }
    ++l2.counts.evictions;
    if (l2.find(victim)->dirty) {
      ++l2.counts.writebacks;
      dirty_behind_l2(victim * ratio);
    }
    l2.remove(victim);
  }
  isa::Cycles behind_l2(std::uint64_t number, isa::Cycles at, Served& by) {
    by = Served::memory;
    if (!config_.has_llc) return at + config_.memory_latency;
    ++llc.counts.accesses;
    at += config_.llc.hit_latency;
    if (llc.find(llc_number(number)) != nullptr) {
      llc.use(llc_number(number));
      by = Served::llc;
      return at;
    }
    ++llc.counts.misses;
    insert_in_llc(number);
    return at + config_.llc.miss_latency + config_.memory_latency;
  }
  void insert_in_llc(std::uint64_t number) {
    const std::uint64_t own = llc_number(number);
    if (llc.full(own)) {
      ++llc.counts.evictions;
      llc.counts.writebacks += llc.victim(own).dirty;
      llc.remove(llc.victim(own).number);
    }
    llc.insert({own});
  }

  HierarchyConfig config_;
  bool through_;

 public:
  std::vector<Level> l1i, l1d;
  Level l2, llc;
};

}  // namespace hvsim::mem
