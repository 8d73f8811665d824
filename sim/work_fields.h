// A described field for each kind of work, of an array that is indexed by it.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "hypervisor/arch/host/cost_model.h"
#include "sim/describe.h"

namespace hvsim::sim {

constexpr Rule rule_for(hv::Work work, Rule rule) {
  rule.firmware = hv::is_firmware(work);
  return rule;
}

template <class T, class Array, std::size_t... work>
constexpr auto fields_by_work(Array T::*array, Unit unit, Rule rule, std::index_sequence<work...>) {
  return std::tuple{ElementField<T, Array>{hv::kPrices[work].name, array, work, unit, hv::kPrices[work].help,
                                           rule_for(static_cast<hv::Work>(work), rule)}...};
}

template <class T, class Array>
constexpr auto fields_by_work(Array T::*array, Unit unit, Rule rule = {}) {
  return fields_by_work(array, unit, rule, std::make_index_sequence<hv::kWorks>{});
}

}  // namespace hvsim::sim
