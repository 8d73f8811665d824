// Drawing with two control sequences: up one line, clear the line.
#include "sim/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace hvsim::sim {
namespace {

constexpr auto kFrame = std::chrono::milliseconds(150);
constexpr auto kLineEvery = std::chrono::seconds(5);

double seconds(ProgressDisplay::Clock::duration span) { return std::chrono::duration<double>(span).count(); }

std::string printed(const char* format, auto... values) {
  char text[160];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

std::string simulated_time(isa::Cycles cycles, unsigned clock_mhz) {
  const double microseconds = static_cast<double>(cycles) / clock_mhz;
  if (microseconds < 1e3) return printed("%.1f us", microseconds);
  if (microseconds < 1e6) return printed("%.2f ms", microseconds / 1e3);
  return printed("%.3f s", microseconds / 1e6);
}

std::string duration_text(double seconds_left) {
  const auto whole = static_cast<unsigned>(std::clamp(seconds_left, 0.0, 359999.0) + 0.5);
  if (whole >= 3600) return printed("%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
  return printed("%u:%02u", whole / 60, whole % 60);
}

ProgressStyle progress_style(bool quiet) {
  if (quiet) return ProgressStyle::silent;
  return isatty(STDERR_FILENO) != 0 ? ProgressStyle::terminal : ProgressStyle::lines;
}

std::size_t ProgressDisplay::add(const std::string& label, unsigned clock_mhz,
                                 std::optional<isa::Cycles> expected, std::optional<isa::Cycles> bound) {
  Line line{};
  line.label = label;
  line.clock_mhz = clock_mhz;
  line.expected = expected;
  line.bound = bound;
  lines_.push_back(line);
  return lines_.size() - 1;
}

std::string ProgressDisplay::status(const Line& line) const {
  const double elapsed = std::max(seconds(Clock::now() - line.start), 1e-3);
  std::string text = line.label + ": " + simulated_time(line.cycles, line.clock_mhz) + " simulated, " +
                     printed("%.0f MIPS", static_cast<double>(line.retired) / elapsed / 1e6);
  const auto end = line.expected ? line.expected : line.bound;
  if (end && line.cycles > 0 && *end > line.cycles) {
    const double share = static_cast<double>(line.cycles) / static_cast<double>(*end);
    text += line.expected ? printed(", %.0f %%, ETA ", 100 * share) : ", ETA at most ";
    text += duration_text(elapsed / share - elapsed);
  } else {
    text += ", " + duration_text(elapsed) + " so far";
  }
  return text;
}

void ProgressDisplay::erase() {
  for (; drawn_ > 0; --drawn_) std::fputs("\033[A\033[2K", stderr);
  std::fflush(stderr);
}

void ProgressDisplay::draw() {
  if (style_ != ProgressStyle::terminal) return;
  erase();
  for (const Line& line : lines_) {
    if (line.state != State::running) continue;
    std::fprintf(stderr, "%s\n", status(line).substr(0, 99).c_str());
    ++drawn_;
  }
  const auto waiting = std::ranges::count(lines_, State::waiting, &Line::state);
  if (waiting > 0) {
    std::fprintf(stderr, "%td more to come\n", waiting);
    ++drawn_;
  }
  std::fflush(stderr);
  last_ = Clock::now();
}

void ProgressDisplay::started(std::size_t run) {
  Line& line = lines_[run];
  line.state = State::running;
  line.start = line.spoken = Clock::now();
  if (style_ == ProgressStyle::lines) std::fprintf(stderr, "%s: started\n", line.label.c_str());
  draw();
}

void ProgressDisplay::advanced(std::size_t run, isa::Cycles cycles, std::uint64_t retired) {
  Line& line = lines_[run];
  line.cycles = cycles;
  line.retired = retired;
  if (style_ == ProgressStyle::lines && Clock::now() - line.spoken > kLineEvery) {
    line.spoken = Clock::now();
    std::fprintf(stderr, "%s\n", status(line).c_str());
  }
}

void ProgressDisplay::finished(std::size_t run, const std::string& outcome) {
  Line& line = lines_[run];
  line.state = State::done;
  const double elapsed = seconds(Clock::now() - line.start);
  if (style_ == ProgressStyle::silent) return;
  erase();
  std::fprintf(stderr, "%s: %s after %.1f s, %s simulated, %.0f MIPS\n", line.label.c_str(), outcome.c_str(),
               elapsed, simulated_time(line.cycles, line.clock_mhz).c_str(),
               static_cast<double>(line.retired) / std::max(elapsed, 1e-3) / 1e6);
  draw();
}

void ProgressDisplay::expect(std::size_t run, isa::Cycles cycles) {
  if (!lines_[run].expected) lines_[run].expected = cycles;
}

void ProgressDisplay::console(std::string_view text) {
  erase();
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void ProgressDisplay::refresh() {
  if (Clock::now() - last_ > kFrame) draw();
}

}  // namespace hvsim::sim
