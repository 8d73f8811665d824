// The field lists of a hypervisor and its VMs.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "hypervisor/limits.h"
#include "sim/config.h"
#include "sim/describe.h"
#include "sim/work_fields.h"

namespace hvsim::sim {

template <>
struct Named<HypervisorRun> {
  static constexpr std::array choices{std::pair{HypervisorRun::none, "none"},
                                      std::pair{HypervisorRun::target, "target"},
                                      std::pair{HypervisorRun::host, "host"}};
};

template <>
struct Named<hv::abi::Delivery> {
  using E = hv::abi::Delivery;
  static constexpr std::array choices{std::pair{E::immediate, "immediate"},
                                      std::pair{E::dlh, "dlh"},
                                      std::pair{E::multicall, "multicall"},
                                      std::pair{E::softirq, "softirq"},
                                      std::pair{E::dlh_ring, "dlh_ring"},
                                      std::pair{E::polling, "polling"},
                                      std::pair{E::free, "free"}};
};

namespace detail {

// The n-th choice has the number n.
template <class E, std::size_t count>
constexpr auto choices_of(const std::array<std::string_view, count>& names) {
  std::array<std::pair<E, std::string_view>, count> choices;
  for (std::size_t i = 0; i < count; ++i) choices[i] = {static_cast<E>(i), names[i]};
  return choices;
}

}  // namespace detail

template <>
struct Named<hv::SharingPolicy> {
  static constexpr auto choices = detail::choices_of<hv::SharingPolicy>(hv::kSharingPolicyNames);
};

template <>
struct Named<hv::MapSource> {
  static constexpr auto choices = detail::choices_of<hv::MapSource>(hv::kMapSourceNames);
};

template <>
struct Named<hv::SharingAblation> {
  static constexpr auto choices = detail::choices_of<hv::SharingAblation>(hv::kSharingAblationNames);
};

template <>
struct Named<hv::SchedulerPolicy> {
  static constexpr auto choices = detail::choices_of<hv::SchedulerPolicy>(hv::kSchedulerPolicyNames);
};

// A key for each kind of work, from the list of prices, and for what is no price.
template <>
struct Described<hv::CostModel> {
  using T = hv::CostModel;
  static constexpr auto fields =
      std::tuple_cat(fields_by_work(&T::prices, Unit::cycles, Rule{.max = 1'000'000}),
                     std::tuple{Field{"own_lines", &T::own_lines, Unit::none,
                                      "the hypervisor's own code and data go through the caches, too"}});
};

template <>
struct Described<hv::SharingSettings> {
  using T = hv::SharingSettings;
  static constexpr auto fields = std::tuple{
      Field{"policy", &T::policy, Unit::none,
            "which pages of VMs share a frame: none; content_scan: by hash and tree; balloon and "
            "free_page_reporting: those that the guest gives back; memory_map: free ones by the guest's map; "
            "memory_map+content_scan; oracle: memory_map for nothing, in host runs"},
      Field{"source", &T::source, Unit::none,
            "of the memory map: cooperative: the guest publishes it; introspection: found in a Linux guest"},
      Field{"ablation", &T::ablation, Unit::none,
            "what a policy leaves out; on purpose, no_second_check and no_remote_fence lose writes, and "
            "no_second_fence shows VMs each other's data"},
      Field{"demand", &T::demand, Unit::none,
            "frames are given at the first write, so VMs may be promised more than there is"},
      Field{"block_leaves", &T::block_leaves, Unit::none, "false: stage two maps 4 KiB pages only"},
      Field{"unshare_blocks", &T::unshare_blocks, Unit::none,
            "a write to a shared 2 MiB block gets all of it back, if there is one"},
      Field{"scan_hart", &T::scan_hart, Unit::none, "hart that scans", Rule{.max = 63}},
      Field{"start_us", &T::start_us, Unit::microseconds, "scans begin so long after boot",
            Rule{.max = hv::kLongestSharingTime}},
      Field{"period_us", &T::period_us, Unit::microseconds, "between the begins of rounds over all maps",
            Rule{.min = 100, .max = hv::kLongestSharingTime}},
      Field{"step_pages", &T::step_pages, Unit::count, "most pages that one step of a round looks at",
            Rule{.min = 512, .max = 65536}},
      Field{"step_gap_us", &T::step_gap_us, Unit::microseconds, "between the steps of a round",
            Rule{.min = 1, .max = 1'000'000}},
      Field{"reserve_pages", &T::reserve_pages, Unit::count, "free pages of each VM that are left alone",
            Rule{.max = 1u << 20}},
      Field{"splinter_free_pages", &T::splinter_free_pages, Unit::count,
            "free pages that a 2 MiB mapping must have to be splintered; 512: never",
            Rule{.min = 1, .max = 512}},
      Field{"pages_per_second", &T::pages_per_second, Unit::count, "rate of content_scan",
            Rule{.min = 1, .max = 100'000'000}},
      Field{"content_step_pages", &T::content_step_pages, Unit::count,
            "pages that one step of content_scan looks at", Rule{.min = 1, .max = 4096}},
      Field{"balloon_percent", &T::balloon_percent, Unit::none,
            "share of its free memory that a guest is asked to give back", Rule{.max = 100}},
      Field{"balloon_order", &T::balloon_order, Unit::none, "the balloon takes 2^n pages at a time",
            Rule{.max = 9}},
      Field{"report_delay_us", &T::report_delay_us, Unit::microseconds,
            "a block must have been free so long to be reported", Rule{.max = hv::kLongestSharingTime}},
      Field{"epoch_us", &T::epoch_us, Unit::microseconds, "between samples of the time series",
            Rule{.min = 100, .max = hv::kLongestSharingTime}}};
};

template <>
struct Described<hv::PolicySwitch> {
  using T = hv::PolicySwitch;
  static constexpr auto fields = std::tuple{
      Field{"at_us", &T::at_us, Unit::microseconds,
            "after the hypervisor's boot; later than the switch before",
            Rule{.max = hv::kLatestPolicySwitch, .required = true}},
      Field{"scheduler", &T::scheduler, Unit::none, "scheduler from then on", Rule{.required = true}},
      Field{"sharing", &T::sharing, Unit::none, "policy of sharing from then on", Rule{.required = true}}};
};

template <>
struct Described<HypervisorConfig> {
  using T = HypervisorConfig;
  static constexpr auto fields = std::tuple{
      Field{"run", &T::run, Unit::none,
            "none; target: RISC-V code on the modelled harts; host: natively, charged by the cost model"},
      Field{
          "delivery", &T::delivery, Unit::none,
          "deferrable hypercalls run: immediate: inside their own trap; multicall: a list in one trap; "
          "softirq: from a queue per hart, before whichever VM is entered; dlh: from a queue per VM, before "
          "that VM is entered; dlh_ring: the same, queued without a trap; polling: by the last hart, which "
          "does nothing else; free: at no cost (host runs only)"},
      Field{"calls_per_notification", &T::calls_per_notification, Unit::count,
            "deferrable calls that a guest collects for one trap; dlh_ring: calls that wait before it traps",
            Rule{.min = 1, .max = 64}},
      Field{"queue_capacity", &T::queue_capacity, Unit::count, "entries of each queue and ring",
            Rule{.min = 1, .max = hv::kMaxQueueCapacity}},
      Field{"drain_budget_cycles", &T::drain_budget_cycles, Unit::cycles, "longest drain before one VM entry",
            Rule{.min = 1, .max = 0xFFFF'FFFF}},
      Field{"max_deferred_entries", &T::max_deferred_entries, Unit::count,
            "VM entries that a queued call may wait for", Rule{.min = 1, .max = 1'000'000}},
      Field{"drain_at_entry", &T::drain_at_entry, Unit::none,
            "false: queued calls wait for a full queue, a call that is not deferrable, or sleep"},
      Field{"scheduler", &T::scheduler, Unit::none,
            "round_robin: who has waited longest goes first; credit: who has had least by weight, with caps"},
      Field{"time_slice_us", &T::time_slice_us, Unit::microseconds, "time slice of a VCPU",
            Rule{.min = 10, .max = 10'000'000}},
      Field{"tick_when_alone", &T::tick_when_alone, Unit::none,
            "true: interrupt VCPUs at the end of each slice also where nobody waits for their hart "
            "(round_robin)"},
      Field{"cap_period_us", &T::cap_period_us, Unit::microseconds,
            "period that a VM's cap is a share of (credit)", Rule{.min = 100, .max = 10'000'000}},
      Field{"audit_exits", &T::audit_exits, Unit::count,
            "every so many exits of a hart the hypervisor checks its own tables, which takes time; 0: never"},
      Field{"read_instructions", &T::read_instructions, Unit::none,
            "decode accesses to emulated devices from the guest's memory, although htinst tells"},
      Field{"sharing", &T::sharing, Unit::none, "how memory is given to VMs and shared between them"},
      Field{"switches", &T::switches, Unit::none,
            "other policies while VMs run; what is shared stays so until it is written to",
            Rule{.max = hv::kMaxPolicySwitches}},
      Field{"image", &T::image, Unit::none, "ELF of the hypervisor: a name or a path", Rule{.path = true}},
      Field{"costs", &T::costs, Unit::none, "what the hypervisor's work costs in a host run"},
      Field{"calibration", &T::calibration, Unit::none,
            "where the costs come from, as `hvsim calibrate` writes it; changes nothing"}};
};

template <>
struct Described<VmConfig> {
  using T = VmConfig;
  static constexpr auto fields = std::tuple{
      Field{"name", &T::name, Unit::none, "unique; prefixes the VM's console lines and names its log",
            Rule{.required = true, .name_length = hv::kMaxNameBytes}},
      Field{"workload", &T::workload, Unit::none,
            "what the guest runs: a name or a path of an ELF, or a path of a Linux kernel",
            Rule{.path = true, .required = true}},
      Field{"memory_bytes", &T::memory_bytes, Unit::bytes, "guest RAM from guest-physical 0x80000000",
            Rule{.min = std::uint64_t{1} << 20, .max = std::uint64_t{1} << 36}},
      Field{"vcpus", &T::vcpus, Unit::count, "virtual CPUs", Rule{.min = 1, .max = hv::kMaxVcpusPerVm}},
      Field{"harts", &T::harts, Unit::none, "harts that may run its VCPUs; none listed: any",
            Rule{.max = kMaxHarts}},
      Field{"weight", &T::weight, Unit::count,
            "share of the harts that it competes for, relative to the other VMs' (credit)",
            Rule{.min = 1, .max = hv::kMaxWeight}},
      Field{"cap_percent", &T::cap_percent, Unit::count,
            "most that all its VCPUs get together, in per cent of one hart; 0: no cap (credit)",
            Rule{.max = hv::kMaxCapPercent}},
      Field{"sstc", &T::sstc, Unit::none, "the guest may write vstimecmp"},
      Field{"arguments", &T::arguments, Unit::none, "key=value pairs that the workload reads at boot"},
      Field{"bootargs", &T::bootargs, Unit::none, "command line of a Linux kernel"},
      Field{"initrd", &T::initrd, Unit::none, "file with a Linux kernel's initramfs", Rule{.file = true}},
      Field{"symbols", &T::symbols, Unit::none,
            "the Linux kernel's System.map, for sharing with source introspection; none: they are found in "
            "the guest",
            Rule{.file = true}},
      Field{"disk", &T::disk, Unit::none,
            "file that the VM's virtio disk holds at first; what the guest writes is gone afterwards",
            Rule{.file = true}},
      Field{"disk_bytes", &T::disk_bytes, Unit::bytes,
            "the VM has a virtio disk at least so large; what `disk` does not fill is zero",
            Rule{.max = std::uint64_t{1} << 30}}};
};

}  // namespace hvsim::sim
