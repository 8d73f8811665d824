// What a run counted and how it ended: filled by the simulation, written as stats.json, shown as tables.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "hypervisor/sharing/counters.h"
#include "models/cpu/accountant.h"
#include "models/cpu/branch_predictor_config.h"
#include "models/cpu/hart.h"
#include "models/device/virtio_block.h"
#include "models/mem/hierarchy.h"
#include "models/mmu/tlb.h"
#include "sim/activity_results.h"
#include "sim/config.h"
#include "sim/walk_results.h"
#include "sim/work_ledger.h"

namespace hvsim::sim {

struct HartStats {
  unsigned hart = 0;
  isa::Cycles cycles = 0;  // elapsed, idle included
  isa::Cycles idle_cycles = 0;
  std::uint64_t retired = 0;
  cpu::HartCounters counters;
  cpu::BranchPredictorStats branches;
  mem::CacheStats l1i, l1d;
  mem::PrefetchStats l1i_prefetches, l1d_prefetches;
  mmu::TlbStats itlb, dtlb, l2tlb, gtlb, walk_cache_first, walk_cache_g;
};

// What became of a VM's deferrable hypercalls, by marks.
struct DeliveryStats {
  std::uint64_t issued = 0, ran = 0, notifications = 0, suppressed_notifications = 0;
  std::uint64_t overflow_drains = 0, barrier_drains = 0, blocking_drains = 0, budget_stops = 0,
                forced_drains = 0, interrupted_drains = 0, ring_errors = 0, completion_interrupts = 0;
  std::uint64_t depth_p50 = 0, deepest = 0;
  isa::Cycles latency_p50 = 0, latency_p99 = 0, latency_p999 = 0, latency_max = 0;
  isa::Cycles entry_p50 = 0, entry_p99 = 0, entry_p999 = 0, entry_max = 0;
  isa::Cycles served_by_own = 0, served_by_others = 0, served_by_nobody = 0, paid_for_others = 0;
};

struct LinkRow {
  std::string name;
  mem::LinkStats traffic;
};

struct VmStats {
  std::string name;
  std::string end{};                  // how it ended, in the hypervisor's words; empty: it has not
  std::uint64_t work_done = 0;        // units, by the guest's own marks
  std::uint64_t hypercalls_done = 0;  // hypercalls whose routine ran, by the hypervisor's marks
  DeliveryStats delivery{};
  // What its VCPUs did, together.
  isa::Cycles run_cycles = 0;         // had a hart
  isa::Cycles hypervisor_cycles = 0;  // of these, or around them, in HS-mode
  isa::Cycles steal_cycles = 0;       // waited for a hart that others had
  isa::Cycles capped_cycles = 0;      // waited because the VM's cap was used up
  isa::Cycles wait_cycles = 0;        // waited for an interrupt
  // Of its own operations, by its own marks.
  std::uint64_t latencies = 0, latency_p50 = 0, latency_p99 = 0, latency_max = 0;  // nanoseconds
};

using SharingCounters = std::array<std::uint64_t, hv::kSharingCounters>;

struct SharingStats {
  std::string vm;  // "machine": what is of no VM
  SharingCounters counters{};
};

// Memory of one VM at one time, in 4 KiB pages.
struct SharingSample {
  isa::Cycles cycles = 0;
  std::string vm;
  std::uint64_t private_pages = 0, shared_pages = 0, merged_pages = 0, free_pages = 0;
};

struct ExitRow {
  std::string vm;
  std::string cause;
  std::uint64_t count = 0;
  isa::Cycles cycles = 0, min = 0, p50 = 0, p99 = 0, max = 0;
};

// One row of the CPI stack. The sum over all rows and components is the sum of the harts' cycles.
struct CpiRow {
  unsigned hart = 0;
  std::string vm;  // "-" when no VM is responsible
  unsigned vcpu = 0;
  std::string mode;   // M, HS, U, VS, VU
  std::string cause;  // of the exit being handled, "-" outside
  std::string phase;
  cpu::ComponentCycles components{};
};

// What the natively running hypervisor did, by what cycles of the same cause and phase are spent on.
struct WorkRow {
  std::string cause;  // "-" outside exits
  std::string phase;
  WorkLedger::Row units{};
};

enum class StopReason : std::uint8_t {
  finished,  // the guest or the hypervisor powered off
  cycle_limit,
  instruction_limit,
  no_progress,  // every hart sleeps or goes round in circles, and nothing will change that
  unexpected_trap,
  debugger,    // it ended the run
  checkpoint,  // one was written, and that was all
};

struct RunResult {
  StopReason stop = StopReason::finished;
  std::uint32_t guest_exit_code = 0;  // as the test finisher was told; 0 is a pass
  std::string stop_detail;            // one line for people when the run did not pass
  isa::Cycles cycles = 0;             // of the hart that ran longest
  std::vector<HartStats> harts;
  mem::CacheStats l2, llc;
  mem::PrefetchStats l2_prefetches;
  mem::CoherenceStats coherence;
  mem::DramStats dram;
  std::vector<LinkRow> links;                   // none if the interconnect is ideal
  std::vector<device::VirtioBlockStats> disks;  // in the config's order
  std::vector<VmStats> vms;
  std::vector<SharingStats> sharing;
  std::vector<SharingSample> sharing_samples;
  std::vector<ExitRow> exits;
  std::vector<CpiRow> cpi;
  std::vector<WorkRow> work;      // of host runs
  isa::Cycles measured_from = 0;  // of the last reset of statistics; all counts are since then
  std::vector<ShareRow> shares;
  std::vector<TrapRow> traps;
  std::vector<InterruptRow> interrupts;
  std::vector<VcpuWaitRow> vcpu_waits;
  std::vector<DeliveryTimeRow> delivery_times;
  WalkResults walks;
  std::vector<RegionRow> regions;
  EpochResults epochs;
  std::vector<DumpRow> dumps;
  std::vector<std::string> dump_texts;  // of their files
  std::string console;                  // everything that the UART sent
  std::string virtio_console;           // and the virtio console, if there is one
  std::string note;                     // for people, about what was asked beside results
  std::shared_ptr<std::FILE> timeline;  // trace.json, if it was asked for
  bool debugged = false;                // a debugger has made it another run than the config alone would have
};

struct CauseTotal {
  std::string cause;
  std::uint64_t count = 0;
  isa::Cycles cycles = 0;  // spent outside guests because of it, without idle time and drains
};

// The memory of all VMs together, over the run. Pages have 4 KiB, ticks are those of the time base (10 MHz).
struct SharingSummary {
  std::uint64_t promised_pages = 0;
  std::uint64_t peak_saved_pages = 0;                // most that all VMs saved at one time
  std::uint64_t peak_used_pages = 0;                 // most frames of the pool in use at one time since boot
  std::uint64_t saved_page_ticks = 0;                // saved pages, summed over time
  std::uint64_t free_pages = 0;                      // by the maps, when they were last looked at
  std::uint64_t shared_free_pages = 0;               // pages shared then
  std::uint64_t scanned_pages = 0, scan_cycles = 0;  // by map and by content
  std::uint64_t unshares = 0, unshare_cycles = 0;
  std::uint64_t splintered_blocks = 0;
  std::uint64_t detected_pages = 0, detect_ticks = 0;
  std::uint64_t pauses = 0;
};

// What tables and sentences need of a run. Busy cycles are all but idle ones, over all harts; each of them
// belongs to the guests, to one part of the hypervisor, or to neither ("other": boot and firmware).
struct RunSummary {
  isa::Cycles cycles = 0;  // elapsed on the hart that ran longest
  std::uint64_t retired = 0;
  isa::Cycles busy_cycles = 0, idle_cycles = 0;
  isa::Cycles guest_cycles = 0;
  isa::Cycles trap_path_cycles = 0;  // save, schedule, restore
  isa::Cycles exit_cycles = 0;       // finding out why, and what runs inside the trap
  isa::Cycles enqueue_cycles = 0;
  isa::Cycles drain_cycles = 0;
  isa::Cycles poll_cycles = 0;
  isa::Cycles scan_cycles = 0;     // looking for pages to share
  isa::Cycles unshare_cycles = 0;  // writes to shared pages
  isa::Cycles other_cycles = 0;
  std::uint64_t work_done = 0, hypercalls_done = 0;
  std::uint64_t exits = 0, ecalls = 0;  // ecalls: exits by ECALL from a guest, for SBI calls too
  std::vector<CauseTotal> causes;       // the costliest first
  DeliveryStats delivery;               // sums over the VMs; of quantiles and depths the worst VM's
  SharingSummary sharing;
  std::vector<VmStats> vms;

  // While VMs run: without boot, and without firmware that nobody waits for.
  isa::Cycles virtualized_cycles() const { return guest_cycles + hypervisor_cycles(); }
  isa::Cycles hypervisor_cycles() const {
    return trap_path_cycles + exit_cycles + enqueue_cycles + drain_cycles + poll_cycles + scan_cycles +
           unshare_cycles;
  }
};
RunSummary summarize(const RunResult& result);

// The process's exit code for a finished run.
int exit_code(const RunResult& result);

// Adds what the accountants know, one per hart in order: vms, exits, cpi and shares.
void collect(const std::vector<const cpu::Accountant*>& harts, const Config& config, RunResult& result);
// Adds what the natively running hypervisor did.
void collect(const WorkLedger& work, RunResult& result);
// Adds how long interrupts waited, over all harts.
void collect(const std::vector<const cpu::InterruptTimes*>& harts, const Config& config, RunResult& result);

}  // namespace hvsim::sim
