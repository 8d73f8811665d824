// Terms are joined by commas, all must hold; a term's alternatives are joined by bars, one must hold.
#include "sim/observe_filter.h"

#include <algorithm>
#include <charconv>

#include "sim/json_read.h"
#include "sim/trap_words.h"

namespace hvsim::sim {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Group {
  std::string_view key;
  std::uint64_t exceptions, interrupts;
};
constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr Group kGroups[] = {{"exception", kAll, 0},    {"interrupt", 0, kAll},
                             {"page_fault", 0xB000, 0}, {"guest_page_fault", 0xB0'0000, 0},
                             {"access_fault", 0xA2, 0}, {"ecall", 0xF00, 0}};

struct ModeName {
  std::string_view key;
  isa::Mode mode;
};
constexpr ModeName kModes[] = {{"M", {isa::Privilege::machine, false}},
                               {"HS", {isa::Privilege::supervisor, false}},
                               {"U", {isa::Privilege::user, false}},
                               {"VS", {isa::Privilege::supervisor, true}},
                               {"VU", {isa::Privilege::user, true}}};

class Reader {
 public:
  Reader(FilterUse use, const Config& config) : use_(use), vms_(config.vms), harts_(config.machine.harts) {}

  isa::Result<ObserveFilter, FilterProblem> read(std::string_view text) {
    if (text == "all") return filter_;
    for (const std::string_view term : split(text, ',')) {
      read_term(term);
      if (problem_) return isa::Failure{*problem_};
    }
    return filter_;
  }

 private:
  using Read = void (Reader::*)(std::string_view);
  struct Key {
    std::string_view name;
    Read read;
    bool list;  // may have alternatives
    std::optional<FilterUse> only;
  };
  static const std::vector<Key>& keys();

  void read_term(std::string_view term);
  void fail(std::string_view value, const std::string& expectation) {
    if (!problem_) problem_ = FilterProblem{"\"" + std::string(value) + "\"", "expected " + expectation};
  }

  void cause(std::string_view value);
  void from(std::string_view value) { mode(filter_.from, value); }
  void to(std::string_view value) { mode(filter_.to, value); }
  void mode(std::optional<unsigned>& modes, std::string_view value);
  void hart(std::string_view value) {
    if (const auto found = small(value, harts_, "a hart's number")) filter_.harts.push_back(*found);
  }
  void vm(std::string_view value);
  void vcpu(std::string_view value);
  void pc(std::string_view value) { place(filter_.pc, value); }
  void start(std::string_view value) { place(filter_.start, value); }
  void stop(std::string_view value) { place(filter_.stop, value); }
  void cycles(std::string_view value);
  void count(std::string_view value);
  void place(std::vector<PlaceTerm>& places, std::string_view value);
  std::optional<unsigned> small(std::string_view value, unsigned count, const std::string& what);
  std::optional<std::pair<std::uint64_t, std::uint64_t>> range(std::string_view value);

  FilterUse use_;
  const std::vector<VmConfig>& vms_;
  unsigned harts_;
  ObserveFilter filter_;
  std::optional<FilterProblem> problem_;
};

const std::vector<Reader::Key>& Reader::keys() {
  static const std::vector<Key> all{{"cause", &Reader::cause, true, FilterUse::explain},
                                    {"mode", &Reader::from, true, {}},
                                    {"to", &Reader::to, true, FilterUse::explain},
                                    {"hart", &Reader::hart, true, {}},
                                    {"vm", &Reader::vm, true, {}},
                                    {"vcpu", &Reader::vcpu, false, {}},
                                    {"pc", &Reader::pc, true, {}},
                                    {"start", &Reader::start, true, FilterUse::trace},
                                    {"stop", &Reader::stop, true, FilterUse::trace},
                                    {"cycles", &Reader::cycles, false, {}},
                                    {"count", &Reader::count, false, {}}};
  return all;
}

void Reader::read_term(std::string_view term) {
  const auto equals = term.find('=');
  const std::string_view name = term.substr(0, equals);
  std::vector<std::string_view> known;
  for (const Key& key : keys()) {
    if (key.only && *key.only != use_) continue;
    known.push_back(key.name);
    if (key.name != name || equals == std::string_view::npos) continue;
    const std::string_view value = term.substr(equals + 1);
    if (!key.list) return (this->*key.read)(value);
    for (const std::string_view each : split(value, '|')) (this->*key.read)(each);
    return;
  }
  std::string list;
  for (const std::string_view each : known) list += (list.empty() ? "" : ", ") + std::string(each);
  fail(term, "\"all\" or terms key=value, joined by commas, with one of the keys " + list);
}

void Reader::cause(std::string_view value) {
  std::vector<std::string_view> known;
  auto add = [this](std::uint64_t exceptions, std::uint64_t interrupts) {
    filter_.exceptions = filter_.exceptions.value_or(0) | exceptions;
    filter_.interrupts = filter_.interrupts.value_or(0) | interrupts;
  };
  for (const Group& group : kGroups) {
    if (group.key == value) return add(group.exceptions, group.interrupts);
    known.push_back(group.key);
  }
  for (const CauseName& name : cause_names()) {
    const std::uint64_t bit = std::uint64_t{1} << name.code;
    if (name.key == value) return add(name.interrupt ? 0 : bit, name.interrupt ? bit : 0);
    known.push_back(name.key);
  }
  const auto guess = nearest(value, known);
  fail(value, "a cause like load_page_fault or a group like page_fault" +
                  (guess ? ", did you mean \"" + *guess + "\"?" : std::string()));
}

void Reader::mode(std::optional<unsigned>& modes, std::string_view value) {
  for (const ModeName& name : kModes) {
    if (name.key != value) continue;
    modes = modes.value_or(0) | mode_bit(name.mode);
    return;
  }
  fail(value, "a mode: M, HS, U, VS or VU");
}

void Reader::vm(std::string_view value) {
  for (std::size_t i = 0; i < vms_.size(); ++i) {
    if (vms_[i].name != value) continue;
    filter_.vms.push_back(static_cast<std::uint32_t>(i));
    return;
  }
  const auto found = number(value);
  if (found && *found < vms_.size()) return filter_.vms.push_back(static_cast<std::uint32_t>(*found));
  fail(value, vms_.empty() ? "no term \"vm\": this config has no VMs" : "a VM's name or number");
}

void Reader::vcpu(std::string_view value) {
  unsigned most = 0;
  for (const VmConfig& vm : vms_) most = std::max(most, vm.vcpus);
  if (most == 0) return fail(value, "no term \"vcpu\": this config has no VMs");
  filter_.vcpu = small(value, most, "a VCPU's number");
}

void Reader::cycles(std::string_view value) {
  const auto found = range(value);
  if (!found) return fail(value, "a range of cycles: 1000..2000");
  filter_.first_cycle = found->first;
  filter_.last_cycle = found->second;
}

void Reader::count(std::string_view value) {
  const auto found = number(value);
  if (!found || *found == 0) return fail(value, "a number from 1");
  filter_.count = *found;
}

void Reader::place(std::vector<PlaceTerm>& places, std::string_view value) {
  const bool digit = !value.empty() && value.front() >= '0' && value.front() <= '9';
  if (value.empty()) return fail(value, "an address, a range of addresses or a symbol");
  if (!digit) return places.push_back({0, 0, std::string(value)});
  if (const auto address = number(value)) return places.push_back({*address, *address, {}});
  if (const auto found = range(value)) return places.push_back({found->first, found->second, {}});
  fail(value, "an address like 0x80000000, a range like 0x80000000..0x80000fff, or a symbol");
}

std::optional<unsigned> Reader::small(std::string_view value, unsigned count, const std::string& what) {
  const auto found = number(value);
  if (found && *found < count) return static_cast<unsigned>(*found);
  fail(value, what + ", " + (count == 1 ? "0: there is one" : "0 to " + std::to_string(count - 1)));
  return std::nullopt;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> Reader::range(std::string_view value) {
  const auto dots = value.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const auto first = number(value.substr(0, dots)), last = number(value.substr(dots + 2));
  if (!first || !last || *first > *last) return std::nullopt;
  return std::pair{*first, *last};
}

}  // namespace

unsigned mode_bit(isa::Mode mode) {
  return 1u << (static_cast<unsigned>(mode.privilege) + (mode.virtualized ? 4u : 0u));
}

isa::Result<ObserveFilter, FilterProblem> parse_filter(std::string_view text, FilterUse use,
                                                       const Config& config) {
  return Reader(use, config).read(text);
}

namespace {

isa::Result<std::vector<CodeRange>, std::string> resolve(const std::vector<PlaceTerm>& terms,
                                                         const Symbols& symbols) {
  std::vector<CodeRange> ranges;
  for (const PlaceTerm& term : terms) {
    if (term.symbol.empty()) {
      ranges.push_back({.first = term.first, .last = term.last});
      continue;
    }
    const auto found = symbols.find(term.symbol);
    if (found.empty()) return isa::Failure{symbols.missing(term.symbol)};
    ranges.insert(ranges.end(), found.begin(), found.end());
  }
  return ranges;
}

template <class List, class Value>
bool holds(const List& list, const Value& value) {
  return list.empty() || std::ranges::find(list, value) != list.end();
}

}  // namespace

isa::Result<Selection, std::string> Selection::make(const ObserveFilter& filter, const Symbols& symbols) {
  Selection selection;
  selection.filter_ = filter;
  selection.left_ = filter.count;
  selection.started_ = filter.start.empty();
  for (auto [terms, ranges] :
       {std::pair{&filter.pc, &selection.pc_}, std::pair{&filter.start, &selection.start_},
        std::pair{&filter.stop, &selection.stop_}}) {
    auto found = resolve(*terms, symbols);
    if (!found) return isa::Failure{found.error()};
    *ranges = std::move(found.value());
  }
  for (auto* ranges : {&selection.start_, &selection.stop_})  // where a symbol begins
    for (CodeRange& range : *ranges)
      if (!range.any_space) range.last = range.first;
  return selection;
}

bool Selection::inside(const std::vector<CodeRange>& ranges, const Event& event) {
  return std::ranges::any_of(ranges, [&event](const CodeRange& range) {
    if (event.pc < range.first || event.pc > range.last) return false;
    if (range.any_space) return true;
    return range.virtualized == event.mode.virtualized &&
           (!range.virtualized || range.vm == event.vm || event.vm == cpu::kNoVm);
  });
}

bool Selection::matches(const Event& event) const {
  if (filter_.from && (*filter_.from & mode_bit(event.mode)) == 0) return false;
  if (!holds(filter_.harts, event.hart) || !holds(filter_.vms, event.vm)) return false;
  if (filter_.vcpu && *filter_.vcpu != event.vcpu) return false;
  if (event.cycle < filter_.first_cycle || event.cycle > filter_.last_cycle) return false;
  if (!pc_.empty() && !inside(pc_, event)) return false;
  if (event.trap == nullptr) return true;
  if (filter_.to && (*filter_.to & mode_bit(event.trap->to)) == 0) return false;
  const auto& causes = event.trap->trap.interrupt ? filter_.interrupts : filter_.exceptions;
  return !causes || (*causes >> (event.trap->trap.code & 63) & 1) != 0;
}

bool Selection::takes(const Event& event) {
  if (left_ == 0) return false;
  if (!started_ && inside(start_, event)) started_ = true;
  if (!started_) return false;
  if (inside(stop_, event)) {  // begins anew at the next start
    started_ = false;
    if (start_.empty()) left_ = 0;
    return false;
  }
  if (!matches(event)) return false;
  --left_;
  return true;
}

}  // namespace hvsim::sim
