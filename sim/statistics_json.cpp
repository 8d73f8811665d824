// The field lists of statistics_fields.h, written out.
#include "sim/statistics_json.h"

#include "sim/json_read.h"
#include "sim/json_write.h"
#include "sim/statistics_fields.h"

namespace hvsim::sim {

namespace {

template <class T>
struct ElementOf {
  using type = T;
};
template <class T>
struct ElementOf<std::vector<T>> {
  using type = T;
};

template <Structured T>
void add_help(Json& help, const std::string& prefix) {
  for_each_field<T>([&](const auto& field) {
    using Member = std::decay_t<decltype(field.of(std::declval<const T&>()))>;
    using Element = typename ElementOf<Member>::type;
    const bool list = !std::is_same_v<Element, Member>;
    const std::string path = child_path(prefix, field.key) + (list ? "[]" : "");
    help[path] = Json{{"unit", name(field.unit)}, {"help", field.help}};
    if constexpr (Structured<Element>) add_help<Element>(help, path);
    if constexpr (requires { NamedElements<Element>::unit(0); })
      for (std::size_t i = 0; i < std::tuple_size_v<Element>; ++i)
        help[child_path(path, NamedElements<Element>::name(i))] =
            Json{{"unit", name(NamedElements<Element>::unit(i))}, {"help", NamedElements<Element>::help(i)}};
  });
}

// Visits a row's cells with their column's name: (name, value).
template <class T, class Visit>
void for_each_cell(const T& row, Visit visit) {
  for_each_field<T>([&](const auto& field) {
    using Member = std::decay_t<decltype(field.of(row))>;
    if constexpr (requires { NamedElements<Member>::name(0); }) {
      const Member& cells = field.of(row);
      for (std::size_t i = 0; i < cells.size(); ++i) visit(NamedElements<Member>::name(i), cells[i]);
    } else {
      visit(field.key, field.of(row));
    }
  });
}

template <class T>
std::string csv(const std::vector<T>& rows) {
  std::string text;
  const auto add = [&text](bool first, std::string_view cell) {
    if (!first) text += ",";
    text += cell;
  };
  bool first = true;
  for_each_cell(T{}, [&](std::string_view name, const auto&) {
    add(first, name);
    first = false;
  });
  text += "\n";
  for (const T& row : rows) {
    first = true;
    for_each_cell(row, [&](std::string_view, const auto& value) {
      if constexpr (std::is_convertible_v<decltype(value), std::string_view>)
        add(first, value);
      else
        add(first, std::to_string(value));
      first = false;
    });
    text += "\n";
  }
  return text;
}

// The rows of epochs are many: a list per column instead of an object per row.
Json columns(const std::vector<EpochRow>& rows) {
  Json json = Json::object();
  for_each_cell(EpochRow{},
                [&](std::string_view name, const auto&) { json[std::string(name)] = Json::array(); });
  for (const EpochRow& row : rows)
    for_each_cell(
        row, [&](std::string_view name, const auto& value) { json[std::string(name)].push_back(value); });
  return json;
}

}  // namespace

Json statistics_json(const RunResult& result) {
  Json json = Json::object();
  for_each_field<RunResult>([&](const auto& field) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field.of(result))>, EpochResults>)
      json[std::string(field.key)] = {{"length", result.epochs.length},
                                      {"rows", columns(result.epochs.rows)}};
    else
      json[std::string(field.key)] = to_json(field.of(result));
  });
  return json;
}

Json statistics_help() {
  Json help = Json::object();
  add_help<RunResult>(help, "");
  add_help<RunSummary>(help, "summary");
  return help;
}

Json summary_json(const RunSummary& summary) { return to_json(summary); }

isa::Result<RunSummary, Problem> read_summary(const Json& json) {
  Origins origins;
  origins.note("", "summary");
  JsonReader reader(origins);
  RunSummary summary;
  if (!reader.read(json, "", summary)) return isa::Failure{*reader.problem()};
  return summary;
}

std::string exits_csv(const RunResult& result) { return csv(result.exits); }
std::string epochs_csv(const RunResult& result) { return csv(result.epochs.rows); }

}  // namespace hvsim::sim
