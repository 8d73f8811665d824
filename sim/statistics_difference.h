// Counters since an earlier moment: described structs, count by count.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "sim/statistics_fields.h"

namespace hvsim::sim {

template <class T>
void subtract(T& value, const T& before);

// Lists whose elements are the same things at both moments.
template <class T>
void subtract(std::vector<T>& list, const std::vector<T>& before) {
  for (std::size_t i = 0; i < list.size() && i < before.size(); ++i) subtract(list[i], before[i]);
}

// Counts have 64 bits; what is smaller is a number that names something.
template <class T>
void subtract(T& value, const T& before) {
  if constexpr (Structured<T>) {
    for_each_field<T>([&](const auto& field) { subtract(field.of(value), field.of(before)); });
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    value -= before;
  }
}

}  // namespace hvsim::sim
