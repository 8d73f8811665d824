// Regions of interest: what happened between a region_begin and its region_end, in or for one VCPU.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "models/cpu/accountant.h"
#include "models/state/archive_forward.h"
#include "models/statistics/histogram.h"
#include "sim/config.h"
#include "sim/machine.h"

namespace hvsim::sim {

class RegionRecorder {
 public:
  explicit RegionRecorder(Machine& machine) : machine_(machine) {}

  void begin(unsigned hart, isa::Cycles now, const cpu::CellKey& who, std::uint64_t region);
  void end(unsigned hart, isa::Cycles now, const cpu::CellKey& who, std::uint64_t region);
  void reset();  // regions that have begun go on from there
  void persist(state::Archive& archive);
  std::vector<RegionRow> rows(const Config& config) const;

 private:
  // Software chooses numbers; beyond so many regions, further ones are not recorded.
  static constexpr std::size_t kMaxRegions = 1024;
  static constexpr unsigned kAnyHart = ~0U;

  struct Key {
    std::uint32_t vm = cpu::kNoVm, vcpu = 0;
    unsigned hart = kAnyHart;
    std::uint64_t region = 0;
    void persist(state::Archive& archive);
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using ByMode = cpu::Accountant::ByMode;
  struct Region {
    statistics::Histogram elapsed;
    ByMode sum{};
    std::uint64_t unmatched = 0;
    std::optional<isa::Cycles> began;
    ByMode at_begin{};
    void persist(state::Archive& archive);
  };

  static Key key_of(unsigned hart, const cpu::CellKey& who, std::uint64_t region);
  Region* find(const Key& key);
  ByMode activity(const Key& key);

  Machine& machine_;
  std::map<Key, Region> regions_;
};

}  // namespace hvsim::sim
