// When something is to happen in a run: "instructions=1000000", "cycles=5000", "mark=3", "symbol=main".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "models/cpu/debug_points.h"
#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/machine.h"

namespace hvsim::sim {

struct Moment {
  enum class Kind : std::uint8_t {
    instructions,  // all harts together have retired so many
    cycles,        // a hart has run so long
    mark,          // software begins the region of this number
    symbol,        // a hart is about to execute the first instruction of a function
  };
  Kind kind{};
  std::uint64_t value = 0;
  std::string symbol;
};

// The error says what was expected.
isa::Result<Moment, std::string> parse_moment(std::string_view text);

// Why a moment, as text that can be parsed, will never come: no image has its symbol. Remembered, because all
// points of a sweep ask.
std::string impossible_moment(const std::string& text, const Config& config, const ImagePaths& images);

// Watches for a moment. It is noticed at the end of the first turn of a hart in which it came; a hart stops
// at a symbol, as it does at a debugger's breakpoint.
class AwaitedMoment {
 public:
  explicit AwaitedMoment(Moment moment) : moment_(std::move(moment)) {}

  // Before harts run. The error is about a symbol.
  std::string start(Machine& machine, const Config& config, const ImagePaths& images);
  void stopped(cpu::Stop why, isa::Cycles now, std::uint64_t retired);
  void region_begun(std::uint64_t region) {
    if (moment_.kind == Moment::Kind::mark && moment_.value == region) come_ = true;
  }
  bool come() const { return come_; }
  void end(Machine& machine);  // watches no longer

 private:
  Moment moment_;
  cpu::DebugPoints points_;
  bool come_ = false;
};

}  // namespace hvsim::sim
