// Schemas by kind of value; the default of every key comes from a default-constructed struct.
#include "sim/schema.h"

#include <limits>

#include "sim/config_fields.h"
#include "sim/json_write.h"

namespace hvsim::sim {
namespace {

template <class T>
Json schema_of(const T& defaults, const Rule& rule, Unit unit);

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

Json integer_schema(const Rule& rule, Unit unit, std::uint64_t type_max) {
  Json schema{{"type", "integer"}, {"minimum", rule.min}};
  const std::uint64_t max = std::min(rule.max, type_max);
  if (max != std::numeric_limits<std::uint64_t>::max()) schema["maximum"] = max;
  if (rule.firmware) schema["format"] = "firmware-cycles";  // an annotation, for `hvsim calibrate`
  if (unit != Unit::bytes) return schema;
  return Json{
      {"anyOf", Json::array({schema, Json{{"type", "string"}, {"pattern", "^[0-9]{1,12} ?[KMG]iB$"}}})}};
}

Json text_schema(const Rule& rule) {
  Json schema{{"type", "string"}};
  if (rule.name_length != 0)
    schema["pattern"] = "^[A-Za-z0-9][A-Za-z0-9_.-]{0," + std::to_string(rule.name_length - 1) + "}$";
  // Annotations for whoever moves configs about: JSON Schema knows no such formats.
  if (rule.file) schema["format"] = "path";
  if (rule.path) schema["format"] = "name-or-path";
  return schema;
}

template <class T>
Json object_schema(const T& defaults) {
  Json properties = Json::object(), required = Json::array();
  for_each_field<T>([&](const auto& field) {
    const auto& value = field.of(defaults);
    Json property = schema_of(value, field.rule, field.unit);
    std::string help(field.help);
    if (field.unit != Unit::none) help += " [" + std::string(name(field.unit)) + "]";
    property["description"] = help;
    if (!property.contains("properties") && !field.rule.required) property["default"] = to_json(value);
    properties[std::string(field.key)] = std::move(property);
    if (field.rule.required) required.push_back(std::string(field.key));
  });
  Json schema{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

template <class T>
Json list_schema(const Rule& rule) {
  Json schema{{"type", "array"}, {"items", schema_of(T{}, Rule{}, Unit::none)}};
  if (rule.min > 0) schema["minItems"] = rule.min;
  if (rule.max != std::numeric_limits<std::uint64_t>::max()) schema["maxItems"] = rule.max;
  return schema;
}

template <class E>
Json choice_schema() {
  Json names = Json::array();
  for (const auto& [choice, text] : Named<E>::choices) names.push_back(text);
  return Json{{"enum", std::move(names)}};
}

template <class T>
Json schema_of(const T& defaults, const Rule& rule, Unit unit) {
  if constexpr (Structured<T>) {
    return object_schema(defaults);
  } else if constexpr (Enumerated<T>) {
    return choice_schema<T>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return Json{{"type", "boolean"}};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return text_schema(rule);
  } else if constexpr (IsVector<T>::value) {
    return list_schema<typename T::value_type>(rule);
  } else if constexpr (std::is_unsigned_v<T>) {
    return integer_schema(rule, unit, std::numeric_limits<T>::max());
  } else {
    return Json{{"type", "object"}, {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}};
  }
}

// What a file may say beyond one run: the file it builds on, and variants of itself.
void add_experiment(Json& schema) {
  Json& properties = schema["properties"];
  properties["extends"] =
      Json{{"type", "string"}, {"description", "config underneath this one, relative to it"}};
  properties["runs"] =
      Json{{"type", "array"},
           {"description", "variants: a name, and keys that differ"},
           {"items",
            {{"type", "object"}, {"required", {"name"}}, {"properties", {{"name", {{"type", "string"}}}}}}}};
  properties["axes"] = Json{
      {"type", "object"},
      {"description", "every combination runs: a key's values by dotted path, or named sets of overrides"},
      {"additionalProperties", {{"type", "array"}, {"minItems", 1}}}};
}

}  // namespace

Json config_schema() {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "hvsim config"}};
  schema.update(object_schema(Config{}));
  schema["required"] = Json::array();  // a file that others extend may leave anything out
  add_experiment(schema);
  return schema;
}

}  // namespace hvsim::sim
