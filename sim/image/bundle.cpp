// Checks a bundle's description and writes it as a flattened device tree.
#include "sim/image/bundle.h"

#include <limits>

#include "hypervisor/abi/bundle.h"
#include "hypervisor/limits.h"
#include "models/cpu/isa/types.h"
#include "sim/image/fdt_writer.h"
#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

using Error = std::optional<std::string>;

constexpr std::size_t kMaxArgumentBytes = sizeof(hv::abi::BootInfo::arguments) - 1;

Error mismatch(const std::string& field, std::uint64_t value, const std::string& expected) {
  return field + " is " + std::to_string(value) + ", expected " + expected;
}

Error check_settings(const BundleDescription& bundle) {
  if (bundle.calls_per_notification < 1 || bundle.calls_per_notification > hv::abi::kMaxNotifications)
    return mismatch("calls per notification", bundle.calls_per_notification,
                    "1 to " + std::to_string(hv::abi::kMaxNotifications));
  if (bundle.queue_capacity < 1) return mismatch("queue capacity", 0, "at least 1");
  if (bundle.time_slice_us < 1) return mismatch("time slice in microseconds", 0, "at least 1");
  if (bundle.vms.empty()) return mismatch("number of VMs", 0, "at least 1");
  return std::nullopt;
}

Error check_vm(const BundleVm& vm) {
  const std::string field = "VM \"" + vm.name + "\": ";
  if (vm.name.empty()) return "a VM has no name, expected one";
  if (vm.name.find('\0') != std::string::npos || vm.arguments.find('\0') != std::string::npos)
    return field + "name or arguments hold a NUL character";
  if (vm.vcpus < 1) return mismatch(field + "vcpus", 0, "at least 1");
  if (vm.memory_bytes == 0 || vm.memory_bytes % isa::kPageBytes != 0)
    return mismatch(field + "memory bytes", vm.memory_bytes, "a multiple of 4096 above 0");
  if (vm.memory_bytes > std::numeric_limits<std::uint64_t>::max() - hv::abi::kGuestMemoryBase)
    return mismatch(field + "memory bytes", vm.memory_bytes,
                    "memory that ends inside 64 bits of address, from " + hex(hv::abi::kGuestMemoryBase));
  if (vm.image.empty()) return field + "the image is empty, expected a program";
  if (vm.image.size() > vm.memory_bytes)
    return mismatch(field + "image bytes", vm.image.size(),
                    "at most its memory of " + std::to_string(vm.memory_bytes));
  if (!vm.linux_boot && !(vm.initrd.empty() && vm.bootargs.empty()))
    return field + "initrd and bootargs are for a VM that boots Linux";
  if (vm.bootargs.size() > hv::kMaxBootargsBytes)
    return mismatch(field + "length of bootargs", vm.bootargs.size(),
                    "at most " + std::to_string(hv::kMaxBootargsBytes));
  if (vm.bootargs.find('\0') != std::string::npos) return field + "bootargs hold a NUL character";
  if (vm.arguments.size() > kMaxArgumentBytes)
    return mismatch(field + "length of arguments", vm.arguments.size(),
                    "at most " + std::to_string(kMaxArgumentBytes));
  return std::nullopt;
}

void write_plan(FdtWriter& tree, const std::vector<hv::PolicySwitch>& switches) {
  tree.begin("switches");
  for (std::size_t i = 0; i < switches.size(); ++i) {
    tree.begin("switch@" + hex(i).substr(2));
    tree.cell("at-us", switches[i].at_us);
    tree.text("scheduler", std::string(hv::scheduler_name(switches[i].scheduler)));
    tree.cell("sharing", static_cast<std::uint32_t>(switches[i].sharing));
    tree.end();
  }
  tree.end();
}

void write_settings(FdtWriter& tree, const BundleDescription& bundle) {
  tree.begin("hypervisor");
  tree.text("delivery", std::string(hv::abi::kDeliveryNames[static_cast<std::size_t>(bundle.delivery)]));
  tree.cell("calls-per-notification", bundle.calls_per_notification);
  tree.cell("queue-capacity", bundle.queue_capacity);
  tree.cell("drain-budget-cycles", bundle.drain_budget_cycles);
  tree.cell("max-deferred-entries", bundle.max_deferred_entries);
  tree.cell("drain-at-entry", bundle.drain_at_entry ? 1 : 0);
  tree.text("scheduler", std::string(hv::scheduler_name(bundle.scheduler)));
  tree.cell("time-slice-us", bundle.time_slice_us);
  tree.cell("tick-when-alone", bundle.tick_when_alone ? 1 : 0);
  tree.cell("cap-period-us", bundle.cap_period_us);
  tree.cell("audit-exits", bundle.audit_exits);
  tree.cell("print-statistics", bundle.print_statistics ? 1 : 0);
  tree.cell("read-instructions", bundle.read_instructions ? 1 : 0);
  tree.begin("sharing");
  for (const hv::SharingField& field : hv::kSharingFields)
    tree.cell(std::string(field.name), field.read(bundle.sharing));
  tree.end();
  if (!bundle.switches.empty()) write_plan(tree, bundle.switches);
  tree.end();
}

void write_vm(FdtWriter& tree, std::size_t number, const BundleVm& vm) {
  tree.begin("vm@" + hex(number).substr(2));
  tree.text("name", vm.name);
  tree.cells64("memory-bytes", {vm.memory_bytes});
  tree.cell("vcpus", vm.vcpus);
  if (!vm.harts.empty()) tree.cells("harts", vm.harts);
  tree.cell("weight", vm.share.weight);
  tree.cell("cap-percent", vm.share.cap_percent);
  tree.cell("sstc", vm.sstc ? 1 : 0);
  tree.text("arguments", vm.arguments);
  if (vm.linux_boot) {
    tree.text("boot", "linux");
    tree.text("bootargs", vm.bootargs);
    if (!vm.initrd.empty()) tree.bytes("initrd", vm.initrd);
    if (vm.symbols) {
      const hv::abi::KernelSymbols& s = *vm.symbols;
      static_assert(std::tuple_size_v<hv::abi::KernelSymbols> == 5);
      tree.cells64("symbols", {s[0], s[1], s[2], s[3], s[4]});
    }
    if (vm.seed) write_rng_seed(tree, *vm.seed);
  }
  if (!vm.disk.empty()) tree.bytes("disk", vm.disk);
  tree.bytes("image", vm.image);
  tree.end();
}

}  // namespace

isa::Result<std::vector<std::byte>, std::string> make_bundle(const BundleDescription& description) {
  if (Error error = check_settings(description)) return isa::Failure{"bundle: " + *error};
  for (const BundleVm& vm : description.vms)
    if (Error error = check_vm(vm)) return isa::Failure{"bundle: " + *error};

  std::uint64_t contents = 0;
  for (const BundleVm& vm : description.vms) contents += vm.image.size() + vm.initrd.size() + vm.disk.size();
  FdtWriter tree(contents);
  tree.text("compatible", hv::abi::kBundleCompatible);
  tree.cell("version", hv::abi::kBundleVersion);
  write_settings(tree, description);
  tree.begin("vms");
  for (std::size_t i = 0; i < description.vms.size(); ++i) write_vm(tree, i, description.vms[i]);
  tree.end();
  return tree.finish();
}

}  // namespace hvsim::sim
