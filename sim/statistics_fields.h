// The field lists of everything that stats.json holds.
#pragma once

#include "sim/activity_fields.h"
#include "sim/describe.h"
#include "sim/statistics.h"
#include "sim/statistics_names.h"
#include "sim/work_fields.h"

namespace hvsim::sim {

template <>
struct Named<StopReason> {
  static constexpr std::array choices{std::pair{StopReason::finished, "finished"},
                                      std::pair{StopReason::cycle_limit, "cycle_limit"},
                                      std::pair{StopReason::instruction_limit, "instruction_limit"},
                                      std::pair{StopReason::no_progress, "no_progress"},
                                      std::pair{StopReason::unexpected_trap, "unexpected_trap"},
                                      std::pair{StopReason::debugger, "debugger"},
                                      std::pair{StopReason::checkpoint, "checkpoint"}};
};

template <>
struct Described<mem::CacheStats> {
  using T = mem::CacheStats;
  static constexpr auto fields =
      std::tuple{Field{"accesses", &T::accesses, Unit::count, "lookups"},
                 Field{"misses", &T::misses, Unit::count, "lookups that found nothing"},
                 Field{"evictions", &T::evictions, Unit::count, "lines that left to make room"},
                 Field{"writebacks", &T::writebacks, Unit::count, "modified lines written to the next level"},
                 Field{"invalidations", &T::invalidations, Unit::count, "lines that others took away"},
                 Field{"hits_in_flight", &T::hits_in_flight, Unit::count,
                       "hits on lines that an earlier miss was still bringing"}};
};

template <>
struct Described<mem::PrefetchStats> {
  using T = mem::PrefetchStats;
  static constexpr auto fields =
      std::tuple{Field{"issued", &T::issued, Unit::count, "lines fetched ahead"},
                 Field{"useful", &T::useful, Unit::count, "of them used before they left"},
                 Field{"late", &T::late, Unit::count, "of those still on their way when they were wanted"},
                 Field{"useless", &T::useless, Unit::count, "of them left without being used"}};
};

template <>
struct Described<mem::DramStats> {
  using T = mem::DramStats;
  static constexpr auto fields = std::tuple{
      Field{"reads", &T::reads, Unit::count, "lines read"},
      Field{"writes", &T::writes, Unit::count, "lines written"},
      Field{"row_hits", &T::row_hits, Unit::count, "accesses to the open row"},
      Field{"row_misses", &T::row_misses, Unit::count, "accesses to a bank with no row open"},
      Field{"row_conflicts", &T::row_conflicts, Unit::count, "accesses that had to close another row"},
      Field{"bank_wait", &T::bank_wait, Unit::cycles, "waited for busy banks"},
      Field{"bus_wait", &T::bus_wait, Unit::cycles, "waited for the bus"}};
};

template <>
struct Described<mem::LinkStats> {
  using T = mem::LinkStats;
  static constexpr auto fields =
      std::tuple{Field{"messages", &T::messages, Unit::count, "that passed"},
                 Field{"bytes", &T::bytes, Unit::bytes, "that passed"},
                 Field{"wait", &T::wait, Unit::cycles, "that messages waited for others"}};
};

template <>
struct Described<LinkRow> {
  using T = LinkRow;
  static constexpr auto fields = std::tuple{Field{"name", &T::name, Unit::none, "from where to where"},
                                            Field{"traffic", &T::traffic, Unit::none, "what passed"}};
};

template <>
struct Described<mem::CoherenceStats> {
  using T = mem::CoherenceStats;
  static constexpr auto fields = std::tuple{
      Field{"upgrades", &T::upgrades, Unit::count, "stores to a line held shared"},
      Field{"exclusive_writes", &T::exclusive_writes, Unit::count,
            "first stores to a line held exclusive, which cost nothing"},
      Field{"invalidations", &T::invalidations, Unit::count, "copies in other L1Ds that a store removed"},
      Field{"downgrades", &T::downgrades, Unit::count, "modified lines that another hart's read made shared"},
      Field{"back_invalidations", &T::back_invalidations, Unit::count,
            "L1 lines that left with their L2 line"}};
};

template <>
struct Described<mmu::TlbStats> {
  using T = mmu::TlbStats;
  static constexpr auto fields =
      std::tuple{Field{"lookups", &T::lookups, Unit::count, "translations asked for"},
                 Field{"misses", &T::misses, Unit::count, "translations not found"},
                 Field{"evictions", &T::evictions, Unit::count, "entries that left to make room"},
                 Field{"fences", &T::fences, Unit::count, "fences that reached this TLB"},
                 Field{"fenced_entries", &T::fenced_entries, Unit::count, "entries that fences removed"}};
};

template <>
struct Described<cpu::BranchPredictorStats> {
  using T = cpu::BranchPredictorStats;
  static constexpr auto fields = std::tuple{
      Field{"branches", &T::branches, Unit::count, "conditional branches"},
      Field{"branch_mispredicts", &T::branch_mispredicts, Unit::count, "of them mispredicted"},
      Field{"indirect_jumps", &T::indirect_jumps, Unit::count, "jumps through a register, returns aside"},
      Field{"indirect_mispredicts", &T::indirect_mispredicts, Unit::count, "of them mispredicted"},
      Field{"returns", &T::returns, Unit::count, "returns"},
      Field{"return_mispredicts", &T::return_mispredicts, Unit::count, "of them mispredicted"}};
};

template <>
struct Described<cpu::HartCounters> {
  using T = cpu::HartCounters;
  static constexpr auto fields = std::tuple{
      Field{"traps", &T::traps, Unit::count, "traps taken, interrupts included"},
      Field{"interrupts", &T::interrupts, Unit::count, "interrupts taken"},
      Field{"walks", &T::walks, Unit::count, "page-table walks"},
      Field{"walk_pte_reads_first", &T::walk_pte_reads_first, Unit::count, "PTEs read in the first stage"},
      Field{"walk_pte_reads_g", &T::walk_pte_reads_g, Unit::count, "PTEs read in the G-stage"},
      Field{"device_accesses", &T::device_accesses, Unit::count, "loads and stores outside RAM"}};
};

template <>
struct Described<HartStats> {
  using T = HartStats;
  static constexpr auto fields =
      std::tuple{Field{"hart", &T::hart, Unit::none, "number of the hart"},
                 Field{"cycles", &T::cycles, Unit::cycles, "elapsed, idle included"},
                 Field{"idle_cycles", &T::idle_cycles, Unit::cycles, "spent in WFI"},
                 Field{"retired", &T::retired, Unit::instructions, "instructions retired"},
                 Field{"counters", &T::counters, Unit::none, "traps, walks and device accesses"},
                 Field{"branches", &T::branches, Unit::none, "branch prediction"},
                 Field{"l1i", &T::l1i, Unit::none, "instruction cache"},
                 Field{"l1d", &T::l1d, Unit::none, "data cache"},
                 Field{"l1i_prefetches", &T::l1i_prefetches, Unit::none, "of the instruction cache"},
                 Field{"l1d_prefetches", &T::l1d_prefetches, Unit::none, "of the data cache"},
                 Field{"itlb", &T::itlb, Unit::none, "first-level TLB for fetches"},
                 Field{"dtlb", &T::dtlb, Unit::none, "first-level TLB for loads and stores"},
                 Field{"l2tlb", &T::l2tlb, Unit::none, "second-level TLB"},
                 Field{"gtlb", &T::gtlb, Unit::none, "G-stage TLB of the walker"},
                 Field{"walk_cache_first", &T::walk_cache_first, Unit::none,
                       "walk cache of the first stage, asked once per walk"},
                 Field{"walk_cache_g", &T::walk_cache_g, Unit::none,
                       "walk cache of the G-stage, asked once per guest-physical address"}};
};

template <>
struct Described<DeliveryStats> {
  using T = DeliveryStats;
  static constexpr auto fields = std::tuple{
      Field{"issued", &T::issued, Unit::count, "deferrable hypercalls that the guest made, by its marks"},
      Field{"ran", &T::ran, Unit::count, "of them that have run"},
      Field{"notifications", &T::notifications, Unit::count, "traps that announced deferrable hypercalls"},
      Field{"suppressed_notifications", &T::suppressed_notifications, Unit::count,
            "calls that ran without a trap of their own"},
      Field{"overflow_drains", &T::overflow_drains, Unit::count, "full queues drained on the spot"},
      Field{"barrier_drains", &T::barrier_drains, Unit::count,
            "calls that are not deferrable and found something to drain"},
      Field{"blocking_drains", &T::blocking_drains, Unit::count,
            "times the last VCPU to block found something to drain"},
      Field{"budget_stops", &T::budget_stops, Unit::count, "drains at entry that left calls behind"},
      Field{"forced_drains", &T::forced_drains, Unit::count,
            "drains at entry without a budget: calls had waited for enough entries"},
      Field{"interrupted_drains", &T::interrupted_drains, Unit::count,
            "drains that gave way to somebody who should have the hart, and went on later"},
      Field{"ring_errors", &T::ring_errors, Unit::count, "rings passed over for an impossible index"},
      Field{"completion_interrupts", &T::completion_interrupts, Unit::count,
            "completed calls that had asked for one"},
      Field{"depth_p50", &T::depth_p50, Unit::count, "calls waiting after an append, median"},
      Field{"deepest", &T::deepest, Unit::count, "most calls waiting at once"},
      Field{"latency_p50", &T::latency_p50, Unit::cycles, "from the guest's call until it has run, median"},
      Field{"latency_p99", &T::latency_p99, Unit::cycles, "the same, 99 % were no longer"},
      Field{"latency_p999", &T::latency_p999, Unit::cycles, "the same, 99.9 % were no longer"},
      Field{"latency_max", &T::latency_max, Unit::cycles, "the same, the longest"},
      Field{"entry_p50", &T::entry_p50, Unit::cycles,
            "from the scheduler's decision until the guest runs, median"},
      Field{"entry_p99", &T::entry_p99, Unit::cycles, "the same, 99 % were no longer"},
      Field{"entry_p999", &T::entry_p999, Unit::cycles, "the same, 99.9 % were no longer"},
      Field{"entry_max", &T::entry_max, Unit::cycles, "the same, the longest"},
      Field{"served_by_own", &T::served_by_own, Unit::cycles,
            "its queued calls ran for so long in its own time"},
      Field{"served_by_others", &T::served_by_others, Unit::cycles,
            "and for so long in time that other VMs were charged"},
      Field{"served_by_nobody", &T::served_by_nobody, Unit::cycles,
            "and for so long in nobody's time: on an idle or a polling hart"},
      Field{"paid_for_others", &T::paid_for_others, Unit::cycles,
            "its own time in which queued calls of other VMs ran"}};
};

template <>
struct Described<VmStats> {
  using T = VmStats;
  static constexpr auto fields = std::tuple{
      Field{"name", &T::name, Unit::none, "of the VM"},
      Field{"end", &T::end, Unit::none, "how it ended, as the hypervisor said; empty if it has not"},
      Field{"work_done", &T::work_done, Unit::count, "units of useful work, by the guest's marks"},
      Field{"hypercalls_done", &T::hypercalls_done, Unit::count, "hypercalls whose routine ran to its end"},
      Field{"delivery", &T::delivery, Unit::none, "what became of its deferrable hypercalls"},
      Field{"run_cycles", &T::run_cycles, Unit::cycles, "its VCPUs had a hart, together"},
      Field{"hypervisor_cycles", &T::hypervisor_cycles, Unit::cycles,
            "spent in HS-mode on its behalf, without idle time"},
      Field{"steal_cycles", &T::steal_cycles, Unit::cycles, "its VCPUs waited for a hart that others had"},
      Field{"capped_cycles", &T::capped_cycles, Unit::cycles,
            "its VCPUs wanted to run when its cap was used up"},
      Field{"wait_cycles", &T::wait_cycles, Unit::cycles, "its VCPUs waited for an interrupt"},
      Field{"latencies", &T::latencies, Unit::count, "operations whose latency the guest told by marks"},
      Field{"latency_p50", &T::latency_p50, Unit::nanoseconds,
            "half of them were no longer (upper edge of a bucket)"},
      Field{"latency_p99", &T::latency_p99, Unit::nanoseconds,
            "99 % of them were no longer (upper edge of a bucket)"},
      Field{"latency_max", &T::latency_max, Unit::nanoseconds, "the longest"}};
};

template <>
struct NamedElements<SharingCounters> {
  static constexpr std::string_view name(std::size_t index) { return hv::kSharingCounterNames[index]; }
  static constexpr std::string_view help(std::size_t index) { return hv::kSharingCounterTexts[index].help; }
  static constexpr Unit unit(std::size_t index) {
    if (name(index) == "shared_page_ticks" || name(index) == "content_frame_ticks") return Unit::count;
    return name(index).ends_with("_ticks")    ? Unit::ticks
           : name(index).ends_with("_cycles") ? Unit::cycles
                                              : Unit::count;
  }
};

template <>
struct Described<SharingStats> {
  using T = SharingStats;
  static constexpr auto fields = std::tuple{
      Field{"vm", &T::vm, Unit::none, "whose memory; \"machine\": the hypervisor's pool of it"},
      Field{"counters", &T::counters, Unit::count,
            "pages of 4 KiB, cycles and ticks of the time base, as their names say, when last told"}};
};

template <>
struct Described<SharingSample> {
  using T = SharingSample;
  static constexpr auto fields = std::tuple{
      Field{"cycles", &T::cycles, Unit::cycles, "when, by the scanning hart"},
      Field{"vm", &T::vm, Unit::none, "whose memory"},
      Field{"private_pages", &T::private_pages, Unit::count, "4 KiB frames of its own"},
      Field{"shared_pages", &T::shared_pages, Unit::count, "pages that map to the zero frame"},
      Field{"merged_pages", &T::merged_pages, Unit::count, "pages that map to a frame shared by content"},
      Field{"free_pages", &T::free_pages, Unit::count, "free pages by its map, in the last round"}};
};

template <>
struct Described<ExitRow> {
  using T = ExitRow;
  static constexpr auto fields = std::tuple{
      Field{"vm", &T::vm, Unit::none, "that was left"},
      Field{"cause", &T::cause, Unit::none, "why, in the words of perf kvm stat"},
      Field{"count", &T::count, Unit::count, "exits"},
      Field{"cycles", &T::cycles, Unit::cycles, "from the trap to the next guest entry, idle included"},
      Field{"min", &T::min, Unit::cycles, "shortest exit"},
      Field{"p50", &T::p50, Unit::cycles, "half were no longer (at most 6.25 % above the true value)"},
      Field{"p99", &T::p99, Unit::cycles, "99 % were no longer (at most 6.25 % above the true value)"},
      Field{"max", &T::max, Unit::cycles, "longest exit"}};
};

template <>
struct Described<CpiRow> {
  using T = CpiRow;
  static constexpr auto fields =
      std::tuple{Field{"hart", &T::hart, Unit::none, "number of the hart"},
                 Field{"vm", &T::vm, Unit::none, "responsible VM"},
                 Field{"vcpu", &T::vcpu, Unit::none, "number of its VCPU"},
                 Field{"mode", &T::mode, Unit::none, "privilege mode: M, HS, U, VS or VU"},
                 Field{"cause", &T::cause, Unit::none,
                       "exit being handled, or RESUMED: on the way from others to a guest"},
                 Field{"phase", &T::phase, Unit::none, "hypervisor phase"},
                 Field{"components", &T::components, Unit::cycles, "cycles by component"}};
};

template <>
struct Described<WorkRow> {
  using T = WorkRow;
  static constexpr auto fields =
      std::tuple_cat(std::tuple{Field{"cause", &T::cause, Unit::none,
                                      "exit being handled, or RESUMED: on the way from others to a guest"},
                                Field{"phase", &T::phase, Unit::none, "hypervisor phase"}},
                     fields_by_work(&T::units, Unit::count));
};

template <>
struct Described<device::VirtioBlockStats> {
  using T = device::VirtioBlockStats;
  static constexpr auto fields =
      std::tuple{Field{"reads", &T::reads, Unit::count, "requests to read"},
                 Field{"writes", &T::writes, Unit::count, "requests to write"},
                 Field{"flushes", &T::flushes, Unit::count, "requests to make writes last"},
                 Field{"errors", &T::errors, Unit::count, "requests that failed"},
                 Field{"bytes_read", &T::bytes_read, Unit::bytes, "data read"},
                 Field{"bytes_written", &T::bytes_written, Unit::bytes, "data written"}};
};

template <>
struct Described<RunResult> {
  using T = RunResult;
  static constexpr auto fields = std::tuple{
      Field{"stop", &T::stop, Unit::none, "why the run ended"},
      Field{"guest_exit_code", &T::guest_exit_code, Unit::none, "as the test finisher was told; 0 is a pass"},
      Field{"stop_detail", &T::stop_detail, Unit::none, "for people"},
      Field{"cycles", &T::cycles, Unit::cycles, "elapsed on the hart that ran longest"},
      Field{"harts", &T::harts, Unit::none, "per hart"},
      Field{"l2", &T::l2, Unit::none, "shared cache"},
      Field{"llc", &T::llc, Unit::none, "last-level cache"},
      Field{"l2_prefetches", &T::l2_prefetches, Unit::none, "of the shared cache"},
      Field{"coherence", &T::coherence, Unit::none, "between the data caches"},
      Field{"dram", &T::dram, Unit::none, "memory with banks; zero without"},
      Field{"links", &T::links, Unit::none, "of the interconnect; none if it is ideal"},
      Field{"disks", &T::disks, Unit::none, "per disk of the machine"},
      Field{"vms", &T::vms, Unit::none, "per VM"},
      Field{"sharing", &T::sharing, Unit::none, "shared memory per VM; empty without sharing"},
      Field{"sharing_samples", &T::sharing_samples, Unit::none, "memory of VMs over time"},
      Field{"exits", &T::exits, Unit::none,
            "per VM and cause; RESUMED: no exits, but returns after others had the hart"},
      Field{"cpi", &T::cpi, Unit::none, "every cycle of every hart in exactly one cell"},
      Field{"work", &T::work, Unit::none, "what the hypervisor did in a host run, by its kinds of work"},
      Field{"measured_from", &T::measured_from, Unit::cycles,
            "when statistics were last reset; all counts are since then"},
      Field{"shares", &T::shares, Unit::none, "what each hart did, by VM, VCPU and mode"},
      Field{"traps", &T::traps, Unit::none, "traps by the modes that they left and entered"},
      Field{"interrupts", &T::interrupts, Unit::none, "how long interrupts waited for their handler"},
      Field{"vcpu_waits", &T::vcpu_waits, Unit::none, "how long VCPUs waited for a hart"},
      Field{"delivery_times", &T::delivery_times, Unit::none,
            "how long deferrable hypercalls waited, and entries of guests took"},
      Field{"walks", &T::walks, Unit::none, "page walks"},
      Field{"regions", &T::regions, Unit::none, "regions of interest, by the marks of software"},
      Field{"epochs", &T::epochs, Unit::none, "what happened in each epoch"},
      Field{"dumps", &T::dumps, Unit::none, "statistics at moments that software chose"}};
};

template <>
struct Described<CauseTotal> {
  using T = CauseTotal;
  static constexpr auto fields = std::tuple{
      Field{"cause", &T::cause, Unit::none, "why guests were left"},
      Field{"count", &T::count, Unit::count, "exits"},
      Field{"cycles", &T::cycles, Unit::cycles, "spent outside guests, without idle time and drains"}};
};

template <>
struct Described<SharingSummary> {
  using T = SharingSummary;
  static constexpr auto fields = std::tuple{
      Field{"promised_pages", &T::promised_pages, Unit::count, "4 KiB pages that VMs were promised"},
      Field{"peak_saved_pages", &T::peak_saved_pages, Unit::count, "most that all VMs saved at one time"},
      Field{"peak_used_pages", &T::peak_used_pages, Unit::count,
            "most frames of the hypervisor's pool in use at one time since boot"},
      Field{"saved_page_ticks", &T::saved_page_ticks, Unit::count,
            "saved pages, summed over ticks of the 10 MHz time base"},
      Field{"free_pages", &T::free_pages, Unit::count, "free by the maps, in the last round"},
      Field{"shared_free_pages", &T::shared_free_pages, Unit::count, "pages shared after that round"},
      Field{"scanned_pages", &T::scanned_pages, Unit::count, "pages that scans looked at"},
      Field{"scan_cycles", &T::scan_cycles, Unit::cycles, "that they took"},
      Field{"unshares", &T::unshares, Unit::count, "writes to shared pages"},
      Field{"unshare_cycles", &T::unshare_cycles, Unit::cycles,
            "from finding the page to its own frame, without exit and entry"},
      Field{"splintered_blocks", &T::splintered_blocks, Unit::count, "2 MiB mappings that were broken up"},
      Field{"detected_pages", &T::detected_pages, Unit::count,
            "shared pages of which the map says since when they were free"},
      Field{"detect_ticks", &T::detect_ticks, Unit::ticks, "how long they had been, summed"},
      Field{"pauses", &T::pauses, Unit::count, "VCPUs that waited for a frame"}};
};

template <>
struct Described<RunSummary> {
  using T = RunSummary;
  static constexpr auto fields = std::tuple{
      Field{"cycles", &T::cycles, Unit::cycles, "elapsed on the hart that ran longest"},
      Field{"retired", &T::retired, Unit::instructions, "by all harts"},
      Field{"busy_cycles", &T::busy_cycles, Unit::cycles, "not idle, over all harts"},
      Field{"idle_cycles", &T::idle_cycles, Unit::cycles, "in WFI, over all harts"},
      Field{"guest_cycles", &T::guest_cycles, Unit::cycles, "in VS and VU"},
      Field{"trap_path_cycles", &T::trap_path_cycles, Unit::cycles, "hypervisor: save, schedule, restore"},
      Field{"exit_cycles", &T::exit_cycles, Unit::cycles, "hypervisor: exits and what runs inside them"},
      Field{"enqueue_cycles", &T::enqueue_cycles, Unit::cycles, "hypervisor: putting calls into queues"},
      Field{"drain_cycles", &T::drain_cycles, Unit::cycles, "hypervisor: running queued calls"},
      Field{"poll_cycles", &T::poll_cycles, Unit::cycles, "hypervisor: a dedicated hart looking at rings"},
      Field{"scan_cycles", &T::scan_cycles, Unit::cycles, "hypervisor: looking for pages to share"},
      Field{"unshare_cycles", &T::unshare_cycles, Unit::cycles, "hypervisor: writes to shared pages"},
      Field{"other_cycles", &T::other_cycles, Unit::cycles,
            "boot, firmware, and whatever runs without a guest"},
      Field{"work_done", &T::work_done, Unit::count, "units of useful guest work"},
      Field{"hypercalls_done", &T::hypercalls_done, Unit::count, "hypercalls whose routine ran"},
      Field{"exits", &T::exits, Unit::count, "times that a guest was left"},
      Field{"ecalls", &T::ecalls, Unit::count, "of them by ECALL, for hypercalls and SBI calls"},
      Field{"causes", &T::causes, Unit::none,
            "exits by cause, the costliest first, and RESUMED, ways into a guest that are no exits; neither "
            "drains nor waiting in their cycles"},
      Field{"delivery", &T::delivery, Unit::none,
            "of deferrable hypercalls: sums over the VMs; of quantiles and depths the worst VM's"},
      Field{"sharing", &T::sharing, Unit::none, "memory of all VMs"},
      Field{"vms", &T::vms, Unit::none, "per VM"}};
};

}  // namespace hvsim::sim
