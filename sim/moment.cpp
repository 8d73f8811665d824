// Reading and watching for moments.
#include "sim/moment.h"

#include <array>
#include <charconv>
#include <map>
#include <mutex>

#include "sim/config_images.h"
#include "sim/hash.h"
#include "sim/symbols.h"

namespace hvsim::sim {

isa::Result<Moment, std::string> parse_moment(std::string_view text) {
  using Kind = Moment::Kind;
  constexpr std::array kinds{std::pair{Kind::instructions, "instructions"}, std::pair{Kind::cycles, "cycles"},
                             std::pair{Kind::mark, "mark"}, std::pair{Kind::symbol, "symbol"}};
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  for (const auto& [kind, word] : kinds) {
    if (name != word || equals == std::string_view::npos) continue;
    const std::string_view value = text.substr(equals + 1);
    Moment moment{.kind = kind, .value = 0, .symbol = {}};
    if (kind == Kind::symbol) {
      moment.symbol = value;
      if (!value.empty()) return moment;
      break;
    }
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), moment.value);
    if (error == std::errc{} && end == value.data() + value.size() && !value.empty()) return moment;
  }
  return isa::Failure{std::string("expected instructions=N, cycles=N, mark=N or symbol=NAME")};
}

std::string impossible_moment(const std::string& text, const Config& config, const ImagePaths& images) {
  const auto moment = parse_moment(text);
  if (!moment || moment->kind != Moment::Kind::symbol) return {};
  std::string key = moment->symbol;
  for (const auto& [path, file] : files_by_key(config, images)) key += '\n' + path + ' ' + hash_file(file);
  static std::mutex lock;
  static std::map<std::string, std::string> known;
  const std::lock_guard guard(lock);
  const auto [found, fresh] = known.try_emplace(key);
  if (!fresh) return found->second;
  const auto symbols = Symbols::load(config, images);
  if (!symbols)
    found->second = symbols.error();
  else if (symbols->find(moment->symbol).empty())
    found->second = symbols->missing(moment->symbol);
  return found->second;
}

std::string AwaitedMoment::start(Machine& machine, const Config& config, const ImagePaths& images) {
  if (moment_.kind != Moment::Kind::symbol) return {};
  const auto symbols = Symbols::load(config, images);
  if (!symbols) return symbols.error();
  for (const CodeRange& range : symbols->find(moment_.symbol)) {
    const std::uint32_t whose = range.any_space     ? cpu::kEverybody
                                : range.virtualized ? range.vm
                                                    : cpu::kNoGuest;
    points_.breakpoints.push_back({range.first, whose});
  }
  if (points_.breakpoints.empty()) {
    return symbols->missing(moment_.symbol);
  }
  points_.changed();
  for (unsigned i = 0; i < machine.harts(); ++i) machine.hart(i).set_debug_points(&points_);
  return {};
}

void AwaitedMoment::stopped(cpu::Stop why, isa::Cycles now, std::uint64_t retired) {
  if (moment_.kind == Moment::Kind::instructions && retired >= moment_.value) come_ = true;
  if (moment_.kind == Moment::Kind::cycles && now >= moment_.value) come_ = true;
  if (moment_.kind == Moment::Kind::symbol && why == cpu::Stop::breakpoint) come_ = true;
}

void AwaitedMoment::end(Machine& machine) {
  if (points_.breakpoints.empty()) return;
  for (unsigned i = 0; i < machine.harts(); ++i) machine.hart(i).set_debug_points(nullptr);
}

}  // namespace hvsim::sim
