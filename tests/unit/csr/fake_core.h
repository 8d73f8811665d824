// A core that records what system instructions ask of it.
#pragma once

#include <optional>
#include <vector>

#include "models/cpu/core.h"
#include "models/cpu/trap.h"
#include "tests/unit/csr/hart_fixture.h"

namespace hvsim::cpu::testing {

struct FakeCore {
  struct GuestAccess {
    std::uint64_t address;
    isa::Access access;
    unsigned bytes;
    std::uint64_t value;
  };

  explicit FakeCore(isa::Mode mode = kM) : state(mode) {}

  TestHart state;
  std::uint64_t next_pc = 0;
  std::uint64_t pc(const Op& op) const { return state.pc + op.offset; }
  std::optional<isa::Trap> trap;
  std::vector<TranslationFence> fences;
  std::vector<GuestAccess> guest_accesses;
  std::uint64_t guest_value = 0;  // what guest_load finds
  bool guest_fails = false;
  unsigned waits = 0, instruction_fences = 0;
  std::vector<std::pair<unsigned, std::uint64_t>> marks;
  std::vector<std::uint64_t> zeroed;
  std::vector<std::pair<std::uint64_t, isa::BlockOperation>> managed;

  bool raise(const isa::Trap& t) {
    trap = t;
    return false;
  }
  bool illegal(const Op& op) { return raise(illegal_instruction(op.raw)); }
  void fence(const TranslationFence& f) { fences.push_back(f); }
  void fence_instruction() { ++instruction_fences; }
  void wait_for_interrupt() { ++waits; }
  void mark(std::uint16_t kind, std::uint64_t value) { marks.emplace_back(kind, value); }
  template <class T>
  bool guest_load(std::uint64_t address, isa::Access access, T& value) {
    if (guest_fails) return raise({.code = 21});
    guest_accesses.push_back({address, access, sizeof(T), 0});
    value = static_cast<T>(guest_value);
    return true;
  }
  template <class T>
  bool guest_store(std::uint64_t address, T value) {
    if (guest_fails) return raise({.code = 23});
    guest_accesses.push_back({address, isa::Access::store, sizeof(T), value});
    return true;
  }
  bool zero_block(std::uint64_t address) {
    zeroed.push_back(address);
    return true;
  }
  bool manage_block(std::uint64_t address, isa::BlockOperation operation) {
    managed.emplace_back(address, operation);
    return true;
  }
  // The rest of the Core concept, which system instructions do not use.
  template <class T>
  bool load(std::uint64_t, T&) {
    return false;
  }
  template <class T>
  bool store(std::uint64_t, T) {
    return false;
  }
  template <class T, class Update>
  bool amo(std::uint64_t, Update, T&) {
    return false;
  }
  template <class T>
  bool load_reserved(std::uint64_t, T&) {
    return false;
  }
  template <class T>
  bool store_conditional(std::uint64_t, T, bool&) {
    return false;
  }

  // The exception that the last instruction raised; 0 (which none of these raises) if it did not trap.
  unsigned cause() const { return trap ? trap->code : 0; }
};
static_assert(Core<FakeCore>);

}  // namespace hvsim::cpu::testing
