// Who did what, and how long things waited, as results show it: rows with names.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "models/cpu/activity.h"
#include "sim/distribution.h"

namespace hvsim::sim {

// Events by number, without Event::none.
using EventRow = std::array<std::uint64_t, cpu::kEvents - 1>;
EventRow event_row(const cpu::EventCounts& counts);

// What one hart did for one owner. Sums over all rows of a hart are the hart's totals.
struct ShareRow {
  unsigned hart = 0;
  std::string vm;  // "-" when no VM is responsible
  unsigned vcpu = 0;
  std::string mode;
  cpu::ComponentCycles components{};
  EventRow events{};
};

struct TrapRow {
  unsigned hart = 0;
  std::string from, to;  // modes
  std::string cause;     // in the words of perf kvm stat
  std::uint64_t count = 0;
};

struct InterruptRow {
  std::string vm;         // whose handler it is, "-" for M- and HS-mode
  std::string mode;       // of the handler
  std::string interrupt;  // in the words of perf kvm stat
  std::string path;       // direct, trapped
  Distribution latency;
};

struct VcpuWaitRow {
  std::string vm;
  unsigned vcpu = 0;
  Distribution wait;
};

struct DeliveryTimeRow {
  std::string vm;
  std::string what;  // call, entry
  Distribution time;
};

struct RegionModeRow {
  std::string mode;
  cpu::ComponentCycles components{};
  EventRow events{};
};

struct RegionRow {
  std::string hart;  // of software without a VM; "-": the VCPU's, on whatever hart
  std::string vm;
  unsigned vcpu = 0;
  std::uint64_t region = 0;
  std::uint64_t unmatched = 0;
  Distribution elapsed;
  std::vector<RegionModeRow> modes;
};

struct EpochRow {
  std::uint64_t epoch = 0;
  unsigned hart = 0;
  std::string vm;
  unsigned vcpu = 0;
  std::string mode;
  cpu::ComponentCycles components{};
  EventRow events{};
};

struct EpochResults {
  isa::Cycles length = 0;  // 0: no epochs
  std::vector<EpochRow> rows;
};

struct DumpRow {
  std::uint64_t number = 0;  // as the mark says
  isa::Cycles cycle = 0;
  unsigned hart = 0;
  std::string vm;
  std::string file;
};

}  // namespace hvsim::sim
