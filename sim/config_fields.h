// The field lists of everything that a config holds.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "hypervisor/limits.h"
#include "sim/config.h"
#include "sim/config_fields_hypervisor.h"
#include "sim/config_fields_machine.h"
#include "sim/describe.h"

namespace hvsim::sim {

template <>
struct Named<ObserveFormat> {
  static constexpr std::array choices{std::pair{ObserveFormat::text, "text"},
                                      std::pair{ObserveFormat::json, "json"}};
};

template <>
struct Named<RestoredModels> {
  static constexpr std::array choices{std::pair{RestoredModels::exact, "exact"},
                                      std::pair{RestoredModels::cold, "cold"}};
};

template <>
struct Described<BootConfig> {
  using T = BootConfig;
  static constexpr auto fields = std::tuple{
      Field{"firmware", &T::firmware, Unit::none,
            "M-mode firmware: none, opensbi, a path, or auto (opensbi for a hypervisor on target or a Linux "
            "kernel)",
            Rule{.path = true}},
      Field{"image", &T::image, Unit::none,
            "what boots when no hypervisor runs: an ELF or a Linux kernel, by name or path",
            Rule{.path = true}},
      Field{"initrd", &T::initrd, Unit::none, "file that /chosen names as the initrd", Rule{.file = true}},
      Field{"bootargs", &T::bootargs, Unit::none, "/chosen bootargs"},
      Field{"restore", &T::restore, Unit::none,
            "checkpoint to go on from instead of booting; the machine's software, devices and memory must be "
            "those it was made with; empty: none",
            Rule{.file = true}},
      Field{"restored_models", &T::restored_models, Unit::none,
            "exact: as if nothing had happened, with the same timing; cold: caches, TLBs, predictors and "
            "statistics begin empty, whatever the timing was"},
      Field{"fast_forward", &T::fast_forward, Unit::none,
            "run in the functional mode until instructions=N, cycles=N, mark=N (a region begins) or "
            "symbol=NAME, then in machine.mode with empty caches and statistics; empty: no"},
      Field{"warm_instructions", &T::warm_instructions, Unit::none,
            "with fast_forward, or restored_models cold: statistics count from when all harts together have "
            "retired so many more instructions, which fill caches, TLBs and predictors"}};
};

template <>
struct Named<AfterCheckpoint> {
  static constexpr std::array choices{std::pair{AfterCheckpoint::go_on, "go_on"},
                                      std::pair{AfterCheckpoint::stop, "stop"}};
};

template <>
struct Described<CheckpointConfig> {
  using T = CheckpointConfig;
  static constexpr auto fields = std::tuple{
      Field{
          "at", &T::at, Unit::none,
          "when to write a checkpoint: instructions=N, cycles=N, mark=N (a region begins) or symbol=NAME, at "
          "the end of that quantum; empty: never"},
      Field{"file", &T::file, Unit::none, "the checkpoint; {run} in it stands for the run's directory",
            Rule{.file = true}},
      Field{"then", &T::then, Unit::none, "what happens then: go_on or stop"}};
};

template <>
struct Named<OnReset> {
  static constexpr std::array choices{std::pair{OnReset::stop, "stop"},
                                      std::pair{OnReset::restart, "restart"}};
};

template <>
struct Described<LimitsConfig> {
  using T = LimitsConfig;
  static constexpr auto fields = std::tuple{
      Field{"max_cycles", &T::max_cycles, Unit::cycles, "stop when a hart has run so long; 0: never"},
      Field{"max_instructions", &T::max_instructions, Unit::instructions,
            "stop when all harts together have retired so many; 0: never"},
      Field{"on_reset", &T::on_reset, Unit::none,
            "when software resets the machine: stop ends the run, restart boots again"},
      Field{"watchdog_cycles", &T::watchdog_cycles, Unit::cycles,
            "after so long without interrupts and device accesses, stop if all harts go round in circles for "
            "ever; 0: never"}};
};

template <>
struct Described<StatisticsConfig> {
  using T = StatisticsConfig;
  static constexpr auto fields = std::tuple{
      Field{"epoch_cycles", &T::epoch_cycles, Unit::cycles,
            "record what happens in each stretch of so many cycles, doubled when there are 4096 of them; 0: "
            "none"},
      Field{
          "measure_from_cycles", &T::measure_from_cycles, Unit::cycles,
          "forget what was counted until then, at the end of the first quantum that reaches it; 0: nothing"},
      Field{"dump_at_cycles", &T::dump_at_cycles, Unit::cycles,
            "write what was counted until then to dumps/, at the end of the first quantum that reaches each",
            Rule{.max = 1000}},
      Field{"guest_control", &T::guest_control, Unit::none,
            "whether marks of guests reset and dump statistics; those of hypervisor and firmware do"}};
};

template <>
struct Described<ObserveConfig> {
  using T = ObserveConfig;
  static constexpr auto fields = std::tuple{
      Field{"explain", &T::explain, Unit::none,
            "traps to explain: \"all\", or terms like cause=guest_page_fault,mode=VS,count=10; empty: none"},
      Field{"explain_output", &T::explain_output, Unit::none,
            "file for explanations, where {run} stands for the run's directory; empty: standard error",
            Rule{.file = true}},
      Field{"trace", &T::trace, Unit::none,
            "instructions to list: \"all\", or terms like start=main,stop=exit,mode=VS,count=1000; empty: "
            "none"},
      Field{"trace_output", &T::trace_output, Unit::none,
            "file for the instruction trace, named likewise; empty: standard error", Rule{.file = true}},
      Field{"format", &T::format, Unit::none, "of both: text, or json with one object per line"},
      Field{"signature", &T::signature, Unit::none,
            "file for an architectural test's signature, what boot.image leaves between its symbols "
            "begin_signature and end_signature, named likewise; empty: none",
            Rule{.file = true}},
      Field{"signature_granularity", &T::signature_granularity, Unit::bytes, "of each line: 4, 8 or 16",
            Rule{.min = 4, .max = 16}},
      Field{"timeline", &T::timeline, Unit::none,
            "writes trace.json into the run directory: what harts and VCPUs did when, for Perfetto"},
      Field{"timeline_events", &T::timeline_events, Unit::count,
            "events in it at most; what comes later is left out and counted",
            Rule{.min = 1, .max = 100'000'000}}};
};

template <>
struct Described<Config> {
  using T = Config;
  static constexpr auto fields = std::tuple{
      Field{"version", &T::version, Unit::none, "1, the version of this format",
            Rule{.min = 1, .max = 1, .required = true}},
      Field{"name", &T::name, Unit::none, "of the run; its directory starts with it",
            Rule{.name_length = kMaxNameLength}},
      Field{"description", &T::description, Unit::none, "for people"},
      Field{"machine", &T::machine, Unit::none, "the modelled hardware"},
      Field{"boot", &T::boot, Unit::none, "firmware and images"},
      Field{"hypervisor", &T::hypervisor, Unit::none, "how VMs are run"},
      Field{"vms", &T::vms, Unit::none, "virtual machines", Rule{.max = hv::kMaxVms}},
      Field{"limits", &T::limits, Unit::none, "where a run stops at the latest"},
      Field{"statistics", &T::statistics, Unit::none, "what is recorded, and from when on"},
      Field{"observe", &T::observe, Unit::none, "what to tell while a run goes on; changes no result"},
      Field{"checkpoint", &T::checkpoint, Unit::none, "when to write a checkpoint; changes no result"},
      Field{"seed", &T::seed, Unit::none, "of everything random in the machine and its guests"}};
};

}  // namespace hvsim::sim
