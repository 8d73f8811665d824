// Whether the hypervisor's own data, which a checkpoint brings as bytes, can be gone on from without harm.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "hypervisor/hypervisor.h"

namespace hv {

// Looks at every number that is an index, a length, a divisor, a choice or a truth value, and at trees in
// memory that are walked without a bound. Whether other addresses lie in memory does not matter: accesses to
// others do nothing here. It is compiled so that it may read what is private to others (CMakeLists.txt).
class StateCheck {
 public:
  using Read =
      std::function<void(Hpa from, void* to, std::size_t bytes)>;  // of memory; zeros where there is none

  // What is impossible, in words; empty: nothing.
  static unsigned vcpus(const Hypervisor& core);
  static std::string_view problem(const Hypervisor& core, unsigned harts, const Read& read);

 private:
  // Stage-two tables that several entries point to, or that lead in circles, have more of them than pages.
  struct Tables {
    const Read& read;
    std::uint64_t left;  // tables that there may still be
    bool sound(Hpa table, unsigned level);
  };
  static bool settings(const Settings& settings);
  static bool sharing(const SharingSettings& settings);
  static bool scheduler(const Scheduler& scheduler, unsigned vms);
  static bool lines(const Scheduler& scheduler);
  static bool credit(const CreditBook& book);
  static bool queue(const DlhQueue& queue, unsigned vms);
  static bool vcpu(const Vcpu& vcpu, const Hypervisor& core);
  static bool vm(const Vm& vm, const Hypervisor& core);
  static bool devices(const Vm& vm);
  static bool pool(const PagePool& pool);
  static bool records(const FrameRecords& records, const PagePool& pool, unsigned vms, const Read& read);
  static bool tables(const StageTwoTable& table, const PagePool& pool, const Read& read);
  static bool layout(const MapLayout& map);
  static bool introspection(const Introspection& search);
};

}  // namespace hv
