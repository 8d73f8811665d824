// The field lists of activity_results.h.
#pragma once

#include "sim/activity_results.h"
#include "sim/describe.h"
#include "sim/statistics_names.h"

namespace hvsim::sim {

template <>
struct NamedElements<cpu::ComponentCycles> {
  static std::string_view name(std::size_t index) {
    return component_name(static_cast<cpu::Component>(index));
  }
  static std::string_view help(std::size_t index) {
    return component_help(static_cast<cpu::Component>(index));
  }
  static constexpr Unit unit(std::size_t) { return Unit::cycles; }
};

template <>
struct NamedElements<EventRow> {
  static std::string_view name(std::size_t index) { return event_name(static_cast<cpu::Event>(index + 1)); }
  static std::string_view help(std::size_t index) { return event_help(static_cast<cpu::Event>(index + 1)); }
  static constexpr Unit unit(std::size_t index) {
    switch (static_cast<cpu::Event>(index + 1)) {
      case cpu::Event::cycles:
        return Unit::cycles;
      case cpu::Event::instructions:
        return Unit::instructions;
      default:
        return Unit::count;
    }
  }
};

template <>
struct Described<ShareRow> {
  using T = ShareRow;
  static constexpr auto fields =
      std::tuple{Field{"hart", &T::hart, Unit::none, "number of the hart"},
                 Field{"vm", &T::vm, Unit::none, "responsible VM, - if none is"},
                 Field{"vcpu", &T::vcpu, Unit::none, "number of its VCPU"},
                 Field{"mode", &T::mode, Unit::none, "privilege mode: M, HS, U, VS or VU"},
                 Field{"components", &T::components, Unit::cycles, "cycles by component"},
                 Field{"events", &T::events, Unit::count, "events; rows of a hart add up to its totals"}};
};

template <>
struct Described<TrapRow> {
  using T = TrapRow;
  static constexpr auto fields =
      std::tuple{Field{"hart", &T::hart, Unit::none, "number of the hart"},
                 Field{"from", &T::from, Unit::none, "mode that was left: M, HS, U, VS or VU"},
                 Field{"to", &T::to, Unit::none, "mode that handles it: M, HS or VS"},
                 Field{"cause", &T::cause, Unit::none, "why, in the words of perf kvm stat"},
                 Field{"count", &T::count, Unit::count, "traps taken"}};
};

template <>
struct Described<InterruptRow> {
  using T = InterruptRow;
  static constexpr auto fields = std::tuple{
      Field{"vm", &T::vm, Unit::none, "whose handler it is, - for M- and HS-mode"},
      Field{"mode", &T::mode, Unit::none, "of the handler"},
      Field{"interrupt", &T::interrupt, Unit::none, "which, in the words of perf kvm stat"},
      Field{"path", &T::path, Unit::none,
            "direct, or trapped: made pending by software that handled another trap, whose wait counts"},
      Field{"latency", &T::latency, Unit::none, "from pending to the first instruction of the handler"}};
};

template <>
struct Described<VcpuWaitRow> {
  using T = VcpuWaitRow;
  static constexpr auto fields = std::tuple{
      Field{"vm", &T::vm, Unit::none, "of the VCPU"}, Field{"vcpu", &T::vcpu, Unit::none, "its number"},
      Field{"wait", &T::wait, Unit::none, "from runnable to chosen to run, by the hypervisor's marks"}};
};

template <>
struct Described<DeliveryTimeRow> {
  using T = DeliveryTimeRow;
  static constexpr auto fields = std::tuple{
      Field{"vm", &T::vm, Unit::none, "whose"},
      Field{"what", &T::what, Unit::none,
            "call: from making a deferrable hypercall until it has run; entry: from the scheduler's decision "
            "until the guest runs"},
      Field{"time", &T::time, Unit::none, "how long that took"}};
};

template <>
struct Described<RegionModeRow> {
  using T = RegionModeRow;
  static constexpr auto fields =
      std::tuple{Field{"mode", &T::mode, Unit::none, "privilege mode: M, HS, U, VS or VU"},
                 Field{"components", &T::components, Unit::cycles, "cycles by component"},
                 Field{"events", &T::events, Unit::count, "events"}};
};

template <>
struct Described<RegionRow> {
  using T = RegionRow;
  static constexpr auto fields = std::tuple{
      Field{"hart", &T::hart, Unit::none, "of software that is in no VM; -: a VCPU's region, on any hart"},
      Field{"vm", &T::vm, Unit::none, "whose software marked the region, - if no VM's"},
      Field{"vcpu", &T::vcpu, Unit::none, "number of its VCPU"},
      Field{"region", &T::region, Unit::none, "the number that the software gave it"},
      Field{"unmatched", &T::unmatched, Unit::count, "begins without an end, ends without a begin"},
      Field{"elapsed", &T::elapsed, Unit::none, "from begin to end, whoever ran meanwhile"},
      Field{"modes", &T::modes, Unit::none, "what was done in or for that VCPU (or hart) meanwhile"}};
};

template <>
struct Described<EpochRow> {
  using T = EpochRow;
  static constexpr auto fields =
      std::tuple{Field{"epoch", &T::epoch, Unit::none, "number, from 0; it begins at epoch * length"},
                 Field{"hart", &T::hart, Unit::none, "number of the hart"},
                 Field{"vm", &T::vm, Unit::none, "responsible VM, - if none is"},
                 Field{"vcpu", &T::vcpu, Unit::none, "number of its VCPU"},
                 Field{"mode", &T::mode, Unit::none, "privilege mode: M, HS, U, VS or VU"},
                 Field{"components", &T::components, Unit::cycles, "cycles by component"},
                 Field{"events", &T::events, Unit::count, "events"}};
};

template <>
struct Described<EpochResults> {
  using T = EpochResults;
  static constexpr auto fields = std::tuple{
      Field{"length", &T::length, Unit::cycles, "of an epoch; 0: none were asked for"},
      Field{"rows", &T::rows, Unit::none, "a column per key; rows in which nothing happened are left out"}};
};

template <>
struct Described<DumpRow> {
  using T = DumpRow;
  static constexpr auto fields = std::tuple{
      Field{"number", &T::number, Unit::none,
            "that the software gave it; of the config's dumps, the cycle that it asked for"},
      Field{"cycle", &T::cycle, Unit::cycles, "when it was asked for"},
      Field{"hart", &T::hart, Unit::none, "that asked for it"},
      Field{"vm", &T::vm, Unit::none, "whose software asked, - if no VM's"},
      Field{"file", &T::file, Unit::none, "with the statistics at that cycle, in the run directory"}};
};

}  // namespace hvsim::sim
