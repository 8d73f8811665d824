// A timeline in the Chrome trace-event format, which Perfetto opens: written as it comes, and bounded.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU ("Trace Event Format")
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "models/cpu/isa/types.h"

namespace hvsim::sim {

class TimelineWriter {
 public:
  // A row of the picture: a thread of a process, as the format has it.
  struct Track {
    unsigned process = 0, thread = 0;
    friend constexpr auto operator<=>(const Track&, const Track&) = default;
  };

  // Writes `most_events` events at most; what comes later is counted only. The file must outlive this.
  TimelineWriter(std::FILE* file, std::uint64_t most_events, unsigned clock_mhz);
  TimelineWriter(const TimelineWriter&) = delete;
  TimelineWriter& operator=(const TimelineWriter&) = delete;

  void name_process(unsigned process, std::string_view name);
  void name_track(Track track, std::string_view name);

  // Events of a track come in the order of their begins; one that lies before the last is moved up to it.
  // `arguments`: members of a JSON object, or nothing.
  void slice(Track track, std::string_view name, isa::Cycles begin, isa::Cycles end,
             std::string_view arguments = {});
  // The same in two parts, for what other slices lie in. False: the bound is reached, and there is no end.
  bool begin(Track track, std::string_view name, isa::Cycles at);
  void end(Track track, isa::Cycles at);
  // Nothing of the track begins before `at` any more.
  void passed(Track track, isa::Cycles at) { in_order(track, at); }
  void instant(Track track, std::string_view name, isa::Cycles at);
  // `values`: members of a JSON object whose values are numbers, drawn above each other.
  void counter(unsigned process, std::string_view name, isa::Cycles at, std::string_view values);

  // Completes the document. False: not all of it could be written.
  bool finish();
  // Goes on in another file, which holds what has been written so far.
  void move_to(std::FILE* file) { file_ = file; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  bool room();
  isa::Cycles in_order(Track track, isa::Cycles at);
  std::uint64_t nanoseconds(isa::Cycles at) const { return at * 1000 / clock_mhz_; }
  void describe(Track track, const std::string& what, std::string_view name, unsigned order);
  void event(std::string_view text);

  std::FILE* file_;
  std::uint64_t left_, dropped_ = 0;
  unsigned clock_mhz_;
  bool first_ = true;
  std::map<Track, isa::Cycles> last_;
  std::map<Track, std::uint64_t> begun_;  // when the last state began, in nanoseconds
  std::map<std::pair<unsigned, std::string>, isa::Cycles> last_count_;
};

}  // namespace hvsim::sim
