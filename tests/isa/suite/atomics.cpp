// LR, SC and cache-block instructions where nothing, or nobody else, is: what the community's suites for
// Zalrsc and Zicbom look at.
#include "tests/isa/suite/harness.h"

namespace suite {
namespace {

constexpr uint64_t kStoreAccess = 7, kNowhere = 0x4000'0000;  // between the devices and RAM of `virt`
alignas(16) uint64_t words[2];

// The outcome of LR at the first of the words, what comes between, and SC: 0 is success.
#define OUTCOME(lr, between, sc, second)                                         \
  [] {                                                                           \
    uint64_t loaded = 0, failed = 0;                                             \
    asm volatile(lr " %0, (%2)\n" between sc " %1, %0, (%3)"                     \
                 : "=&r"(loaded), "=&r"(failed)                                  \
                 : "r"(words), "r"(reinterpret_cast<uint64_t>(words) + (second)) \
                 : "memory");                                                    \
    return failed;                                                               \
  }()

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
  check("lr.w, then sc.d", OUTCOME("lr.w", "", "sc.d", 0), 0);
  check("lr.d, then sc.w to its upper half", OUTCOME("lr.d", "", "sc.w", 4), 0);
  check("sc.d after a store of its own hart", OUTCOME("lr.d", "addi %0, %0, 1\n sd %0, 0(%2)\n", "sc.d", 0),
        0);
  check("sc.d outside of the reservation set", OUTCOME("lr.d", "", "sc.d", 8) != 0);
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
