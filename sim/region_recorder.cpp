// Differences of what the accountants know.
#include "sim/region_recorder.h"

#include "sim/statistics_names.h"

namespace hvsim::sim {

// A VCPU may end its region on another hart; without a VM, each hart is somebody else.
RegionRecorder::Key RegionRecorder::key_of(unsigned hart, const cpu::CellKey& who, std::uint64_t region) {
  return {who.vm, who.vcpu, who.vm == cpu::kNoVm ? hart : kAnyHart, region};
}

RegionRecorder::Region* RegionRecorder::find(const Key& key) {
  const auto found = regions_.find(key);
  if (found != regions_.end()) return &found->second;
  return regions_.size() < kMaxRegions ? &regions_[key] : nullptr;
}

RegionRecorder::ByMode RegionRecorder::activity(const Key& key) {
  ByMode sum{};
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) {
    if (key.hart != kAnyHart && key.hart != hart) continue;
    machine_.hart(hart).settle_statistics();
    machine_.hart(hart).accountant().add_activity_of(key.vm, key.vcpu, sum);
  }
  return sum;
}

void RegionRecorder::begin(unsigned hart, isa::Cycles now, const cpu::CellKey& who, std::uint64_t number) {
  const Key key = key_of(hart, who, number);
  Region* region = find(key);
  if (region == nullptr) return;
  if (region->began) ++region->unmatched;
  region->began = now;
  region->at_begin = activity(key);
}

void RegionRecorder::end(unsigned hart, isa::Cycles now, const cpu::CellKey& who, std::uint64_t number) {
  const Key key = key_of(hart, who, number);
  Region* region = find(key);
  if (region == nullptr) return;
  if (!region->began) {
    ++region->unmatched;
    return;
  }
  const ByMode ended = activity(key);
  for (unsigned mode = 0; mode < cpu::kModes; ++mode) {
    region->sum[mode] += ended[mode];
    region->sum[mode] -= region->at_begin[mode];
  }
  // Clocks of harts differ by up to a quantum, and a VCPU may have moved.
  region->elapsed.add(now > *region->began ? now - *region->began : 0);
  region->began.reset();
}

void RegionRecorder::reset() {
  std::erase_if(regions_, [](const auto& entry) { return !entry.second.began; });
  for (auto& [key, region] : regions_) {
    const isa::Cycles began = *region.began;
    region = Region{};
    region.began = began;
  }
}

std::vector<RegionRow> RegionRecorder::rows(const Config& config) const {
  std::vector<RegionRow> rows;
  for (const auto& [key, region] : regions_) {
    RegionRow row{.hart = key.hart == kAnyHart ? "-" : std::to_string(key.hart),
                  .vm = vm_name(key.vm, config),
                  .vcpu = key.vcpu,
                  .region = key.region,
                  .unmatched = region.unmatched + (region.began ? 1 : 0),
                  .elapsed = distribution(region.elapsed),
                  .modes = {}};
    for (unsigned mode = 0; mode < cpu::kModes; ++mode)
      if (!region.sum[mode].none())
        row.modes.push_back({std::string(mode_name(cpu::mode_of_index(mode))), region.sum[mode].components,
                             event_row(region.sum[mode].events)});
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace hvsim::sim
