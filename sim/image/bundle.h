// The bundle that the hypervisor finds as its initrd: settings, VMs and their images
// (hypervisor/abi/bundle.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/abi/kernel_symbols.h"
#include "hypervisor/policy_plan.h"
#include "hypervisor/scheduling.h"
#include "hypervisor/sharing/settings.h"
#include "models/cpu/isa/result.h"

namespace hvsim::sim {

struct BundleVm {
  std::string name{};
  std::uint64_t memory_bytes = std::uint64_t{16} << 20;
  unsigned vcpus = 1;
  std::vector<unsigned> harts{};  // empty: anywhere
  hv::SchedulerShare share{};
  bool sstc = false;
  std::string arguments{};
  std::vector<std::byte> image{};  // flat, for guest-physical hv::abi::kGuestMemoryBase; or a Linux Image
  bool linux_boot = false;
  std::string bootargs{};                           // of Linux, as symbols and initrd
  std::optional<hv::abi::KernelSymbols> symbols{};  // of the kernel, for introspection
  std::vector<std::byte> initrd{}, disk{};
  std::optional<std::uint64_t> seed{};  // of the randomness that the kernel starts with; none: it gets none
};

struct BundleDescription {
  hv::abi::Delivery delivery = hv::abi::Delivery::immediate;
  std::uint32_t calls_per_notification = 1;
  std::uint32_t queue_capacity = 64;
  std::uint32_t drain_budget_cycles = 20000;
  std::uint32_t max_deferred_entries = 4;
  bool drain_at_entry = true;
  hv::SchedulerPolicy scheduler = hv::SchedulerPolicy::round_robin;
  std::uint32_t time_slice_us = 1000;
  bool tick_when_alone = false;
  std::uint32_t cap_period_us = 10'000;
  std::uint32_t audit_exits = 0;
  bool print_statistics = false, read_instructions = false;
  hv::SharingSettings sharing{};
  std::vector<hv::PolicySwitch> switches{};  // each later than the last
  std::vector<BundleVm> vms{};
};

// Errors name the VM and the value.
isa::Result<std::vector<std::byte>, std::string> make_bundle(const BundleDescription& description);

}  // namespace hvsim::sim
