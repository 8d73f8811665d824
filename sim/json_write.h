// Described structs as JSON: the resolved config and the statistics.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/describe.h"
#include "sim/json_document.h"

namespace hvsim::sim {

template <class T>
Json to_json(const std::vector<T>& list);

template <class T>
Json to_json(const T& value) {
  if constexpr (Structured<T>) {
    Json json = Json::object();
    for_each_field<T>([&](const auto& field) { json[std::string(field.key)] = to_json(field.of(value)); });
    return json;
  } else if constexpr (Enumerated<T>) {
    return std::string(name(value));
  } else if constexpr (requires { NamedElements<T>::name(0); }) {
    Json json = Json::object();
    for (std::size_t i = 0; i < value.size(); ++i) json[std::string(NamedElements<T>::name(i))] = value[i];
    return json;
  } else {
    return Json(value);
  }
}

template <class T>
Json to_json(const std::vector<T>& list) {
  Json json = Json::array();
  for (const T& element : list) json.push_back(to_json(element));
  return json;
}

}  // namespace hvsim::sim
