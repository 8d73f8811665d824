// One line of JSON per event.
#include "sim/timeline_writer.h"

#include <algorithm>

namespace hvsim::sim {
namespace {

// The beginning of an event: of which phase, on which track.
std::string event_of(char phase, TimelineWriter::Track track) {
  char text[80];
  std::snprintf(text, sizeof text, "{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u", phase, track.process,
                track.thread);
  return text;
}

std::string event_of(char phase, TimelineWriter::Track track, std::string_view name) {
  std::string text = event_of(phase, track);
  text.append(",\"name\":\"").append(name).append("\"");
  return text;
}

// In microseconds, as the format has it, to the nanosecond.
std::string microseconds(std::uint64_t nanoseconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%llu.%03llu", static_cast<unsigned long long>(nanoseconds / 1000),
                static_cast<unsigned long long>(nanoseconds % 1000));
  return text;
}

}  // namespace

TimelineWriter::TimelineWriter(std::FILE* file, std::uint64_t most_events, unsigned clock_mhz)
    : file_(file), left_(most_events), clock_mhz_(clock_mhz) {
  std::fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", file_);
}

void TimelineWriter::name_process(unsigned process, std::string_view name) {
  describe({process, 0}, "process", name, process);
}

void TimelineWriter::name_track(Track track, std::string_view name) {
  describe(track, "thread", name, track.thread);
}

void TimelineWriter::describe(Track track, const std::string& what, std::string_view name, unsigned order) {
  std::string text = event_of('M', track, what + "_name");
  event(text.append(",\"args\":{\"name\":\"").append(name).append("\"}}"));
  text = event_of('M', track, what + "_sort_index");
  event(text.append(",\"args\":{\"sort_index\":").append(std::to_string(order)).append("}}"));
}

void TimelineWriter::slice(Track track, std::string_view name, isa::Cycles begin, isa::Cycles end,
                           std::string_view arguments) {
  if (!room()) return;
  begin = in_order(track, begin);
  end = std::max(begin, end);
  std::string text = event_of('X', track, name);
  std::uint64_t from = nanoseconds(begin);
  const std::uint64_t until = nanoseconds(end);
  // Of a slice and a state that begin at once, Perfetto takes the slice for the outer one.
  if (const auto begun = begun_.find(track); begun != begun_.end() && begun->second == from && until > from)
    ++from;
  // The difference of two times as written, or a slice might seem to reach out of the one around it.
  text.append(",\"ts\":").append(microseconds(from));
  text.append(",\"dur\":").append(microseconds(until - from));
  if (!arguments.empty()) text.append(",\"args\":{").append(arguments).append("}");
  event(text.append("}"));
}

bool TimelineWriter::begin(Track track, std::string_view name, isa::Cycles at) {
  if (!room()) return false;
  std::string text = event_of('B', track, name);
  const std::uint64_t from = begun_[track] = nanoseconds(in_order(track, at));
  event(text.append(",\"ts\":").append(microseconds(from)).append("}"));
  return true;
}

// Whatever was begun is ended.
void TimelineWriter::end(Track track, isa::Cycles at) {
  std::string text = event_of('E', track);
  event(text.append(",\"ts\":").append(microseconds(nanoseconds(in_order(track, at)))).append("}"));
}

void TimelineWriter::instant(Track track, std::string_view name, isa::Cycles at) {
  if (!room()) return;
  std::string text = event_of('i', track, name);
  text.append(",\"ts\":").append(microseconds(nanoseconds(in_order(track, at))));
  event(text.append(",\"s\":\"t\"}"));
}

void TimelineWriter::counter(unsigned process, std::string_view name, isa::Cycles at,
                             std::string_view values) {
  if (!room()) return;
  isa::Cycles& last = last_count_[{process, std::string(name)}];
  last = std::max(last, at);
  std::string text = event_of('C', {process, 0}, name);
  text.append(",\"ts\":").append(microseconds(nanoseconds(last)));
  event(text.append(",\"args\":{").append(values).append("}}"));
}

bool TimelineWriter::finish() {
  std::fprintf(file_, "\n],\"otherData\":{\"clock_mhz\":%u,\"dropped_events\":%llu}}\n", clock_mhz_,
               static_cast<unsigned long long>(dropped_));
  return std::fflush(file_) == 0 && std::ferror(file_) == 0;
}

bool TimelineWriter::room() {
  if (left_ == 0) {
    ++dropped_;
    return false;
  }
  --left_;
  return true;
}

isa::Cycles TimelineWriter::in_order(Track track, isa::Cycles at) {
  isa::Cycles& last = last_[track];
  return last = std::max(last, at);
}

void TimelineWriter::event(std::string_view text) {
  std::fputs(first_ ? "\n" : ",\n", file_);
  first_ = false;
  std::fwrite(text.data(), 1, text.size(), file_);
}

}  // namespace hvsim::sim
