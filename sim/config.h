// What a run is made of: the machine, what boots on it, the hypervisor, its VMs, and where to stop.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/arch/host/cost_model.h"
#include "hypervisor/policy_plan.h"
#include "hypervisor/scheduling.h"
#include "hypervisor/sharing/settings.h"
#include "models/cpu/branch_predictor_config.h"
#include "models/cpu/isa_config.h"
#include "models/cpu/pipeline_config.h"
#include "models/cpu/timing_config.h"
#include "models/device/disk.h"
#include "models/mem/cache_config.h"
#include "models/mmu/tlb_hierarchy.h"
#include "sim/board.h"
#include "sim/topology_config.h"

namespace hvsim::sim {

inline constexpr unsigned kConfigVersion = 1;
inline constexpr unsigned kMaxNameLength = 120;  // of a run; it becomes part of a directory's name
inline constexpr unsigned kTimebaseMhz = 10;

enum class TimingMode : std::uint8_t {
  functional,  // one cycle per instruction
  fast,        // block-static issue and dynamic events
  detailed,    // a pipeline that keeps track of each instruction
};

// What is typed into a console.
struct TypingStep {
  std::string expect{};  // not before the console has shown this
  std::uint64_t after_us = 0;
  std::string send{};
};

struct TypingConfig {
  std::string input;       // typed from the start
  std::string input_file;  // the same, from a file
  std::vector<TypingStep> script;
};

struct BlockConfig {
  std::string file;  // raw image
  device::DiskAccess access = device::DiskAccess::overlay;
  unsigned latency_us = 10;
  unsigned megabytes_per_second = 1000;
  std::string serial;
};

struct VirtioConsoleConfig {
  bool present = false;
  unsigned latency_us = 10;
  unsigned megabytes_per_second = 10;
  TypingConfig typed;
};

struct RtcConfig {
  std::uint64_t start_unix_seconds = 1'767'225'600;  // 2026-01-01 00:00:00 UTC
};

struct DevicesConfig {
  RtcConfig rtc;
  VirtioConsoleConfig console;     // in the last slot
  std::vector<BlockConfig> block;  // one virtio-mmio slot each, from the first
};

struct MachineConfig {
  unsigned harts = 1;
  unsigned clock_mhz = 1000;
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
  cpu::IsaConfig isa;
  TimingMode mode = TimingMode::fast;
  isa::Cycles quantum_cycles = 10'000;
  mem::HierarchyConfig caches;
  TopologyConfig topology;
  mmu::TlbHierarchyConfig mmu;
  cpu::BranchPredictorConfig branch_predictor;
  cpu::TimingConfig costs;
  cpu::PipelineConfig pipeline;  // of the detailed mode
  TypingConfig console;          // of the UART
  DevicesConfig devices;
};

// What becomes of a checkpoint's caches, TLBs, predictors and pipelines, and of what was counted.
enum class RestoredModels : std::uint8_t {
  exact,  // the run goes on as if nothing had happened; refused if the machines differ
  cold,   // they are empty, and counting begins anew
};
enum class AfterCheckpoint : std::uint8_t { go_on, stop };

struct BootConfig {
  std::string firmware = "auto";  // auto, none, opensbi or a path
  std::string image;              // bare-metal program when no hypervisor runs
  std::string initrd;
  std::string bootargs;
  std::string restore;  // checkpoint to go on from instead; empty: none
  RestoredModels restored_models = RestoredModels::exact;
  std::string fast_forward;             // a Moment until which the mode is functional; empty: none
  std::uint64_t warm_instructions = 0;  // before statistics count, in models that began empty
};

// Changes nothing in a run, but for where it ends.
struct CheckpointConfig {
  std::string at;    // a Moment; empty: none
  std::string file;  // to write
  AfterCheckpoint then = AfterCheckpoint::go_on;
};

enum class HypervisorRun : std::uint8_t { none, target, host };

struct HypervisorConfig {
  HypervisorRun run = HypervisorRun::none;
  hv::abi::Delivery delivery = hv::abi::Delivery::immediate;
  unsigned calls_per_notification = 1;
  unsigned queue_capacity = 64;
  isa::Cycles drain_budget_cycles = 20'000;
  unsigned max_deferred_entries = 4;
  bool drain_at_entry = true;
  hv::SchedulerPolicy scheduler = hv::SchedulerPolicy::round_robin;
  unsigned time_slice_us = 1000;
  bool tick_when_alone = false;
  unsigned cap_period_us = 10'000;
  unsigned audit_exits = 0;
  bool read_instructions = false;
  hv::SharingSettings sharing;
  std::vector<hv::PolicySwitch> switches;
  std::string image = "hypervisor";
  hv::CostModel costs;                             // of a host run
  std::map<std::string, std::string> calibration;  // where they come from: words for people
};

struct VmConfig {
  std::string name;
  std::string workload;
  std::uint64_t memory_bytes = std::uint64_t{16} << 20;
  unsigned vcpus = 1;
  std::vector<unsigned> harts;  // where its VCPUs may run; empty: anywhere
  std::uint32_t weight = hv::SchedulerShare{}.weight;
  std::uint32_t cap_percent = 0;  // of one hart's time; 0: no cap
  bool sstc = false;
  std::map<std::string, std::string> arguments;
  std::string bootargs, initrd, symbols;  // of a Linux kernel
  std::string disk;                       // file that its virtio disk holds at first
  std::uint64_t disk_bytes = 0;           // at least so large; what the file does not fill is zero
};

enum class OnReset : std::uint8_t { stop, restart };
enum class ObserveFormat : std::uint8_t { text, json };

// What is told about a run while it goes on. Changes nothing in it, and is no part of its identity.
struct ObserveConfig {
  std::string explain;         // filter of traps to explain; empty: none
  std::string explain_output;  // file; empty: standard error
  std::string trace;           // filter of instructions to list; empty: none
  std::string trace_output;
  ObserveFormat format = ObserveFormat::text;
  std::string signature;  // file; empty: none
  unsigned signature_granularity = 4;
  bool timeline = false;  // a trace.json in the run directory
  std::uint64_t timeline_events = 1'000'000;
};

struct LimitsConfig {
  isa::Cycles max_cycles = 0;  // 0: no limit
  std::uint64_t max_instructions = 0;
  OnReset on_reset = OnReset::stop;
  isa::Cycles watchdog_cycles = 10'000'000;  // 0: no watchdog
};

// What is recorded beyond the counters that are always kept.
struct StatisticsConfig {
  isa::Cycles epoch_cycles = 0;               // 0: no epochs
  isa::Cycles measure_from_cycles = 0;        // 0: from the start
  std::vector<isa::Cycles> dump_at_cycles{};  // ascending
  bool guest_control = true;                  // guests may reset and dump statistics by marks
};

struct Config {
  unsigned version = kConfigVersion;
  std::string name = "run";
  std::string description;
  MachineConfig machine;
  BootConfig boot;
  HypervisorConfig hypervisor;
  std::vector<VmConfig> vms;
  LimitsConfig limits;
  StatisticsConfig statistics;
  ObserveConfig observe;
  CheckpointConfig checkpoint;
  std::uint64_t seed = 1;
};

// "calls=1000 seed=1": a guest's arguments as its boot information carries them.
std::string argument_string(const VmConfig& vm);

// The files behind a config's names, found and readable. Empty: not used by this run.
struct ImagePaths {
  std::string firmware;
  std::string image;
  std::string initrd;
  std::string hypervisor;
  std::vector<std::string> workloads;                         // one per VM
  std::vector<std::string> vm_initrds, vm_disks, vm_symbols;  // one per VM, empty where it has none
};

}  // namespace hvsim::sim
