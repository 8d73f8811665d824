// Each check looks at one thing and names the value at fault.
#include "sim/config_check.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>
#include <string>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/limits.h"
#include "models/cpu/branch_predictor.h"
#include "models/cpu/isa/types.h"
#include "models/device/virtio_block.h"
#include "models/mem/hierarchy.h"
#include "sim/json_read.h"
#include "sim/moment.h"
#include "sim/observe_filter.h"
#include "sim/topology.h"

namespace hvsim::sim {
namespace {

// RAM that the hypervisor keeps for firmware, itself and its page tables.
constexpr std::uint64_t kHypervisorBytes = std::uint64_t{16} << 20;

class Checker {
 public:
  Checker(const Config& config, const Origins& origins) : config_(config), origins_(origins) {}

  std::optional<Problem> run() {
    machine();
    boot();
    moments();
    for (std::size_t i = 0; i < config_.vms.size(); ++i) vm(config_.vms[i], child_path("vms", i));
    vms();
    filter("observe.explain", config_.observe.explain, FilterUse::explain);
    filter("observe.trace", config_.observe.trace, FilterUse::trace);
    signature();
    statistics();
    return problem_;
  }

 private:
  void machine();
  void boot();
  void moments();
  void vm(const VmConfig& vm, const std::string& path);
  void vms();
  void signature();
  void statistics();
  void filter(const std::string& path, const std::string& text, FilterUse use);
  // Models begin with the key that it is about: "l1d.size_bytes: ...".
  template <class Model>
  void geometry(const Model& model, const std::string& path) {
    const auto why = problem(model);
    if (!why) return;
    const auto end = why->find(": ");
    const bool has_key = end != why->npos && why->find_first_of(" \"") > end;
    has_key ? report(child_path(path, why->substr(0, end)), "", why->substr(end + 2))
            : report(path, "", *why);
  }

  void report(const std::string& path, const std::string& value, const std::string& expected) {
    if (!problem_) problem_ = Problem{origins_.of(path), path, value, expected};
  }
  void require(bool good, const std::string& path, const std::string& value, const std::string& expected) {
    if (!good) report(path, value, expected);
  }

  const Config& config_;
  const Origins& origins_;
  std::optional<Problem> problem_;
};

void Checker::machine() {
  const MachineConfig& machine = config_.machine;
  require(machine.clock_mhz % kTimebaseMhz == 0, "machine.clock_mhz", std::to_string(machine.clock_mhz),
          "expected a multiple of " + std::to_string(kTimebaseMhz) + " MHz, the time base");
  require(machine.memory_bytes % (std::uint64_t{1} << 20) == 0, "machine.memory_bytes",
          size_text(machine.memory_bytes), "expected a multiple of 1 MiB");
  require(machine.isa.zihpm || !machine.isa.sscofpmf, "machine.isa.sscofpmf", "true",
          "expected false because machine.isa.zihpm is false");
  geometry(machine.caches, "machine.caches");
  if (const auto found = problem_of(machine.topology, machine.harts, machine.memory_bytes))
    report("machine.topology." + found->key, found->value, found->expected);
  geometry(machine.mmu, "machine.mmu");
  geometry(machine.branch_predictor, "machine.branch_predictor");
  geometry(machine.pipeline, "machine.pipeline");
  const std::size_t disks = machine.devices.block.size();
  require(!machine.devices.console.present || disks < kVirtioSlots, "machine.devices.block",
          std::to_string(disks) + " elements",
          "expected at most " + std::to_string(kVirtioSlots - 1) + " because the console has a slot too");
  for (std::size_t i = 0; i < disks; ++i) {
    const std::string& serial = machine.devices.block[i].serial;
    require(serial.size() <= device::VirtioBlock::kIdBytes,
            child_path("machine.devices.block", i) + ".serial", '"' + serial + '"',
            "expected at most 20 bytes");
  }
}

void Checker::moments() {
  const CheckpointConfig& checkpoint = config_.checkpoint;
  const BootConfig& boot = config_.boot;
  for (const auto& [path, text] :
       {std::pair{"boot.fast_forward", boot.fast_forward}, std::pair{"checkpoint.at", checkpoint.at}})
    if (!text.empty())
      if (const auto moment = parse_moment(text); !moment) report(path, "\"" + text + "\"", moment.error());
  require(checkpoint.at.empty() == checkpoint.file.empty(), "checkpoint.file", "\"" + checkpoint.file + "\"",
          "expected both checkpoint.at and checkpoint.file, or neither");
  require(boot.fast_forward.empty() || config_.machine.mode != TimingMode::functional, "boot.fast_forward",
          "\"" + boot.fast_forward + "\"", "expected none because machine.mode is \"functional\" anyway");
  const bool begins_empty =
      !boot.fast_forward.empty() || (!boot.restore.empty() && boot.restored_models == RestoredModels::cold);
  require(boot.warm_instructions == 0 || begins_empty, "boot.warm_instructions",
          std::to_string(boot.warm_instructions),
          "expected 0 without boot.fast_forward, and without boot.restored_models \"cold\"");
  require(boot.fast_forward.empty() || boot.restore.empty() || boot.restored_models == RestoredModels::cold,
          "boot.restored_models", "\"exact\"", "expected \"cold\" because boot.fast_forward begins there");
}

void Checker::boot() {
  const bool hypervisor = config_.hypervisor.run != HypervisorRun::none;
  const BootConfig& boot = config_.boot;
  require(config_.limits.on_reset == OnReset::stop || config_.hypervisor.run != HypervisorRun::host,
          "limits.on_reset", "\"restart\"", "expected \"stop\" because hypervisor.run is \"host\"");
  if (!hypervisor) {
    require(config_.vms.empty(), "vms", std::to_string(config_.vms.size()) + " elements",
            "expected none because hypervisor.run is \"none\"");
    return;
  }
  require(boot.image.empty(), "boot.image", "\"" + boot.image + "\"",
          "expected none: hypervisor.image boots because hypervisor.run is \"" +
              std::string(config_.hypervisor.run == HypervisorRun::target ? "target" : "host") + "\"");
  require(boot.initrd.empty(), "boot.initrd", "\"" + boot.initrd + "\"",
          "expected none: the hypervisor's bundle of VMs takes its place");
  require(config_.hypervisor.run == HypervisorRun::host || boot.firmware != "none", "boot.firmware",
          "\"none\"", "expected firmware because hypervisor.run is \"target\"");
  using hv::abi::Delivery;
  const Delivery delivery = config_.hypervisor.delivery;
  require(delivery != Delivery::free || config_.hypervisor.run == HypervisorRun::host, "hypervisor.delivery",
          "\"free\"",
          "expected another one because hypervisor.run is \"target\", where the hypervisor's code costs what "
          "it costs");
  require(delivery != Delivery::polling || config_.machine.harts > 1, "machine.harts", "1",
          "expected at least 2 because hypervisor.delivery is \"polling\" and takes the last one");
  const unsigned scan_hart = config_.hypervisor.sharing.scan_hart, harts = config_.machine.harts;
  require(scan_hart < harts, "hypervisor.sharing.scan_hart", std::to_string(scan_hart),
          "expected less than " + std::to_string(harts) + ", the number of harts");
  require(delivery != Delivery::polling || scan_hart + 1 != harts || harts == 1,
          "hypervisor.sharing.scan_hart", std::to_string(scan_hart),
          "expected another hart because hypervisor.delivery is \"polling\" and takes the last one");
  require(config_.machine.isa.h, "machine.isa.h", "false", "expected true because a hypervisor runs");
  require(!config_.vms.empty(), "vms", "no elements", "expected at least one VM because a hypervisor runs");
  const auto& switches = config_.hypervisor.switches;
  for (std::size_t i = 1; i < switches.size(); ++i)
    require(switches[i].at_us > switches[i - 1].at_us, child_path("hypervisor.switches", i) + ".at_us",
            std::to_string(switches[i].at_us),
            "expected more than " + std::to_string(switches[i - 1].at_us) + ", the one before");
}

void Checker::vm(const VmConfig& vm, const std::string& path) {
  require(vm.memory_bytes % (std::uint64_t{2} << 20) == 0, path + ".memory_bytes", size_text(vm.memory_bytes),
          "expected a multiple of 2 MiB");
  std::set<unsigned> seen;
  for (std::size_t i = 0; i < vm.harts.size(); ++i) {
    const std::string hart = child_path(path + ".harts", i);
    require(vm.harts[i] < config_.machine.harts, hart, std::to_string(vm.harts[i]),
            "expected less than " + std::to_string(config_.machine.harts) + ", the number of harts");
    require(
        config_.hypervisor.delivery != hv::abi::Delivery::polling || vm.harts[i] + 1 != config_.machine.harts,
        hart, std::to_string(vm.harts[i]),
        "expected another hart because hypervisor.delivery is \"polling\" and takes the last one");
    require(seen.insert(vm.harts[i]).second, hart, std::to_string(vm.harts[i]), "expected each hart once");
  }
  require(!vm.sstc || config_.machine.isa.sstc, path + ".sstc", "true",
          "expected false because machine.isa.sstc is false");
  constexpr std::size_t longest = sizeof(hv::abi::BootInfo::arguments) - 1;
  const std::size_t length = argument_string(vm).size();
  require(length <= longest, path + ".arguments", std::to_string(length) + " characters",
          "expected at most " + std::to_string(longest));
}

void Checker::signature() {
  const ObserveConfig& observe = config_.observe;
  require(observe.signature.empty() || config_.hypervisor.run == HypervisorRun::none, "observe.signature",
          '"' + observe.signature + '"', "expected none because a hypervisor runs");
  require(std::has_single_bit(observe.signature_granularity), "observe.signature_granularity",
          std::to_string(observe.signature_granularity), "expected 4, 8 or 16");
}

void Checker::statistics() {
  const auto& dumps = config_.statistics.dump_at_cycles;
  for (std::size_t i = 0; i < dumps.size(); ++i)
    require(dumps[i] > (i == 0 ? 0 : dumps[i - 1]), child_path("statistics.dump_at_cycles", i),
            std::to_string(dumps[i]), "expected more than " + (i == 0 ? "0" : std::to_string(dumps[i - 1])));
}

void Checker::filter(const std::string& path, const std::string& text, FilterUse use) {
  if (text.empty()) return;
  const auto parsed = parse_filter(text, use, config_);
  if (!parsed) report(path, parsed.error().value, parsed.error().expectation);
}

void Checker::vms() {
  std::set<std::string> names;
  std::uint64_t total = 0, vcpus = 0;
  for (std::size_t i = 0; i < config_.vms.size(); ++i) {
    const VmConfig& vm = config_.vms[i];
    require(names.insert(vm.name).second, child_path("vms", i) + ".name", "\"" + vm.name + "\"",
            "expected a name that no other VM has");
    require(vm.name != "hv", child_path("vms", i) + ".name", "\"hv\"",
            "expected another name: that one is the hypervisor's own on the console");
    require(vm.name != "machine" && vm.name != "all" && vm.name != "virtio", child_path("vms", i) + ".name",
            "\"" + vm.name + "\"",
            "expected another name: that one is for the console logs of the whole machine");
    total += vm.memory_bytes;
    vcpus += vm.vcpus;
  }
  if (config_.hypervisor.run == HypervisorRun::none) return;
  require(vcpus <= hv::kMaxVcpus, "vms", std::to_string(vcpus) + " VCPUs",
          "expected at most " + std::to_string(hv::kMaxVcpus) + " in all VMs together");
  if (config_.hypervisor.sharing.demand) return;  // VMs may be promised more than there is
  constexpr std::uint64_t pool = hv::kMaxPoolPages << isa::kPageShift;
  require(total <= pool, "vms", size_text(total) + " of VM memory",
          "expected at most " + size_text(pool) + ", what the hypervisor can manage");
  const std::uint64_t memory = config_.machine.memory_bytes;
  require(memory > kHypervisorBytes, "machine.memory_bytes", size_text(memory),
          "expected more than " + size_text(kHypervisorBytes) + ", what the hypervisor keeps");
  std::uint64_t left = memory - std::min(memory, kHypervisorBytes);
  for (std::size_t i = 0; i < config_.vms.size(); ++i) {
    const std::uint64_t wanted = config_.vms[i].memory_bytes;
    require(wanted <= left, child_path("vms", i) + ".memory_bytes", size_text(wanted),
            "expected at most " + size_text(left) + ", which is left of machine.memory_bytes, " +
                size_text(memory) + ", by the hypervisor (" + size_text(kHypervisorBytes) +
                ") and the VMs before it; " + size_text(total + kHypervisorBytes) + " would do for all");
    left -= std::min(left, wanted);
  }
}

}  // namespace

std::optional<Problem> find_contradiction(const Config& config, const Origins& origins) {
  return Checker(config, origins).run();
}

std::string argument_string(const VmConfig& vm) {
  std::string text;
  for (const auto& [key, value] : vm.arguments) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

}  // namespace hvsim::sim
