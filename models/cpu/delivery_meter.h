// How hypercalls were delivered, VM by VM, from the marks of guests and hypervisor on all harts of a machine.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>

#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"
#include "models/state/archive_forward.h"
#include "models/statistics/histogram.h"

namespace hvsim::cpu {

inline constexpr std::uint32_t kNoVm = 0xFFFF;

class DeliveryMeter {
 public:
  struct Vm {
    std::uint64_t issued = 0;       // deferrable calls that the guest has made
    std::uint64_t ran = 0;          // deferrable calls that have run, also those that failed
    statistics::Histogram latency;  // of calls: made to run, cycles
    statistics::Histogram entry;    // from the scheduler's decision to the guest's next instruction, cycles
    statistics::Histogram depth;    // calls that waited
    std::array<std::uint64_t, static_cast<std::size_t>(isa::DeliveryEvent::count)> events{};
    std::uint64_t announced = 0;  // calls that notifications spoke of
    // Cycles that this VM's deferred calls took once they ran, by whose time it was.
    isa::Cycles served_by_own = 0, served_by_others = 0, served_by_nobody = 0;
    isa::Cycles paid_for_others = 0;  // this VM's time that ran calls of others

    // Calls that have not run yet, oldest first. A guest that marks calls it does not make can spoil no more
    // than its own latencies.
    struct Issue {
      isa::Cycles at = 0;
      std::uint64_t calls = 0;
    };
    std::deque<Issue> waiting;
  };

  // Harts may be up to a quantum apart, so a call may seem to have run before it was made: latency 0.
  void issued(std::uint32_t vm, isa::Cycles now, std::uint64_t calls);
  void ran(std::uint32_t vm, isa::Cycles now, std::uint64_t calls);
  // A VCPU that was selected lost its hart before it was entered, because a drain gave way: its entry goes on
  // from the first decision, on whatever hart, unless it blocks or stops.
  void entry_interrupted(std::uint32_t vm, std::uint32_t vcpu, isa::Cycles decided);
  void entry_given_up(std::uint32_t vm, std::uint32_t vcpu);
  void entered(std::uint32_t vm, std::uint32_t vcpu, isa::Cycles decided, isa::Cycles now);
  void happened(std::uint32_t vm, isa::DeliveryEvent event, std::uint64_t amount);
  void served(std::uint32_t vm, std::uint32_t by, isa::Cycles took);

  void reset();  // calls that wait go on waiting
  void persist(state::Archive& archive);

  const std::map<std::uint32_t, Vm>& vms() const { return vms_; }

 private:
  std::map<std::uint32_t, Vm> vms_;
  std::map<std::uint64_t, isa::Cycles> interrupted_;  // VCPUs: when it was first decided to enter them
};

}  // namespace hvsim::cpu
