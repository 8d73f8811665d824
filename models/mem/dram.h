// Memory behind the last cache: a fixed latency, or DRAM with banks, row buffers and a bus.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/mem/bandwidth.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

// Defaults are those of DDR4-2400 (CL17, 15 ns each for CAS, activation and precharge) at a clock of 1 GHz;
// the controller's latency is assumed.
struct DramConfig {
  bool banked = false;  // false: memory_latency for every read, without limit
  unsigned channels = 1;
  unsigned banks = 16;  // of each channel
  unsigned row_bytes = 8192;
  unsigned bytes_per_cycle = 16;        // of each channel's bus
  isa::Cycles controller_latency = 30;  // there and back, for every access
  isa::Cycles cas = 15;                 // column of an open row to the first data
  isa::Cycles activate = 15;            // opening a row
  isa::Cycles precharge = 15;           // closing the row that is open
};

struct DramStats {
  std::uint64_t reads = 0, writes = 0;
  std::uint64_t row_hits = 0, row_misses = 0, row_conflicts = 0;  // open; none open; another open
  isa::Cycles bank_wait = 0, bus_wait = 0;
};

std::optional<std::string> problem(const DramConfig& config);

class Dram {
 public:
  Dram(const DramConfig& config, unsigned line_bytes);

  // When the whole line is there.
  isa::Cycles read(std::uint64_t address, isa::Cycles at) {
    ++stats_.reads;
    return access(address, at);
  }
  // Takes the bank and the bus; nobody waits for it.
  void write(std::uint64_t address, isa::Cycles at) {
    ++stats_.writes;
    access(address, at);
  }
  const DramStats& stats() const { return stats_; }
  void persist(state::Archive& archive);

 private:
  static constexpr std::uint64_t kNoRow = ~std::uint64_t{0};
  struct Bank {
    std::uint64_t row = kNoRow;
    isa::Cycles free = 0;
    void persist(state::Archive& archive);
  };
  isa::Cycles access(std::uint64_t address, isa::Cycles at);
  isa::Cycles open(Bank& bank, std::uint64_t row);

  DramConfig config_;
  unsigned line_bytes_;
  isa::Cycles transfer_;     // of a line
  isa::Cycles row_cycle_;    // the longest that one access keeps a bank
  std::vector<Bank> banks_;  // of channel 0, then of channel 1 and so on
  std::vector<Bandwidth> buses_;
  DramStats stats_;
};

}  // namespace hvsim::mem
