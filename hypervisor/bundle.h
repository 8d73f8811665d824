// The bundle as the hypervisor understands it: settings and VMs out of a device tree, checked (abi/bundle.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/abi/kernel_symbols.h"
#include "hypervisor/dlh_queue.h"
#include "hypervisor/fdt_reader.h"
#include "hypervisor/policy_plan.h"
#include "hypervisor/scheduling.h"
#include "hypervisor/sharing/settings.h"
#include "hypervisor/text.h"

namespace hv {

struct Settings {
  abi::Delivery delivery = abi::Delivery::dlh;
  std::uint32_t calls_per_notification = 1;
  DlhLimits dlh{};
  bool drain_at_entry = true;  // false: calls wait until something else drains them
  SchedulerPolicy scheduler = SchedulerPolicy::round_robin;
  std::uint32_t time_slice_us = 1000;
  bool tick_when_alone = false;          // slices end in an interrupt also where nobody waits for the hart
  std::uint32_t cap_period_us = 10'000;  // of the credit scheduler
  std::uint32_t audit_exits = 0;         // the hypervisor checks its own tables at each such exit; 0: never
  bool print_statistics = false;         // one line per VM when it is off
  SharingSettings sharing{};
  PolicyPlan plan{};               // of what follows `scheduler` and `sharing.policy`
  bool read_instructions = false;  // of device accesses from the guest's memory, even if htinst tells
};

struct VmConfig {
  std::string_view name;
  std::uint64_t memory_bytes = 0;
  std::uint32_t vcpus = 1;
  std::uint64_t harts = ~std::uint64_t{0};  // where its VCPUs may run
  SchedulerShare share;
  bool sstc = false;
  std::string_view arguments;
  std::span<const std::byte> image;
  bool linux_boot = false;  // the image is a Linux Image, entered as the firmware would
  std::span<const std::byte> initrd, disk, rng_seed;
  std::optional<abi::KernelSymbols> symbols;  // of the kernel, from its System.map
  std::string_view bootargs;
};

class Bundle {
 public:
  // Empty: `why` says in one line what is wrong and where.
  static std::optional<Bundle> open(std::span<const std::byte> blob, Text& why);

  const Settings& settings() const { return settings_; }
  unsigned vm_count() const { return count_; }
  const VmConfig& vm(unsigned index) const { return vms_[index]; }

 private:
  bool read_settings(const FdtReader& tree, FdtReader::Node node, Text& why);
  bool read_sharing(const FdtReader& tree, FdtReader::Node node, Text& why);
  bool read_plan(const FdtReader& tree, FdtReader::Node node, Text& why);
  bool read_linux(const FdtReader& tree, FdtReader::Node node, VmConfig& vm, Text& why) const;
  bool read_vm(const FdtReader& tree, FdtReader::Node node, Text& why);

  Settings settings_{};
  VmConfig vms_[kMaxVms];
  unsigned count_ = 0;
  unsigned vcpus_ = 0;
};

}  // namespace hv
