// The port to a RISC-V hart in HS-mode: physical addresses are pointers (satp is Bare), work costs what it
// costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hypervisor/arch/riscv/board.h"
#include "hypervisor/arch/riscv/csr.h"
#include "hypervisor/arch/riscv/firmware.h"
#include "hypervisor/arch/riscv/spinlock.h"
#include "hypervisor/fence.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/work.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"

namespace hv {

using hvsim::isa::Cycles;
using hvsim::isa::Gpa;
using hvsim::isa::Hpa;

class Arch {
 public:
  using Lock = riscv::SpinLock;
  struct Turn {};

  Arch(riscv::Board& board, unsigned hart) : board_(board), hart_(hart) {}

  unsigned hart() const { return hart_; }

  std::uint64_t read_word(Hpa at) { return *static_cast<volatile std::uint64_t*>(pointer(at)); }
  void write_word(Hpa at, std::uint64_t value) { *static_cast<volatile std::uint64_t*>(pointer(at)) = value; }
  void or_word(Hpa at, std::uint64_t bits) {
    __atomic_fetch_or(static_cast<std::uint64_t*>(pointer(at)), bits, __ATOMIC_RELEASE);
  }
  void copy_in(void* to, Hpa from, std::size_t bytes) { __builtin_memcpy(to, pointer(from), bytes); }
  void copy_out(Hpa to, const void* from, std::size_t bytes) { __builtin_memcpy(pointer(to), from, bytes); }
  void zero(Hpa at, std::uint64_t bytes) { __builtin_memset(pointer(at), 0, bytes); }

  std::optional<std::uint32_t> guest_instruction(std::uint64_t pc);
  void fence(const GuestFence& fence);
  void save(Vcpu& vcpu, RegisterGroup group);
  void restore(Vcpu& vcpu, RegisterGroup group);

  void set_timer(std::uint64_t ticks) {
    if (board_.has_sstc())
      riscv::write_csr<hvsim::isa::csr::stimecmp>(ticks);
    else
      riscv::sbi_set_timer(ticks);
  }
  void send_ipi(unsigned hart) { riscv::sbi_send_ipi(hart); }
  void lock(Lock& lock) { riscv::spin_lock(lock); }
  void unlock(Lock& lock) { riscv::spin_unlock(lock); }
  void pause() { riscv::pause(); }
  Cycles cycles() { return riscv::read_csr<hvsim::isa::csr::cycle>(); }
  std::uint64_t ticks() { return riscv::read_csr<hvsim::isa::csr::time>(); }
  void console(std::string_view text) { board_.print(text); }

  void mark(hvsim::isa::MarkKind kind, std::uint64_t value) {
    using hvsim::isa::MarkKind;
    switch (kind) {  // constant at every call: one instruction remains
      case MarkKind::phase:
        return hint<MarkKind::phase>(value);
      case MarkKind::vcpu:
        return hint<MarkKind::vcpu>(value);
      case MarkKind::hypercall_done:
        return hint<MarkKind::hypercall_done>(value);
      case MarkKind::calls_ran:
        return hint<MarkKind::calls_ran>(value);
      case MarkKind::serving:
        return hint<MarkKind::serving>(value);
      case MarkKind::delivery:
        return hint<MarkKind::delivery>(value);
      case MarkKind::statistic:
        return hint<MarkKind::statistic>(value);
      case MarkKind::vcpu_runnable:
        return hint<MarkKind::vcpu_runnable>(value);
      case MarkKind::vcpu_activity:
        return hint<MarkKind::vcpu_activity>(value);
      default:
        return;
    }
  }
  void charge(Work, std::uint64_t) {}
  void uses(const void*, std::size_t, bool) {}
  void takes(Turn&) {}
  void leaves(Turn&) {}
  bool taken(const Turn&) const { return false; }
  void await(const Turn&, Cycles) {}
  bool ahead() const { return false; }
  bool meets() const { return false; }
  bool free_of_charge(bool) { return false; }

 private:
  static void* pointer(Hpa at) { return reinterpret_cast<void*>(at.value); }
  template <hvsim::isa::MarkKind kind>
  static void hint(std::uint64_t value) {
    asm volatile("sltiu x0, %0, %1" : : "r"(value), "i"(static_cast<int>(kind)));
  }

  riscv::Board& board_;
  unsigned hart_;
};

}  // namespace hv
