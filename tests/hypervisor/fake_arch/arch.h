// A port for tests: RAM in an array, registers in plain members, and a record of all that the core asked for.
#pragma once

#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hypervisor/fence.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/work.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"

namespace hv {

using hvsim::isa::Cycles;
using hvsim::isa::Gpa;
using hvsim::isa::Hpa;

// Zeroes that cost nothing until they are touched.
class FakeRam {
 public:
  explicit FakeRam(std::size_t bytes)
      : bytes_(static_cast<std::byte*>(std::calloc(bytes, 1)), &std::free), size_(bytes) {}
  std::size_t size() const { return size_; }
  std::byte& operator[](std::size_t at) { return bytes_.get()[at]; }

 private:
  std::unique_ptr<std::byte, decltype(&std::free)> bytes_;
  std::size_t size_;
};

// What all harts of the fake machine share.
struct FakeMachine {
  static constexpr std::uint64_t kRamBase = 0x80000000;
  explicit FakeMachine(std::uint64_t ram_bytes) : ram(ram_bytes) {}

  FakeRam ram;
  std::string console;
  std::uint64_t ticks = 1000;
  Cycles cycles = 0;
  Cycles cycles_per_tick = 0;                                               // 0: charged work takes no time
  std::array<std::uint64_t, static_cast<std::size_t>(Work::count)> cost{};  // cycles per unit of work
  std::vector<unsigned> ipis;
  std::vector<GuestFence> fences;
  std::vector<std::pair<hvsim::isa::MarkKind, std::uint64_t>> marks;
  unsigned held_locks = 0;
  std::function<void(Hpa)> after_read{};              // others may write between two reads
  std::function<void()> on_operation{};               // before each access to memory and each lock
  std::function<void(const GuestFence&)> on_fence{};  // when a fence takes effect
  std::function<void()> on_wait{};                    // a hart waits for another
  bool free_of_charge = false;
  bool out_of_ram = false;       // the core touched an address outside
  bool fence_of_nobody = false;  // it fenced translations of a VM without saying whose
};

class Arch {
 public:
  struct Lock {
    bool held = false;
  };
  struct Turn {};
  struct HartRegisters {  // what the hart's own CSRs and FP registers hold
    VsRegisters vs;
    FpRegisters fp;
  };

  Arch(FakeMachine& machine, unsigned hart) : machine_(machine), hart_(hart) {}

  unsigned hart() const { return hart_; }
  std::uint64_t read_word(Hpa at) {
    std::uint64_t value = 0;
    copy_in(&value, at, sizeof value);
    return value;
  }
  void write_word(Hpa at, std::uint64_t value) { copy_out(at, &value, sizeof value); }
  void or_word(Hpa at, std::uint64_t bits) { write_word(at, read_word(at) | bits); }
  void copy_in(void* to, Hpa from, std::size_t bytes) {
    operation();
    if (inside(from, bytes)) std::memcpy(to, &machine_.ram[from.value - FakeMachine::kRamBase], bytes);
    if (machine_.after_read) machine_.after_read(from);
  }
  void copy_out(Hpa to, const void* from, std::size_t bytes) {
    operation();
    if (inside(to, bytes)) std::memcpy(&machine_.ram[to.value - FakeMachine::kRamBase], from, bytes);
  }
  void zero(Hpa at, std::uint64_t bytes) {
    operation();
    if (inside(at, bytes)) std::memset(&machine_.ram[at.value - FakeMachine::kRamBase], 0, bytes);
  }
  std::optional<std::uint32_t> guest_instruction(std::uint64_t) { return instruction; }
  void fence(const GuestFence& fence) {
    operation();
    const bool of_vm = fence.kind == GuestFence::Kind::g_stage || fence.kind == GuestFence::Kind::vs_stage;
    machine_.fence_of_nobody |= of_vm && fence.hgatp >> hvsim::isa::csr::kAtpModeShift == 0;
    machine_.fences.push_back(fence);
    if (machine_.on_fence) machine_.on_fence(fence);
  }
  void save(Vcpu& vcpu, RegisterGroup group) {
    if (group == RegisterGroup::fp) {
      vcpu.fp = registers.fp;
      return;
    }
    const VsRegisters old = vcpu.vs;
    vcpu.vs = registers.vs;
    vcpu.vs.hgatp = old.hgatp;
    vcpu.vs.henvcfg = old.henvcfg;
  }
  void restore(Vcpu& vcpu, RegisterGroup group) {
    (group == RegisterGroup::vs ? void(registers.vs = vcpu.vs) : void(registers.fp = vcpu.fp));
  }
  void set_timer(std::uint64_t ticks) { timer = ticks; }
  void send_ipi(unsigned hart) { machine_.ipis.push_back(hart); }
  void lock(Lock& lock) {
    while (lock.held) pause();
    lock.held = true;
    ++machine_.held_locks;
  }
  void unlock(Lock& lock) {
    lock.held = false;
    --machine_.held_locks;
    operation();
  }
  void pause() {
    if (!machine_.on_wait) std::abort();  // nobody is there to end it
    machine_.on_wait();
  }
  Cycles cycles() { return machine_.cycles; }
  std::uint64_t ticks() { return machine_.ticks; }
  void console(std::string_view text) { machine_.console += text; }
  void mark(hvsim::isa::MarkKind kind, std::uint64_t value) { machine_.marks.emplace_back(kind, value); }
  void charge(Work work, std::uint64_t units) {
    const Cycles cost = machine_.cost[static_cast<std::size_t>(work)] * units;
    if (machine_.free_of_charge) return;
    machine_.cycles += cost;
    if (machine_.cycles_per_tick != 0) machine_.ticks += cost / machine_.cycles_per_tick;
  }

  void uses(const void*, std::size_t, bool) {}
  void takes(Turn&) {}
  void leaves(Turn&) {}
  bool taken(const Turn&) const { return false; }
  void await(const Turn&, Cycles) {}
  bool ahead() const { return false; }
  bool meets() const { return false; }

  bool free_of_charge(bool free) {
    machine_.free_of_charge = free;
    return true;
  }

  HartRegisters registers;
  std::optional<std::uint32_t> instruction;  // what the guest's pc points to
  std::uint64_t timer = ~std::uint64_t{0};

 private:
  void operation() {
    if (machine_.on_operation) machine_.on_operation();
  }
  bool inside(Hpa at, std::uint64_t bytes) {
    const bool good = at.value >= FakeMachine::kRamBase &&
                      at.value - FakeMachine::kRamBase <= machine_.ram.size() &&
                      bytes <= machine_.ram.size() - (at.value - FakeMachine::kRamBase);
    if (!good) machine_.out_of_ram = true;
    return good;
  }
  FakeMachine& machine_;
  unsigned hart_;
};

}  // namespace hv
