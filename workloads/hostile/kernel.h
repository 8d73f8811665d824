// hostile without a machine: its list of attacks, and the work between them that no attack may disturb.
#pragma once

#include <cstdint>

#include "workloads/kernels/work_unit.h"

namespace workload::hostile {

enum class Attack : std::uint64_t {
  all = 0,          // all that do not end the VM, in turn
  hypercalls = 1,   // numbers and arguments out of range
  sbi = 2,          // the same for SBI
  lists = 3,        // lists of deferred calls at addresses out of range, too long, or full of rubbish
  races = 4,        // lists that another VCPU rewrites while they are read
  flood = 5,        // as many deferred calls as it can
  tables = 6,       // page tables that point to themselves and to rubbish
  timers = 7,       // timer interrupts that are due at once
  interrupts = 8,   // interrupts to all its VCPUs
  fences = 9,       // remote fences
  exceptions = 10,  // illegal instructions, which the hypervisor hands back
  yields = 11,      // gives its time slice away, over and over
  outside = 12,     // a store outside its memory: the VM is ended for it
  walk = 13,        // page tables outside its memory: the same
  dma = 14,         // a disk whose queues, descriptors and buffers lie anywhere; shared pages as buffers
  rings = 15,       // another VCPU's ring full of rubbish, rewritten while it is read
  maps = 16,        // memory maps that lie and change while they are read
};

constexpr bool ends_the_vm(Attack attack) { return attack == Attack::outside || attack == Attack::walk; }
// The attack of a round of `all`.
constexpr Attack in_turn(std::uint64_t round) {
  constexpr std::uint64_t before = 11, behind = 3;  // of the two that end the VM
  const std::uint64_t number = 1 + round % (before + behind);
  return static_cast<Attack>(number <= before ? number : number + 2);
}

struct Parameters {
  Attack attack;
  std::uint64_t rounds;
  std::uint64_t work;  // units of work after each round
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  return {.attack = static_cast<Attack>(arguments.number("attack", 0, 0, 16)),
          .rounds = arguments.number("rounds", 200, 0, 1'000'000'000),
          .work = arguments.number("work", 2, 0, 1'000'000'000),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

template <class Strike>
constexpr std::uint64_t run(const Parameters& parameters, Strike&& strike) {
  WorkUnits work{parameters.seed};
  for (std::uint64_t round = 0; round < parameters.rounds; ++round) {
    strike(round);
    for (std::uint64_t unit = 0; unit < parameters.work; ++unit) work.run_one();
  }
  return work.checksum();
}

}  // namespace workload::hostile
