// The rules of the Chrome trace-event format that viewers rely on, checked on a whole document. Times are
// read back as whole nanoseconds, as they are written.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace hvsim::tests {
namespace timeline {

using Json = nlohmann::json;
using Track = std::pair<int, int>;

inline std::int64_t nanoseconds(const Json& microseconds) {
  return std::llround(microseconds.get<double>() * 1000);
}

// One track: what is open at its present time, by when it ends. A slice in two parts ends at some time to
// come.
struct Open {
  std::vector<std::int64_t> ends;
  std::int64_t now = 0;
};
inline constexpr std::int64_t kToCome = std::int64_t{1} << 62;

class Checker {
 public:
  std::string check(const Json& event) {
    const std::string phase = event.at("ph");
    const Track track{event.at("pid"), event.at("tid")};
    if (phase == "M") return named(event, track);
    if (!names_.contains({track.first, "process_name"})) return "a process without a name";
    const std::int64_t at = nanoseconds(event.at("ts"));
    if (phase == "C") return counted(event, at);
    if (!names_.contains({track.first, "thread_name " + std::to_string(track.second)}))
      return "a track without a name";
    Open& open = tracks_[track];
    if (at < open.now) return "time goes back";
    open.now = at;
    while (!open.ends.empty() && open.ends.back() <= at) open.ends.pop_back();
    if (phase == "E") {
      if (open.ends.empty() || open.ends.back() != kToCome)
        return "an end without a begin, or inside a slice";
      open.ends.pop_back();
      return {};
    }
    if (event.at("name").get<std::string>().empty()) return "no name";
    if (phase == "i") return event.at("s") == "t" ? "" : "an instant without a scope";
    if (phase == "B") {
      open.ends.push_back(kToCome);
      return {};
    }
    if (phase != "X") return "an unknown phase";
    const std::int64_t end = at + nanoseconds(event.at("dur"));
    if (end < at) return "a slice that ends before it begins";
    if (!open.ends.empty() && end > open.ends.back()) return "a slice that reaches out of the one around it";
    open.ends.push_back(end);
    return {};
  }

  std::string finish() const {
    for (const auto& [track, open] : tracks_)
      for (const std::int64_t end : open.ends)
        if (end == kToCome) return "a begin without an end";
    return {};
  }

 private:
  std::string named(const Json& event, const Track& track) {
    const std::string kind = event.at("name");
    if (!event.at("args").is_object()) return "a name without arguments";
    const std::string key = kind.starts_with("thread") ? kind + " " + std::to_string(track.second) : kind;
    if (kind.ends_with("_name") && event.at("args").at("name").get<std::string>().empty())
      return "an empty name";
    return names_.insert({track.first, key}).second ? "" : "a second name";
  }

  std::string counted(const Json& event, std::int64_t at) {
    for (const auto& [name, value] : event.at("args").items())
      if (!value.is_number()) return "a counter whose value is no number";
    std::int64_t& last = counters_[{event.at("pid"), event.at("name")}];
    if (at < last) return "a counter's time goes back";
    last = at;
    return {};
  }

  std::map<Track, Open> tracks_;
  std::map<std::pair<int, std::string>, std::int64_t> counters_;
  std::set<std::pair<int, std::string>> names_;
};

}  // namespace timeline

// The first rule that the document breaks, with the event; empty if it keeps all of them: phases X, B, E, i,
// C and M with their members; B and E match; the slices of a track lie in each other or apart; times of a
// track, in the order of the document, never go back; each process and track has one name.
inline std::string broken_timeline_rule(const nlohmann::json& document) {
  timeline::Checker checker;
  for (const auto& event : document.at("traceEvents"))
    if (const std::string broken = checker.check(event); !broken.empty()) return broken + ": " + event.dump();
  return checker.finish();
}

// Slices of all tracks, by name of the track and of the slice.
inline std::size_t count_slices(const nlohmann::json& document, const std::string& track,
                                const std::string& name) {
  std::set<timeline::Track> wanted;
  std::size_t count = 0;
  for (const auto& event : document.at("traceEvents")) {
    const timeline::Track at{event.at("pid"), event.at("tid")};
    if (event.at("ph") == "M" && event.at("name") == "thread_name" && event.at("args").at("name") == track)
      wanted.insert(at);
    const bool begins = event.at("ph") == "X" || event.at("ph") == "B";
    if (begins && wanted.contains(at) && event.at("name") == name) ++count;
  }
  return count;
}

}  // namespace hvsim::tests
