// The bundle as the hypervisor understands it: settings and VMs out of a device tree, checked (abi/bundle.h).
#include "hypervisor/bundle.h"

#include "hypervisor/abi/bundle.h"
#include "models/cpu/isa/types.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;

bool fail(Text& why, std::string_view where, std::string_view what) {
  why.add(where).add(": ").add(what);
  return false;
}

// An optional number between bounds. False: it is there and wrong.
bool read_number(const FdtReader& tree, FdtReader::Node node, std::string_view name, std::uint64_t least,
                 std::uint64_t most, std::uint32_t& value, Text& why) {
  if (!tree.property(node, name)) return true;
  const auto number = tree.number(node, name);
  if (!number || *number < least || *number > most) {
    why.add(tree.name(node)).add(": ").add(name).add(" must be ").decimal(least).add("..").decimal(most);
    return false;
  }
  value = static_cast<std::uint32_t>(*number);
  return true;
}

bool read_scheduler(const FdtReader& tree, FdtReader::Node node, SchedulerPolicy& policy, Text& why) {
  const auto named = parse_scheduler(tree.text(node, "scheduler").value_or(""));
  if (!named) return fail(why, tree.name(node), "scheduler must be round_robin or credit");
  policy = *named;
  return true;
}

bool good_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  for (const char c : name)
    if (c <= ' ' || c > '~' || c == '[' || c == ']') return false;
  return name != "hv";  // the hypervisor's own lines
}

bool read_harts(const FdtReader& tree, FdtReader::Node node, std::uint64_t& mask) {
  const auto list = tree.property(node, "harts");
  if (!list) return true;
  if (list->empty() || list->size() % 4 != 0) return false;
  mask = 0;
  for (std::size_t i = 0; i < list->size() / 4; ++i) {
    const std::uint64_t hart = fdt_cells(*list, i, 1);
    if (hart >= kMaxHarts) return false;
    mask |= std::uint64_t{1} << hart;
  }
  return true;
}

}  // namespace

std::optional<Bundle> Bundle::open(std::span<const std::byte> blob, Text& why) {
  const auto tree = FdtReader::open(blob);
  Bundle bundle;
  if (!tree) {
    fail(why, "bundle", "not a flattened device tree, or cut short");
    return std::nullopt;
  }
  if (!tree->is_compatible(tree->root(), abi::kBundleCompatible) ||
      tree->u32(tree->root(), "version").value_or(0) != abi::kBundleVersion) {
    fail(why, "bundle", "not an hvsim,bundle of version 1");
    return std::nullopt;
  }
  const auto settings = tree->child(tree->root(), "hypervisor");
  if (settings && !bundle.read_settings(*tree, *settings, why)) return std::nullopt;
  const auto vms = tree->child(tree->root(), "vms");
  for (auto node = vms ? tree->first_child(*vms) : std::nullopt; node; node = tree->next_sibling(*node))
    if (!bundle.read_vm(*tree, *node, why)) return std::nullopt;
  if (bundle.count_ == 0) {
    fail(why, "bundle", "no VMs in it");
    return std::nullopt;
  }
  return bundle;
}

bool Bundle::read_settings(const FdtReader& tree, FdtReader::Node node, Text& why) {
  if (tree.property(node, "delivery")) {
    const auto mode = abi::parse_delivery(tree.text(node, "delivery").value_or(""));
    if (!mode)
      return fail(why, "hypervisor",
                  "delivery must be immediate, dlh, multicall, softirq, dlh_ring, polling or free");
    settings_.delivery = *mode;
  }
  if (tree.property(node, "scheduler") && !read_scheduler(tree, node, settings_.scheduler, why)) return false;
  std::uint32_t statistics = 0, instructions = 0, drain_at_entry = 1, tick_when_alone = 0;
  const auto number = [&](std::string_view name, std::uint64_t least, std::uint64_t most,
                          std::uint32_t& value) {
    return read_number(tree, node, name, least, most, value, why);
  };
  const bool good =
      number("calls-per-notification", 1, abi::kMaxNotifications, settings_.calls_per_notification) &&
      number("queue-capacity", 1, kMaxQueueCapacity, settings_.dlh.capacity) &&
      number("drain-budget-cycles", 0, ~std::uint32_t{0}, settings_.dlh.drain_budget_cycles) &&
      number("max-deferred-entries", 0, ~std::uint32_t{0}, settings_.dlh.max_deferred_entries) &&
      number("time-slice-us", 10, 10'000'000, settings_.time_slice_us) &&
      number("tick-when-alone", 0, 1, tick_when_alone) &&
      number("cap-period-us", 100, 10'000'000, settings_.cap_period_us) &&
      number("audit-exits", 0, ~std::uint32_t{0}, settings_.audit_exits) &&
      number("drain-at-entry", 0, 1, drain_at_entry) && number("print-statistics", 0, 1, statistics) &&
      number("read-instructions", 0, 1, instructions);
  settings_.drain_at_entry = drain_at_entry != 0;
  settings_.tick_when_alone = tick_when_alone != 0;
  settings_.print_statistics = statistics != 0;
  settings_.read_instructions = instructions != 0;
  const auto sharing = tree.child(node, "sharing");
  const auto plan = tree.child(node, "switches");
  return good && (!sharing || read_sharing(tree, *sharing, why)) && (!plan || read_plan(tree, *plan, why));
}

bool Bundle::read_sharing(const FdtReader& tree, FdtReader::Node node, Text& why) {
  for (const SharingField& field : kSharingFields) {
    std::uint32_t value = field.read(settings_.sharing);
    if (!read_number(tree, node, field.name, field.least, field.most, value, why)) return false;
    field.write(settings_.sharing, value);
  }
  return true;
}

bool Bundle::read_plan(const FdtReader& tree, FdtReader::Node node, Text& why) {
  PolicyPlan& plan = settings_.plan;
  std::uint32_t earliest = 0;
  for (auto child = tree.first_child(node); child; child = tree.next_sibling(*child)) {
    if (plan.count == kMaxPolicySwitches) return fail(why, tree.name(*child), "too many switches");
    PolicySwitch& next = plan.switches[plan.count++];
    std::uint32_t sharing = 0;
    if (!read_number(tree, *child, "at-us", earliest, kLatestPolicySwitch, next.at_us, why) ||
        !read_number(tree, *child, "sharing", 0, kSharingPolicyNames.size() - 1, sharing, why) ||
        !read_scheduler(tree, *child, next.scheduler, why))
      return false;
    next.sharing = static_cast<SharingPolicy>(sharing);
    earliest = next.at_us + 1;
  }
  settings_.sharing.any_policy = plan.count != 0;
  return true;
}

// What a VM has beside its image. Others than Linux may have a disk, too.
bool Bundle::read_linux(const FdtReader& tree, FdtReader::Node node, VmConfig& vm, Text& why) const {
  const std::string_view where = tree.name(node);
  const auto boot = tree.text(node, "boot").value_or("flat");
  if (boot != "flat" && boot != "linux") return fail(why, where, "boot must be flat or linux");
  vm.linux_boot = boot == "linux";
  const std::span<const std::byte> nothing{};
  vm.initrd = tree.property(node, "initrd").value_or(nothing);
  vm.disk = tree.property(node, "disk").value_or(nothing);
  vm.rng_seed = tree.property(node, "rng-seed").value_or(nothing);
  if (vm.rng_seed.size() > kMaxSeedBytes) return fail(why, where, "rng-seed must have at most 64 bytes");
  vm.bootargs = tree.text(node, "bootargs").value_or("");
  if (!vm.linux_boot && !(vm.initrd.empty() && vm.bootargs.empty()))
    return fail(why, where, "initrd and bootargs are for boot = \"linux\"");
  if (const auto list = tree.property(node, "symbols")) {
    vm.symbols.emplace();
    if (!vm.linux_boot || list->size() != 8 * vm.symbols->size())
      return fail(why, where, "symbols must be 5 numbers of 64 bits, for boot = \"linux\"");
    for (std::size_t i = 0; i < vm.symbols->size(); ++i) (*vm.symbols)[i] = fdt_cells(*list, 2 * i, 2);
  }
  if (vm.bootargs.size() > kMaxBootargsBytes)
    return fail(why, where, "bootargs must have at most 1023 characters");
  return true;
}

bool Bundle::read_vm(const FdtReader& tree, FdtReader::Node node, Text& why) {
  const std::string_view where = tree.name(node);
  if (count_ == kMaxVms) return fail(why, where, "too many VMs");
  VmConfig vm;
  vm.name = tree.text(node, "name").value_or("");
  if (!good_name(vm.name)) return fail(why, where, "name must be 1..31 printable characters");
  for (unsigned i = 0; i < count_; ++i)
    if (vms_[i].name == vm.name) return fail(why, where, "name is taken by an earlier VM");

  vm.image = tree.property(node, "image").value_or(std::span<const std::byte>{});
  vm.memory_bytes = tree.number(node, "memory-bytes").value_or(0);
  constexpr std::uint64_t own_pages = 2 * kPageBytes;  // BootInfo and SharedPage
  if (vm.memory_bytes % kPageBytes != 0 || vm.memory_bytes > kMaxPoolPages * kPageBytes)
    return fail(why, where, "memory-bytes must be whole 4 KiB pages, at most 4 GiB");
  if (vm.image.empty()) return fail(why, where, "image is missing");
  if (vm.memory_bytes < own_pages || vm.image.size() > vm.memory_bytes - own_pages)
    return fail(why, where, "memory-bytes is too small for the image and two pages");

  std::uint32_t sstc = 0;
  if (!read_number(tree, node, "vcpus", 1, kMaxVcpusPerVm, vm.vcpus, why) ||
      !read_number(tree, node, "weight", 1, kMaxWeight, vm.share.weight, why) ||
      !read_number(tree, node, "cap-percent", 0, kMaxCapPercent, vm.share.cap_percent, why) ||
      !read_number(tree, node, "sstc", 0, 1, sstc, why))
    return false;
  vm.sstc = sstc != 0;
  if ((vcpus_ += vm.vcpus) > kMaxVcpus) return fail(why, where, "too many VCPUs in all");
  if (!read_harts(tree, node, vm.harts)) return fail(why, where, "harts must be a list of numbers below 64");

  vm.arguments = tree.text(node, "arguments").value_or("");
  if (vm.arguments.size() >= sizeof abi::BootInfo::arguments)
    return fail(why, where, "arguments must be shorter than 512 characters");
  if (!read_linux(tree, node, vm, why)) return false;
  vms_[count_++] = vm;
  return true;
}

}  // namespace hv
