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
  for_each_field<T>([&]<class Member>(const Field<T, Member>& field) {
    using Element = typename ElementOf<Member>::type;
    const bool list = !std::is_same_v<Element, Member>;
    const std::string path = child_path(prefix, field.key) + (list ? "[]" : "");
    help[path] = Json{{"unit", name(field.unit)}, {"help", field.help}};
    if constexpr (Structured<Element>) add_help<Element>(help, path);
  });
}

}  // namespace

Json statistics_json(const RunResult& result) { return to_json(result); }

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

std::string exits_csv(const RunResult& result) {
  std::string text, header;
  for_each_field<ExitRow>(
      [&](const auto& field) { header += (header.empty() ? "" : ",") + std::string(field.key); });
  for (const ExitRow& row : result.exits) {
    std::string line;
    for_each_field<ExitRow>([&](const auto& field) {
      if (!line.empty()) line += ",";
      if constexpr (std::is_same_v<std::decay_t<decltype(row.*(field.member))>, std::string>) {
        line += row.*(field.member);
      } else {
        line += std::to_string(row.*(field.member));
      }
    });
    text += line + "\n";
  }
  return header + "\n" + text;
}

}  // namespace hvsim::sim
