// Which traps to explain and which instructions to list: "mode=VS,cause=page_fault|ecall_from_vs,count=10".
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/accountant.h"
#include "models/cpu/isa/types.h"
#include "models/cpu/trap.h"
#include "sim/config.h"
#include "sim/symbols.h"

namespace hvsim::sim {

enum class FilterUse : std::uint8_t { explain, trace };

// An address, a range "0x80000000..0x80000fff", or a symbol's range once symbols are known.
struct PlaceTerm {
  std::uint64_t first = 0, last = 0;
  std::string symbol;
};

struct ObserveFilter {
  std::optional<std::uint64_t> exceptions, interrupts;  // bits by code; both or neither
  std::optional<unsigned> from, to;                     // bits by mode_bit()
  std::vector<unsigned> harts;
  std::vector<std::uint32_t> vms;
  std::optional<unsigned> vcpu;
  std::vector<PlaceTerm> pc, start, stop;
  std::uint64_t first_cycle = 0, last_cycle = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

struct FilterProblem {
  std::string value;        // the term at fault
  std::string expectation;  // "expected ..."
};

isa::Result<ObserveFilter, FilterProblem> parse_filter(std::string_view text, FilterUse use,
                                                       const Config& config);

unsigned mode_bit(isa::Mode mode);

// A filter at work: knows what its symbols mean, whether it has started, and how much is left.
class Selection {
 public:
  static isa::Result<Selection, std::string> make(const ObserveFilter& filter, const Symbols& symbols);

  struct Event {
    unsigned hart;
    isa::Mode mode;
    std::uint32_t vm, vcpu;
    std::uint64_t pc;
    isa::Cycles cycle;
    const cpu::TrapTaken* trap = nullptr;
  };
  bool takes(const Event& event);
  // Whether an event would be taken now; counts nothing and starts nothing.
  bool shows(const Event& event) const { return left_ != 0 && started_ && matches(event); }

 private:
  bool matches(const Event& event) const;
  static bool inside(const std::vector<CodeRange>& ranges, const Event& event);

  ObserveFilter filter_;
  std::vector<CodeRange> pc_, start_, stop_;
  bool started_ = true;
  std::uint64_t left_ = 0;
};

}  // namespace hvsim::sim
