// What people see while runs go on: one live line per run on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/isa/types.h"

namespace hvsim::sim {

enum class ProgressStyle : std::uint8_t { silent, lines, terminal };

// Standard error decides, as progress goes there.
ProgressStyle progress_style(bool quiet);

class ProgressDisplay {
 public:
  using Clock = std::chrono::steady_clock;
  explicit ProgressDisplay(ProgressStyle style) : style_(style) {}
  ~ProgressDisplay() { erase(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // `expected`: cycles that the run will probably take; `bound`: and those it cannot exceed. For the ETA.
  std::size_t add(const std::string& label, unsigned clock_mhz, std::optional<isa::Cycles> expected,
                  std::optional<isa::Cycles> bound);
  void started(std::size_t run);
  void advanced(std::size_t run, isa::Cycles cycles, std::uint64_t retired);
  void finished(std::size_t run, const std::string& outcome);
  void expect(std::size_t run, isa::Cycles cycles);  // learnt from runs that have finished
  void console(std::string_view text);               // a guest's output, to standard output
  void refresh();                                    // to be called now and then

 private:
  enum class State : std::uint8_t { waiting, running, done };
  struct Line {
    std::string label;
    unsigned clock_mhz;
    std::optional<isa::Cycles> expected, bound;
    State state = State::waiting;
    Clock::time_point start{}, spoken{};
    isa::Cycles cycles = 0;
    std::uint64_t retired = 0;
    std::string outcome;
  };

  std::string status(const Line& line) const;
  void draw();
  void erase();

  ProgressStyle style_;
  std::vector<Line> lines_;
  unsigned drawn_ = 0;
  Clock::time_point last_{};
};

std::string simulated_time(isa::Cycles cycles, unsigned clock_mhz);  // "12.40 ms"
std::string duration_text(double seconds);                           // "0:42"

}  // namespace hvsim::sim
