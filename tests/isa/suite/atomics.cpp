// LR, SC and cache-block instructions where nothing, or nobody else, is: what the community's suites for
// Zalrsc and Zicbom look at.
#include "tests/isa/suite/harness.h"

namespace suite {
namespace {

constexpr uint64_t kStoreAccess = 7, kNowhere = 0x4000'0000;  // between the devices and RAM of `virt`
alignas(16) uint64_t words[2];

// The outcomes of pairs: 0 is success.
uint64_t word_then_double() {
  uint64_t seen_value = 0, failed = 0;
  asm volatile("lr.w %0, (%2)\n sc.d %1, %0, (%2)"
               : "=&r"(seen_value), "=&r"(failed)
               : "r"(words)
               : "memory");
  return failed;
}
uint64_t double_then_upper_word() {
  uint64_t seen_value = 0, failed = 0;
  asm volatile("lr.d %0, (%2)\n sc.w %1, %0, (%3)"
               : "=&r"(seen_value), "=&r"(failed)
               : "r"(words), "r"(reinterpret_cast<uint64_t>(words) + 4)
               : "memory");
  return failed;
}
uint64_t own_store_between() {
  uint64_t seen_value = 0, failed = 0;
  asm volatile("lr.d %0, (%2)\n addi %0, %0, 1\n sd %0, 0(%2)\n sc.d %1, %0, (%2)"
               : "=&r"(seen_value), "=&r"(failed)
               : "r"(words)
               : "memory");
  return failed;
}
uint64_t next_double() {
  uint64_t seen_value = 0, failed = 0;
  asm volatile("lr.d %0, (%2)\n sc.d %1, %0, (%3)"
               : "=&r"(seen_value), "=&r"(failed)
               : "r"(words), "r"(words + 1)
               : "memory");
  return failed;
}
void store_conditional(uint64_t address) {
  uint64_t failed = 0;
  asm volatile("sc.d %0, x0, (%1)" : "=&r"(failed) : "r"(address) : "memory");
}

void cbo_clean(uint64_t address) { asm volatile(".insn i 0x0F, 2, x0, %0, 1" ::"r"(address) : "memory"); }
void cbo_flush(uint64_t address) { asm volatile(".insn i 0x0F, 2, x0, %0, 2" ::"r"(address) : "memory"); }
void cbo_inval(uint64_t address) { asm volatile(".insn i 0x0F, 2, x0, %0, 0" ::"r"(address) : "memory"); }

}  // namespace

// Unprivileged manual, "Zalrsc": the set holds the doubleword, own stores leave it, and no SC retires unless
// it passes the permission checks. "Zicbom", "Traps": nobody manages what nobody may load or store.
void atomics() {
  check("lr.w, then sc.d", word_then_double(), 0);
  check("lr.d, then sc.w to its upper half", double_then_upper_word(), 0);
  check("sc.d after a store of its own hart", own_store_between(), 0);
  check("sc.d outside of the reservation set", next_double() != 0);
  forget();
  store_conditional(kNowhere);
  check_trap("sc.d without a reservation, to nowhere", kStoreAccess);
  check("sc.d without a reservation, to nowhere: the value", seen.value, kNowhere);

  struct Operation {
    std::string_view name;
    void (*run)(uint64_t address);
  };
  constexpr Operation operations[] = {{"cbo.clean of nothing", cbo_clean},
                                      {"cbo.flush of nothing", cbo_flush},
                                      {"cbo.inval of nothing", cbo_inval}};
  for (const Operation& operation : operations) {
    forget();
    operation.run(reinterpret_cast<uint64_t>(words));
    check_no_trap(operation.name);
    operation.run(kNowhere);
    check_trap(operation.name, kStoreAccess);
  }
}

}  // namespace suite
