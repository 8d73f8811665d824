// The A extension (unprivileged manual, chapter "A"). Alignment, atomicity and reservations are the core's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "models/cpu/execute_operands.h"

namespace hvsim::cpu::execute {

namespace detail {

template <class Word>
constexpr std::uint64_t extend_loaded(Word v) {
  return static_cast<std::uint64_t>(static_cast<std::make_signed_t<Word>>(v));
}

template <class Word, class C>
bool load_reserved(C& core, const Op& op) {
  Word value{};
  if (!core.template load_reserved<Word>(rs1(core, op), value)) return false;
  write(core, op, extend_loaded(value));
  return true;
}

template <class Word, class C>
bool store_conditional(C& core, const Op& op) {
  bool stored = false;
  if (!core.template store_conditional<Word>(rs1(core, op), static_cast<Word>(rs2(core, op)), stored))
    return false;
  write(core, op, stored ? 0 : 1);
  return true;
}

// rd = memory; memory = update(memory, rs2). rd may be rs2, so rs2 is read first.
template <class Word, class C, class Update>
bool modify(C& core, const Op& op, Update update) {
  const auto operand = static_cast<Word>(rs2(core, op));
  Word old{};
  auto change = [operand, update](Word memory) { return static_cast<Word>(update(memory, operand)); };
  if (!core.template amo<Word>(rs1(core, op), change, old)) return false;
  write(core, op, extend_loaded(old));
  return true;
}

template <class Word>
constexpr bool signed_less(Word a, Word b) {
  return static_cast<std::make_signed_t<Word>>(a) < static_cast<std::make_signed_t<Word>>(b);
}

}  // namespace detail

template <class C>
bool lr_w(C& core, const Op& op) {
  return detail::load_reserved<std::uint32_t>(core, op);
}
template <class C>
bool sc_w(C& core, const Op& op) {
  return detail::store_conditional<std::uint32_t>(core, op);
}
template <class C>
bool amoswap_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op, [](auto, auto b) { return b; });
}
template <class C>
bool amoadd_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op, [](auto a, auto b) { return a + b; });
}
template <class C>
bool amoxor_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op, [](auto a, auto b) { return a ^ b; });
}
template <class C>
bool amoand_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op, [](auto a, auto b) { return a & b; });
}
template <class C>
bool amoor_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op, [](auto a, auto b) { return a | b; });
}
template <class C>
bool amomin_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op,
                                       [](auto a, auto b) { return detail::signed_less(b, a) ? b : a; });
}
template <class C>
bool amomax_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op,
                                       [](auto a, auto b) { return detail::signed_less(a, b) ? b : a; });
}
template <class C>
bool amominu_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op, [](auto a, auto b) { return std::min(a, b); });
}
template <class C>
bool amomaxu_w(C& core, const Op& op) {
  return detail::modify<std::uint32_t>(core, op, [](auto a, auto b) { return std::max(a, b); });
}
template <class C>
bool lr_d(C& core, const Op& op) {
  return detail::load_reserved<std::uint64_t>(core, op);
}
template <class C>
bool sc_d(C& core, const Op& op) {
  return detail::store_conditional<std::uint64_t>(core, op);
}
template <class C>
bool amoswap_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op, [](auto, auto b) { return b; });
}
template <class C>
bool amoadd_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op, [](auto a, auto b) { return a + b; });
}
template <class C>
bool amoxor_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op, [](auto a, auto b) { return a ^ b; });
}
template <class C>
bool amoand_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op, [](auto a, auto b) { return a & b; });
}
template <class C>
bool amoor_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op, [](auto a, auto b) { return a | b; });
}
template <class C>
bool amomin_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op,
                                       [](auto a, auto b) { return detail::signed_less(b, a) ? b : a; });
}
template <class C>
bool amomax_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op,
                                       [](auto a, auto b) { return detail::signed_less(a, b) ? b : a; });
}
template <class C>
bool amominu_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op, [](auto a, auto b) { return std::min(a, b); });
}
template <class C>
bool amomaxu_d(C& core, const Op& op) {
  return detail::modify<std::uint64_t>(core, op, [](auto a, auto b) { return std::max(a, b); });
}

}  // namespace hvsim::cpu::execute
