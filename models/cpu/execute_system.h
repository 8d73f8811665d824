// CSR, privileged and hypervisor instructions. Illegal or virtual instruction: section "Trap Cause Codes" of
// the H extension.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include "models/cpu/core.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/privileged.h"
#include "models/cpu/trap.h"

namespace hvsim::cpu::execute {

namespace detail {

using csr_file::CsrResult;

template <class C>
bool refuse(C& core, const Op& op, CsrResult why) {
  return why == CsrResult::virtual_instruction ? core.raise(virtual_instruction(op.raw)) : core.illegal(op);
}

enum class CsrChange : std::uint8_t { replace, set, clear };

// CSRRS and CSRRC do not write with rs1 = x0 or a zero immediate, even where `operand` is zero otherwise.
template <CsrChange change, class C>
bool change_csr(C& core, const Op& op, std::uint64_t operand) {
  HartState& hart = core.state;
  const auto number = static_cast<unsigned>(op.imm) & 0xFFF;
  const bool writes = change == CsrChange::replace || op.rs1 != 0;
  if (const CsrResult why = csr_file::check(hart, number, writes); why != CsrResult::ok)
    return refuse(core, op, why);

  const unsigned target = csr_file::resolve(hart, number);
  const bool reads = change != CsrChange::replace || op.rd != HartState::kSink;
  const std::uint64_t old = reads ? csr_file::peek(hart, target) : 0;
  if (writes) {
    std::uint64_t value = operand;
    if constexpr (change == CsrChange::set) value = csr_file::modify_base(hart, target, old) | operand;
    if constexpr (change == CsrChange::clear) value = csr_file::modify_base(hart, target, old) & ~operand;
    csr_file::poke(hart, target, value);
  }
  hart.x[op.rd] = old;
  return true;
}

template <class C>
std::uint64_t source(const C& core, std::uint8_t number) {
  return core.state.x[number];
}

template <class C>
bool raise_plain(C& core, isa::Exception code) {
  isa::Trap trap;
  trap.code = static_cast<std::uint8_t>(code);
  return core.raise(trap);
}

// The operands of a fence: x0 means "all".
template <class C>
TranslationFence fence_of(const C& core, const Op& op, TranslationFence::Kind kind) {
  TranslationFence fence{.kind = kind, .virtualized = false, .address = std::nullopt, .space = std::nullopt};
  const bool guest_physical = kind == TranslationFence::Kind::hfence_gvma;
  // A guest physical address comes shifted right by two bits.
  if (op.rs1 != 0) fence.address = guest_physical ? source(core, op.rs1) << 2 : source(core, op.rs1);
  if (op.rs2 != 0)
    fence.space = source(core, op.rs2) & (guest_physical ? isa::csr::kVmidMask : isa::csr::kAsidMask);
  return fence;
}

template <class C>
bool fence_if(C& core, const Op& op, CsrResult allowed, const TranslationFence& fence) {
  if (allowed != CsrResult::ok) return refuse(core, op, allowed);
  core.fence(fence);
  return true;
}

template <class T, class C>
bool hlv(C& core, const Op& op, isa::Access access) {
  if (const CsrResult why = may_access_guest(core.state); why != CsrResult::ok) return refuse(core, op, why);
  std::make_unsigned_t<T> value{};
  if (!core.guest_load(source(core, op.rs1), access, value)) return false;
  core.state.x[op.rd] = static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<T>(value)));
  return true;
}

template <class T, class C>
bool hsv(C& core, const Op& op) {
  if (const CsrResult why = may_access_guest(core.state); why != CsrResult::ok) return refuse(core, op, why);
  return core.guest_store(source(core, op.rs1), static_cast<T>(source(core, op.rs2)));
}

template <class C>
bool return_from_trap(C& core, const Op& op, CsrResult allowed, std::uint64_t (*leave)(HartState&)) {
  if (allowed != CsrResult::ok) return refuse(core, op, allowed);
  core.next_pc = leave(core.state);
  return true;
}

}  // namespace detail

// Zicsr. For the immediate forms Op::rs1 is the immediate itself.
template <class C>
bool csrrw(C& core, const Op& op) {
  return detail::change_csr<detail::CsrChange::replace>(core, op, detail::source(core, op.rs1));
}
template <class C>
bool csrrs(C& core, const Op& op) {
  return detail::change_csr<detail::CsrChange::set>(core, op, detail::source(core, op.rs1));
}
template <class C>
bool csrrc(C& core, const Op& op) {
  return detail::change_csr<detail::CsrChange::clear>(core, op, detail::source(core, op.rs1));
}
template <class C>
bool csrrwi(C& core, const Op& op) {
  return detail::change_csr<detail::CsrChange::replace>(core, op, op.rs1);
}
template <class C>
bool csrrsi(C& core, const Op& op) {
  return detail::change_csr<detail::CsrChange::set>(core, op, op.rs1);
}
template <class C>
bool csrrci(C& core, const Op& op) {
  return detail::change_csr<detail::CsrChange::clear>(core, op, op.rs1);
}

template <class C>
bool ecall(C& core, const Op&) {
  return detail::raise_plain(core, ecall_cause(core.state.mode));
}

// tval may be zero or the address of the instruction, which is what others write too.
template <class C>
bool ebreak(C& core, const Op&) {
  isa::Trap trap;
  trap.code = static_cast<std::uint8_t>(isa::Exception::breakpoint);
  trap.tval = core.state.pc;
  trap.guest_virtual = core.state.mode.virtualized;
  return core.raise(trap);
}

template <class C>
bool mret(C& core, const Op& op) {
  return detail::return_from_trap(core, op, may_mret(core.state), leave_machine);
}
template <class C>
bool sret(C& core, const Op& op) {
  return detail::return_from_trap(core, op, may_sret(core.state), leave_supervisor);
}

template <class C>
bool wfi(C& core, const Op& op) {
  if (const auto why = may_wait(core.state); why != detail::CsrResult::ok)
    return detail::refuse(core, op, why);
  core.wait_for_interrupt();
  return true;
}

template <class C>
bool sfence_vma(C& core, const Op& op) {
  TranslationFence fence = detail::fence_of(core, op, TranslationFence::Kind::sfence_vma);
  fence.virtualized = core.state.mode.virtualized;
  return detail::fence_if(core, op, may_sfence(core.state), fence);
}
template <class C>
bool hfence_vvma(C& core, const Op& op) {
  const auto fence = detail::fence_of(core, op, TranslationFence::Kind::hfence_vvma);
  return detail::fence_if(core, op, may_hfence(core.state, false), fence);
}
template <class C>
bool hfence_gvma(C& core, const Op& op) {
  const auto fence = detail::fence_of(core, op, TranslationFence::Kind::hfence_gvma);
  return detail::fence_if(core, op, may_hfence(core.state, true), fence);
}

// Svinval. An invalidation is done at once, which leaves the fences around it nothing to order.
template <class C>
bool sinval_vma(C& core, const Op& op) {
  return sfence_vma(core, op);
}
template <class C>
bool sfence_w_inval(C& core, const Op& op) {
  const auto why = may_order_invalidations(core.state);
  return why == detail::CsrResult::ok || detail::refuse(core, op, why);
}
template <class C>
bool sfence_inval_ir(C& core, const Op& op) {
  return sfence_w_inval(core, op);
}
template <class C>
bool hinval_vvma(C& core, const Op& op) {
  return hfence_vvma(core, op);
}
template <class C>
bool hinval_gvma(C& core, const Op& op) {
  return hfence_gvma(core, op);
}

template <class C>
bool hlv_b(C& core, const Op& op) {
  return detail::hlv<std::int8_t>(core, op, isa::Access::load);
}
template <class C>
bool hlv_bu(C& core, const Op& op) {
  return detail::hlv<std::uint8_t>(core, op, isa::Access::load);
}
template <class C>
bool hlv_h(C& core, const Op& op) {
  return detail::hlv<std::int16_t>(core, op, isa::Access::load);
}
template <class C>
bool hlv_hu(C& core, const Op& op) {
  return detail::hlv<std::uint16_t>(core, op, isa::Access::load);
}
template <class C>
bool hlv_w(C& core, const Op& op) {
  return detail::hlv<std::int32_t>(core, op, isa::Access::load);
}
template <class C>
bool hlv_wu(C& core, const Op& op) {
  return detail::hlv<std::uint32_t>(core, op, isa::Access::load);
}
template <class C>
bool hlv_d(C& core, const Op& op) {
  return detail::hlv<std::int64_t>(core, op, isa::Access::load);
}
template <class C>
bool hlvx_hu(C& core, const Op& op) {
  return detail::hlv<std::uint16_t>(core, op, isa::Access::execute_read);
}
template <class C>
bool hlvx_wu(C& core, const Op& op) {
  return detail::hlv<std::uint32_t>(core, op, isa::Access::execute_read);
}
template <class C>
bool hsv_b(C& core, const Op& op) {
  return detail::hsv<std::uint8_t>(core, op);
}
template <class C>
bool hsv_h(C& core, const Op& op) {
  return detail::hsv<std::uint16_t>(core, op);
}
template <class C>
bool hsv_w(C& core, const Op& op) {
  return detail::hsv<std::uint32_t>(core, op);
}
template <class C>
bool hsv_d(C& core, const Op& op) {
  return detail::hsv<std::uint64_t>(core, op);
}

// Memory order is that of the program on this hart, so FENCE has nothing to do.
template <class C>
void fence(C&, const Op&) {}

template <class C>
void fence_i(C& core, const Op&) {
  core.fence_instruction();
}

template <class C>
void mark(C& core, const Op& op) {
  core.mark(static_cast<std::uint16_t>(op.imm & 0xFFF), detail::source(core, op.rs1));
}

}  // namespace hvsim::cpu::execute
