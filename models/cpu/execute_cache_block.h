// Zicbom and Zicboz: cache-block management and zeroing (unprivileged manual, chapter "CMO").
#pragma once

#include <cstdint>

#include "models/cpu/core.h"
#include "models/cpu/execute_system.h"
#include "models/cpu/isa/cache_block.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/privileged.h"

namespace hvsim::cpu::execute {

namespace detail {

template <class C>
bool manage_block(C& core, const Op& op, std::uint64_t permission, isa::BlockOperation operation) {
  if (const CsrResult why = may_use_cache_block(core.state, permission); why != CsrResult::ok)
    return refuse(core, op, why);
  return core.manage_block(source(core, op.rs1), operation);
}

}  // namespace detail

template <class C>
bool cbo_inval(C& core, const Op& op) {
  const auto operation =
      invalidation_flushes(core.state) ? isa::BlockOperation::flush : isa::BlockOperation::invalidate;
  return detail::manage_block(core, op, isa::csr::kCbie, operation);
}
template <class C>
bool cbo_clean(C& core, const Op& op) {
  return detail::manage_block(core, op, isa::csr::kCbcfe, isa::BlockOperation::clean);
}
template <class C>
bool cbo_flush(C& core, const Op& op) {
  return detail::manage_block(core, op, isa::csr::kCbcfe, isa::BlockOperation::flush);
}
template <class C>
bool cbo_zero(C& core, const Op& op) {
  if (const auto why = may_use_cache_block(core.state, isa::csr::kCbze); why != detail::CsrResult::ok)
    return detail::refuse(core, op, why);
  return core.zero_block(detail::source(core, op.rs1));
}

}  // namespace hvsim::cpu::execute
