// The field lists of everything that a config holds.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "hypervisor/limits.h"
#include "sim/config.h"
#include "sim/describe.h"

namespace hvsim::sim {

inline constexpr Rule kLatency{.max = 100'000};

template <>
struct Named<TimingMode> {
  static constexpr std::array choices{std::pair{TimingMode::functional, "functional"},
                                      std::pair{TimingMode::fast, "fast"},
                                      std::pair{TimingMode::detailed, "detailed"}};
};
template <>
struct Named<HypervisorRun> {
  static constexpr std::array choices{std::pair{HypervisorRun::none, "none"},
                                      std::pair{HypervisorRun::target, "target"},
                                      std::pair{HypervisorRun::host, "host"}};
};
template <>
struct Named<ObserveFormat> {
  static constexpr std::array choices{std::pair{ObserveFormat::text, "text"},
                                      std::pair{ObserveFormat::json, "json"}};
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
  using E = hv::SchedulerPolicy;
  static constexpr std::array choices{std::pair{E::round_robin, "round_robin"},
                                      std::pair{E::credit, "credit"}};
};
template <>
struct Named<cpu::AdUpdates> {
  using E = cpu::AdUpdates;
  static constexpr std::array choices{std::pair{E::hardware, "hardware"}, std::pair{E::svade, "svade"},
                                      std::pair{E::svadu, "svadu"}};
};
template <>
struct Named<cpu::Misaligned> {
  static constexpr std::array choices{std::pair{cpu::Misaligned::hardware, "hardware"},
                                      std::pair{cpu::Misaligned::trap, "trap"}};
};
template <>
struct Named<mem::Replacement> {
  static constexpr std::array choices{
      std::pair{mem::Replacement::fifo, "fifo"}, std::pair{mem::Replacement::random, "random"},
      std::pair{mem::Replacement::lru, "lru"},   std::pair{mem::Replacement::plru, "plru"},
      std::pair{mem::Replacement::nru, "nru"},   std::pair{mem::Replacement::lfsr8, "lfsr8"}};
};
template <>
struct Named<mem::WritePolicy> {
  using E = mem::WritePolicy;
  static constexpr std::array choices{std::pair{E::write_back, "write_back"},
                                      std::pair{E::write_through, "write_through"}};
};
template <>
struct Named<mem::Prefetch> {
  using E = mem::Prefetch;
  static constexpr std::array choices{std::pair{E::off, "off"}, std::pair{E::next_line, "next_line"},
                                      std::pair{E::stride, "stride"}};
};
template <>
struct Named<TopologyKind> {
  using E = TopologyKind;
  static constexpr std::array choices{std::pair{E::ideal, "ideal"},       std::pair{E::bus, "bus"},
                                      std::pair{E::crossbar, "crossbar"}, std::pair{E::ring, "ring"},
                                      std::pair{E::mesh, "mesh"},         std::pair{E::numa, "numa"}};
};
template <>
struct Named<mem::Coherence> {
  static constexpr std::array choices{std::pair{mem::Coherence::msi, "msi"},
                                      std::pair{mem::Coherence::mesi, "mesi"}};
};
template <>
struct Described<mem::CacheConfig> {
  using T = mem::CacheConfig;
  static constexpr auto fields = std::tuple{
      Field{"size_bytes", &T::size_bytes, Unit::bytes, "capacity",
            Rule{.min = 1024, .max = std::uint64_t{1} << 30}},
      Field{"ways", &T::ways, Unit::count, "lines per set", Rule{.min = 1, .max = 64}},
      Field{"line_bytes", &T::line_bytes, Unit::bytes, "bytes per line",
            Rule{.min = 16, .max = 256, .power_of_two = true}},
      Field{"hit_latency", &T::hit_latency, Unit::cycles,
            "L1: cycles beyond the pipelined hit; others: total of a hit", kLatency},
      Field{"miss_latency", &T::miss_latency, Unit::cycles,
            "what a miss adds to the time of the level that serves it", kLatency},
      Field{"replacement", &T::replacement, Unit::none,
            "which line of a full set leaves; lru, plru and nru slow the simulation down in an L1"},
      Field{"write_policy", &T::write_policy, Unit::none, "of the l1d; other levels write back"},
      Field{"write_allocate", &T::write_allocate, Unit::none,
            "of the l1d: whether a store that misses brings the line"},
      Field{
          "prefetch", &T::prefetch, Unit::none,
          "which lines of the 4 KiB page are fetched ahead: the next, or those at a distance seen twice; not "
          "in the llc"},
      Field{"prefetch_degree", &T::prefetch_degree, Unit::count, "lines fetched ahead at a time",
            Rule{.min = 1, .max = 16}},
      Field{"mshrs", &T::mshrs, Unit::count,
            "of the l1d: misses in flight, in timing modes that do not wait for each; 1: blocking",
            Rule{.min = 1, .max = 64}}};
};

template <>
struct Described<mem::DramConfig> {
  using T = mem::DramConfig;
  static constexpr auto fields = std::tuple{
      Field{"banked", &T::banked, Unit::none,
            "false: every read takes memory_latency, without limit; true: banks, row buffers and a bus"},
      Field{"channels", &T::channels, Unit::count, "which lines take turns over",
            Rule{.min = 1, .max = 16, .power_of_two = true}},
      Field{"banks", &T::banks, Unit::count, "of each channel, which rows take turns over",
            Rule{.min = 1, .max = 256, .power_of_two = true}},
      Field{"row_bytes", &T::row_bytes, Unit::bytes, "in a bank's row buffer",
            Rule{.min = 256, .max = 65536, .power_of_two = true}},
      Field{"bytes_per_cycle", &T::bytes_per_cycle, Unit::bytes, "per cycle of each channel's bus",
            Rule{.min = 1, .max = 1024}},
      Field{"controller_latency", &T::controller_latency, Unit::cycles, "there and back, of every access",
            kLatency},
      Field{"cas", &T::cas, Unit::cycles, "column of an open row to the first data", kLatency},
      Field{"activate", &T::activate, Unit::cycles, "opening a row", kLatency},
      Field{"precharge", &T::precharge, Unit::cycles, "closing the row that is open", kLatency}};
};

template <>
struct Described<TopologyConfig> {
  using T = TopologyConfig;
  static constexpr auto fields = std::tuple{
      Field{"kind", &T::kind, Unit::none,
            "ideal: no time and no limit; bus: one link for all; crossbar; ring and mesh of tiles with a "
            "hart and "
            "an L2 slice each; numa: crossbars with their own memory"},
      Field{"hop_latency", &T::hop_latency, Unit::cycles, "of a link", kLatency},
      Field{"bytes_per_cycle", &T::bytes_per_cycle, Unit::bytes, "per cycle of a link, each way",
            Rule{.min = 1, .max = 1024}},
      Field{"columns", &T::columns, Unit::count, "of a mesh; 0: as square as can be", Rule{.max = kMaxHarts}},
      Field{"memory_controllers", &T::memory_controllers, Unit::count, "which lines take turns over",
            Rule{.min = 1, .max = 16}},
      Field{"numa_nodes", &T::numa_nodes, Unit::count, "which share harts and memory evenly",
            Rule{.min = 1, .max = 16}},
      Field{"numa_latency", &T::numa_latency, Unit::cycles, "of a link between NUMA nodes", kLatency},
      Field{"numa_bytes_per_cycle", &T::numa_bytes_per_cycle, Unit::bytes, "per cycle of such a link",
            Rule{.min = 1, .max = 1024}}};
};

template <>
struct Described<mem::HierarchyConfig> {
  using T = mem::HierarchyConfig;
  static constexpr auto fields = std::tuple{
      Field{"l1i", &T::l1i, Unit::none, "instruction cache of each hart"},
      Field{"l1d", &T::l1d, Unit::none, "data cache of each hart"},
      Field{"has_l2", &T::has_l2, Unit::none, "false: what is behind the L2 is right behind the L1s"},
      Field{"l2", &T::l2, Unit::none, "cache shared by all harts, inclusive of their L1s"},
      Field{"has_llc", &T::has_llc, Unit::none, "a last-level cache between L2 and memory"},
      Field{"llc", &T::llc, Unit::none, "that cache, neither inclusive nor exclusive"},
      Field{"memory_latency", &T::memory_latency, Unit::cycles,
            "miss of the last cache to first data, unless dram.banked", kLatency},
      Field{"memory_write_latency", &T::memory_write_latency, Unit::cycles, "write to its acknowledgement",
            kLatency},
      Field{"dram", &T::dram, Unit::none, "memory with banks and row buffers"},
      Field{"coherence", &T::coherence, Unit::none,
            "between data caches; mesi: a line that nobody else holds may be written without asking"},
      Field{"coherence_latency", &T::coherence_latency, Unit::cycles,
            "extra when other harts' data caches must be asked for a line or give it up", kLatency},
      Field{"atomics_in_memory", &T::atomics_in_memory, Unit::none,
            "LR, SC and AMO go past the data cache and take the line from it"}};
};

template <>
struct Described<mmu::TlbConfig> {
  using T = mmu::TlbConfig;
  static constexpr auto fields = std::tuple{
      Field{"entries", &T::entries, Unit::count, "translations held", Rule{.min = 1, .max = 65536}},
      Field{"ways", &T::ways, Unit::count, "entries per set; as many as entries: fully associative",
            Rule{.min = 1, .max = 65536}},
      Field{"hit_latency", &T::hit_latency, Unit::cycles, "added by a hit in this level", kLatency},
      Field{"replacement", &T::replacement, Unit::none,
            "which entry of a full set leaves; lru, plru and nru slow the simulation down in a first level"}};
};

template <>
struct Described<mmu::WalkCacheConfig> {
  using T = mmu::WalkCacheConfig;
  static constexpr auto fields = std::tuple{
      Field{"entries", &T::entries, Unit::count,
            "PTEs that point to tables, of all levels, fully associative, LRU; 0: none", Rule{.max = 1024}},
      Field{"hit_latency", &T::hit_latency, Unit::cycles, "of a walk that starts at a remembered table",
            kLatency}};
};

template <>
struct Described<mmu::WalkCachesConfig> {
  using T = mmu::WalkCachesConfig;
  static constexpr auto fields = std::tuple{
      Field{"first", &T::first, Unit::none, "tables of satp and vsatp"},
      Field{"g_stage", &T::g_stage, Unit::none, "tables of hgatp"},
      Field{"has_g_tlb", &T::has_g_tlb, Unit::none,
            "a TLB from guest-physical pages to physical ones, for the guest's PTEs and its pages"},
      Field{"g_tlb", &T::g_tlb, Unit::none, "that TLB"}};
};

template <>
struct Described<mmu::TlbHierarchyConfig> {
  using T = mmu::TlbHierarchyConfig;
  static constexpr auto fields =
      std::tuple{Field{"itlb", &T::itlb, Unit::none, "first-level TLB for fetches"},
                 Field{"dtlb", &T::dtlb, Unit::none, "first-level TLB for loads and stores"},
                 Field{"l2", &T::l2, Unit::none, "second-level TLB behind both"},
                 Field{"has_l2", &T::has_l2, Unit::none, "false: a first-level miss walks at once"},
                 Field{"walk_caches", &T::walk_caches, Unit::none, "what the page-table walker remembers"},
                 Field{"tagged", &T::tagged, Unit::none,
                       "by ASID and VMID; false: everything is flushed when another address space is used"}};
};

template <>
struct Described<cpu::BranchPredictorConfig> {
  using T = cpu::BranchPredictorConfig;
  static constexpr auto fields = std::tuple{
      Field{"bht_entries", &T::bht_entries, Unit::count, "two-bit counters, indexed by pc",
            Rule{.min = 1, .max = 1 << 20, .power_of_two = true}},
      Field{"btb_entries", &T::btb_entries, Unit::count, "targets of indirect jumps",
            Rule{.min = 1, .max = 1 << 20, .power_of_two = true}},
      Field{"ras_depth", &T::ras_depth, Unit::count,
            "return addresses; 0: returns are predicted as other indirect jumps", Rule{.max = 1024}},
      Field{"btb_tagged", &T::btb_tagged, Unit::none,
            "false: jumps that share a BTB entry take each other's target"},
      Field{"static_prediction", &T::static_prediction, Unit::none,
            "branches that the BHT does not know yet: backward ones are predicted taken"},
      Field{"flushed_by_traps", &T::flushed_by_traps, Unit::none,
            "every trap and every return from one empties BHT, BTB and return stack"}};
};

template <>
struct Described<cpu::TimingConfig> {
  using T = cpu::TimingConfig;
  static constexpr Rule kResult{.min = 1, .max = 1000};
  static constexpr auto fields = std::tuple{
      Field{"alu", &T::alu, Unit::cycles, "result latency of integer instructions", kResult},
      Field{"mul", &T::mul, Unit::cycles, "result latency of multiplications", kResult},
      Field{"load_use", &T::load_use, Unit::cycles, "wait of an instruction right behind the load it needs",
            kLatency},
      Field{"fp_add", &T::fp_add, Unit::cycles, "result latency of FP addition", kResult},
      Field{"fp_mul", &T::fp_mul, Unit::cycles, "result latency of FP multiplication", kResult},
      Field{"fp_fma", &T::fp_fma, Unit::cycles, "result latency of fused multiply-add", kResult},
      Field{"fp_single_saves", &T::fp_single_saves, Unit::cycles,
            "by which addition, multiplication and FMA of singles are faster", kLatency},
      Field{"fp_convert", &T::fp_convert, Unit::cycles, "result latency of FP conversions", kResult},
      Field{"fp_move", &T::fp_move, Unit::cycles, "result latency of FP moves and comparisons", kResult},
      Field{"div", &T::div, Unit::cycles, "integer division, not pipelined", kResult},
      Field{"fp_div", &T::fp_div, Unit::cycles, "FP division, not pipelined", kResult},
      Field{"fp_sqrt", &T::fp_sqrt, Unit::cycles, "FP square root, not pipelined", kResult},
      Field{"atomic", &T::atomic, Unit::cycles, "LR, SC and AMO, beyond the memory access", kLatency},
      Field{"taken", &T::taken, Unit::cycles, "bubble of a predicted taken branch or jump", kLatency},
      Field{"taken_hides", &T::taken_hides, Unit::none,
            "fast mode: it hides where the block stalls, as fetches run ahead then"},
      Field{"mispredict", &T::mispredict, Unit::cycles, "penalty of a misprediction", kLatency},
      Field{"csr", &T::csr, Unit::cycles, "CSR access that does not flush the pipeline", kResult},
      Field{"csr_flush", &T::csr_flush, Unit::cycles,
            "write of xstatus, satp, vsatp, hgatp, fcsr, frm or fflags", kResult},
      Field{"fence", &T::fence, Unit::cycles, "FENCE", kResult},
      Field{"tlb_fence", &T::tlb_fence, Unit::cycles,
            "SFENCE.VMA and HFENCE.*, without the walks that follow", kLatency},
      Field{"fence_i", &T::fence_i, Unit::cycles, "FENCE.I", kLatency},
      Field{"wfi", &T::wfi, Unit::cycles, "WFI until the hart sleeps", kResult},
      Field{"trap_entry", &T::trap_entry, Unit::cycles, "trapping instruction to the handler's first",
            kLatency},
      Field{"trap_return", &T::trap_return, Unit::cycles, "MRET and SRET", kLatency},
      Field{"walk_start", &T::walk_start, Unit::cycles, "per page-table walk", kLatency},
      Field{"walk_read", &T::walk_read, Unit::cycles, "per PTE found in the L1 data cache", kLatency},
      Field{"device_access", &T::device_access, Unit::cycles, "load or store outside RAM", kLatency}};
};

template <>
struct Described<cpu::PipelineConfig> {
  using T = cpu::PipelineConfig;
  static constexpr Rule kDepth{.min = 1, .max = 100}, kSize{.min = 1, .max = 64},
      kStores{.min = 1, .max = 16}, kWords{.min = 1, .max = 32};
  static constexpr auto fields = std::tuple{
      Field{"fetch_bytes", &T::fetch_bytes, Unit::bytes, "fetched per cycle, aligned",
            Rule{.min = 4, .max = 64, .power_of_two = true}},
      Field{"issue_width", &T::issue_width, Unit::count,
            "instructions issued per cycle, in order; one of them may access memory",
            Rule{.min = 1, .max = 2}},
      Field{"fetch_to_issue", &T::fetch_to_issue, Unit::cycles,
            "fetch of an instruction's last bytes to its issue, at the earliest", kDepth},
      Field{"fetch_queue", &T::fetch_queue, Unit::count, "instructions fetched and not yet issued", kSize},
      Field{"resolve", &T::resolve, Unit::cycles,
            "issue of a mispredicted branch to the fetch from its right target", kDepth},
      Field{"redirect", &T::redirect, Unit::cycles,
            "commit of what flushes the pipeline, or of xRET, to the fetch that follows", kDepth},
      Field{"trap_redirect", &T::trap_redirect, Unit::cycles,
            "commit of what traps to the fetch of the handler", kDepth},
      Field{"wrong_path_kill", &T::wrong_path_kill, Unit::cycles,
            "fetches on a wrong path that late before its end start no refill", kLatency},
      Field{"scoreboard_entries", &T::scoreboard_entries, Unit::count,
            "instructions issued and not yet committed", kSize},
      Field{"commit_ports", &T::commit_ports, Unit::count, "instructions that may commit in a cycle",
            Rule{.min = 1, .max = 2}},
      Field{"csr_reads_rs2", &T::csr_reads_rs2, Unit::none,
            "CSR instructions wait for the register that the low bits of the CSR's number name"},
      Field{"div_short", &T::div_short, Unit::cycles, "division by zero or by a larger number", kDepth},
      Field{"div_start", &T::div_start, Unit::cycles,
            "other divisions, beside a cycle per bit that the dividend is longer", kDepth},
      Field{"fp_div_start", &T::fp_div_start, Unit::cycles,
            "FP division and square root, beside a cycle per four bits of the result", kDepth},
      Field{"fp_div_result", &T::fp_div_result, Unit::cycles, "from then to the use of the result", kLatency},
      Field{"store_queue", &T::store_queue, Unit::count, "stores issued and not yet committed", kStores},
      Field{"commit_queue", &T::commit_queue, Unit::count, "stores committed and not yet in the write buffer",
            kStores},
      Field{"store_drain", &T::store_drain, Unit::cycles,
            "commit of a store to its place in the write buffer", kLatency},
      Field{"write_buffer_words", &T::write_buffer_words, Unit::count,
            "8-byte words that collect stores until they are sent", kWords},
      Field{"write_transactions", &T::write_transactions, Unit::count, "words on their way at a time",
            kWords},
      Field{"write_transaction", &T::write_transaction, Unit::cycles,
            "of each word sent, beyond the write latency", kLatency},
      Field{"load_after_miss", &T::load_after_miss, Unit::cycles, "data of a miss to the next load's access",
            kLatency},
      Field{"fetch_walk_saves", &T::fetch_walk_saves, Unit::cycles,
            "by which page walks for fetches are faster than those for data", kLatency},
      Field{"atomic", &T::atomic, Unit::cycles, "LR, SC and AMO, beyond the memory's latency", kLatency},
      Field{"fence_drained", &T::fence_drained, Unit::cycles,
            "the write buffer's last answer to a fence's commit", kLatency},
      Field{"fences_take_all", &T::fences_take_all, Unit::none,
            "translation fences empty the TLBs whatever their operands"},
      Field{"tlb_flush_block", &T::tlb_flush_block, Unit::cycles,
            "after a translation fence, in which no walk begins", kLatency}};
};

template <>
struct Described<cpu::IsaConfig> {
  using T = cpu::IsaConfig;
  static constexpr auto fields = std::tuple{
      Field{"h", &T::h, Unit::none, "hypervisor extension 1.0"},
      Field{"zbc", &T::zbc, Unit::none, "carry-less multiplication"},
      Field{"zicbom", &T::zicbom, Unit::none, "cbo.inval, cbo.clean and cbo.flush"},
      Field{"zicboz", &T::zicboz, Unit::none, "cbo.zero"},
      Field{"zicond", &T::zicond, Unit::none, "czero.eqz and czero.nez"},
      Field{"time_csr", &T::time_csr, Unit::none, "false: reading time is illegal, for M-mode to emulate"},
      Field{"zihpm", &T::zihpm, Unit::none, "29 hardware performance counters"},
      Field{"sscofpmf", &T::sscofpmf, Unit::none, "their overflow interrupts and mode filters, for sampling"},
      Field{"smstateen", &T::smstateen, Unit::none,
            "state-enable registers; M-mode must then open senvcfg to others"},
      Field{"sstc", &T::sstc, Unit::none, "stimecmp and vstimecmp"},
      Field{"svinval", &T::svinval, Unit::none, "sinval.vma and its kin"},
      Field{"svnapot", &T::svnapot, Unit::none, "64 KiB translations from 16 like PTEs"},
      Field{"svpbmt", &T::svpbmt, Unit::none, "memory types in PTEs, where menvcfg.PBMTE allows them"},
      Field{"ad_updates", &T::ad_updates, Unit::none,
            "A and D bits of PTEs: hardware sets them; svade: walks fault; svadu: as xenvcfg.ADUE says"},
      Field{"misaligned", &T::misaligned, Unit::none,
            "misaligned loads and stores: done by hardware, or trap"},
      Field{"pmp_entries", &T::pmp_entries, Unit::count, "physical memory protection regions",
            Rule{.max = 16}},
      Field{"widest_paging", &T::widest_paging, Unit::none,
            "highest MODE of satp, vsatp and hgatp: 8 is Sv39, 9 is Sv48, 10 is Sv57",
            Rule{.min = 8, .max = 10}}};
};

template <>
struct Described<hv::CostModel> {
  using T = hv::CostModel;
  static constexpr Rule kCost{.max = 1'000'000};
  static constexpr auto fields = std::tuple{
      Field{"general_register", &T::general_register, Unit::cycles, "per integer register moved", kCost},
      Field{"csr", &T::csr, Unit::cycles, "per CSR read or write", kCost},
      Field{"fp_register", &T::fp_register, Unit::cycles, "per floating-point register moved", kCost},
      Field{"exit_dispatch", &T::exit_dispatch, Unit::cycles, "per exit, to find out why", kCost},
      Field{"hypercall_dispatch", &T::hypercall_dispatch, Unit::cycles, "per hypercall, beside its routine",
            kCost},
      Field{"routine_iteration", &T::routine_iteration, Unit::cycles, "per iteration of a hypercall routine",
            kCost},
      Field{"enqueue", &T::enqueue, Unit::cycles, "per deferrable call queued", kCost},
      Field{"drain_check", &T::drain_check, Unit::cycles, "per VM entry, to look at the queue", kCost},
      Field{"drain_entry", &T::drain_entry, Unit::cycles, "per call taken from the queue, beside its routine",
            kCost},
      Field{"ring_look", &T::ring_look, Unit::cycles, "per look at a VCPU's ring, beside the access", kCost},
      Field{"ring_entry", &T::ring_entry, Unit::cycles, "per call taken from a ring, beside the copy", kCost},
      Field{"schedule", &T::schedule, Unit::cycles, "per scheduler decision", kCost},
      Field{"vcpu_switch", &T::vcpu_switch, Unit::cycles, "when another VCPU gets the hart", kCost},
      Field{"interrupt_merge", &T::interrupt_merge, Unit::cycles, "per VM entry, to find virtual interrupts",
            kCost},
      Field{"timer", &T::timer, Unit::cycles, "to program the hart's timer", kCost},
      Field{"ipi", &T::ipi, Unit::cycles, "to interrupt another hart", kCost},
      Field{"fence", &T::fence, Unit::cycles, "per translation fence on one hart", kCost},
      Field{"lock", &T::lock, Unit::cycles, "to take and release a free lock", kCost},
      Field{"console_byte", &T::console_byte, Unit::cycles, "per character written to the UART", kCost},
      Field{"device_access", &T::device_access, Unit::cycles, "per access to an emulated device", kCost},
      Field{"map_entry", &T::map_entry, Unit::cycles, "per entry of a memory map looked at", kCost},
      Field{"content_word", &T::content_word, Unit::cycles, "per eight bytes of a page hashed or compared",
            kCost},
      Field{"copy_line", &T::copy_line, Unit::cycles, "per 64-byte line copied", kCost}};
};

template <>
struct Named<device::DiskAccess> {
  using E = device::DiskAccess;
  static constexpr std::array choices{std::pair{E::overlay, "overlay"}, std::pair{E::read_only, "read_only"},
                                      std::pair{E::read_write, "read_write"}};
};

template <>
struct Described<BlockConfig> {
  using T = BlockConfig;
  static constexpr auto fields = std::tuple{
      Field{"file", &T::file, Unit::none, "raw image of the disk", Rule{.path = true, .required = true}},
      Field{
          "access", &T::access, Unit::none,
          "overlay: writes last as long as the run; read_only: they fail; read_write: they change the file"},
      Field{"latency_us", &T::latency_us, Unit::microseconds, "of each request", Rule{.max = 10'000'000}},
      Field{"megabytes_per_second", &T::megabytes_per_second, Unit::bytes_per_us,
            "rate at which data move, beside the latency", Rule{.min = 1, .max = 1'000'000}},
      Field{"serial", &T::serial, Unit::none, "what the disk says when asked for its ID, 20 bytes at most"}};
};

template <>
struct Described<TypingStep> {
  using T = TypingStep;
  static constexpr auto fields = std::tuple{
      Field{"expect", &T::expect, Unit::none, "text that the console must have shown since the step before"},
      Field{"after_us", &T::after_us, Unit::microseconds, "simulated time to wait then",
            Rule{.max = 1'000'000'000'000}},
      Field{"send", &T::send, Unit::none, "text to type", Rule{.required = true}}};
};

template <>
struct Described<TypingConfig> {
  using T = TypingConfig;
  static constexpr auto fields = std::tuple{
      Field{"input", &T::input, Unit::none, "text typed from the start, as fast as the guest reads"},
      Field{"input_file", &T::input_file, Unit::none, "the same from a file", Rule{.path = true}},
      Field{"script", &T::script, Unit::none, "what is typed when, one step after the other"}};
};

template <>
struct Described<VirtioConsoleConfig> {
  using T = VirtioConsoleConfig;
  static constexpr auto fields = std::tuple{
      Field{"present", &T::present, Unit::none,
            "a virtio console in the last slot; its log is console/virtio.log"},
      Field{"latency_us", &T::latency_us, Unit::microseconds, "of each buffer", Rule{.max = 10'000'000}},
      Field{"megabytes_per_second", &T::megabytes_per_second, Unit::bytes_per_us,
            "rate at which text moves, beside the latency", Rule{.min = 1, .max = 1'000'000}},
      Field{"typed", &T::typed, Unit::none, "its input"}};
};

template <>
struct Described<RtcConfig> {
  using T = RtcConfig;
  static constexpr auto fields = std::tuple{
      Field{"start_unix_seconds", &T::start_unix_seconds, Unit::none,
            "the clock's time when the run begins, in seconds since 1970; it goes on in simulated time",
            Rule{.max = 9'000'000'000}}};
};

template <>
struct Described<DevicesConfig> {
  using T = DevicesConfig;
  static constexpr auto fields =
      std::tuple{Field{"rtc", &T::rtc, Unit::none, "real-time clock"},
                 Field{"console", &T::console, Unit::none, "a second console beside the UART"},
                 Field{"block", &T::block, Unit::none, "disks: virtio block devices in the first slots",
                       Rule{.max = kVirtioSlots}}};
};

template <>
struct Described<MachineConfig> {
  using T = MachineConfig;
  static constexpr auto fields = std::tuple{
      Field{"harts", &T::harts, Unit::count, "RISC-V harts", Rule{.min = 1, .max = kMaxHarts}},
      Field{"clock_mhz", &T::clock_mhz, Unit::megahertz, "hart clock, a multiple of the 10 MHz time base",
            Rule{.min = kTimebaseMhz, .max = 10'000}},
      Field{"memory_bytes", &T::memory_bytes, Unit::bytes, "RAM from 0x80000000",
            Rule{.min = std::uint64_t{1} << 20, .max = std::uint64_t{1} << 36}},
      Field{"isa", &T::isa, Unit::none, "extensions beyond RV64GC_Zba_Zbb_Zbs"},
      Field{"mode", &T::mode, Unit::none,
            "functional: a cycle per instruction; fast: with timing; detailed: with a pipeline that knows of "
            "each "
            "instruction"},
      Field{"quantum_cycles", &T::quantum_cycles, Unit::cycles, "how far harts may run ahead of each other",
            Rule{.min = 100, .max = 10'000'000}},
      Field{"caches", &T::caches, Unit::none, "caches and memory"},
      Field{"topology", &T::topology, Unit::none, "what connects harts, shared caches and memory"},
      Field{"mmu", &T::mmu, Unit::none, "TLBs"},
      Field{"branch_predictor", &T::branch_predictor, Unit::none, "branch prediction of each hart"},
      Field{"costs", &T::costs, Unit::none, "what instructions and events cost"},
      Field{"pipeline", &T::pipeline, Unit::none, "the harts' pipeline in the detailed mode"},
      Field{"console", &T::console, Unit::none, "what is typed into the UART"},
      Field{"devices", &T::devices, Unit::none, "devices beside console, clock and interrupt controllers"}};
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
      Field{"initrd", &T::initrd, Unit::none, "file that /chosen names as the initrd", Rule{.path = true}},
      Field{"bootargs", &T::bootargs, Unit::none, "/chosen bootargs"}};
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
            "what a policy leaves out; no_second_check and no_remote_fence lose writes, on purpose"},
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
      Field{"cap_period_us", &T::cap_period_us, Unit::microseconds,
            "period that a VM's cap is a share of (credit)", Rule{.min = 100, .max = 10'000'000}},
      Field{"audit_exits", &T::audit_exits, Unit::count,
            "every so many exits of a hart the hypervisor checks its own tables, which takes time; 0: never"},
      Field{"read_instructions", &T::read_instructions, Unit::none,
            "decode accesses to emulated devices from the guest's memory, although htinst tells"},
      Field{"sharing", &T::sharing, Unit::none, "how memory is given to VMs and shared between them"},
      Field{"image", &T::image, Unit::none, "ELF of the hypervisor: a name or a path", Rule{.path = true}},
      Field{"costs", &T::costs, Unit::none, "what the hypervisor's work costs in a host run"}};
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
      Field{"initrd", &T::initrd, Unit::none, "file with a Linux kernel's initramfs", Rule{.path = true}},
      Field{"symbols", &T::symbols, Unit::none,
            "the Linux kernel's System.map, for sharing with source introspection; none: they are found in the guest",
            Rule{.path = true}},
      Field{"disk", &T::disk, Unit::none,
            "file that the VM's virtio disk holds at first; what the guest writes is gone afterwards",
            Rule{.path = true}},
      Field{"disk_bytes", &T::disk_bytes, Unit::bytes,
            "the VM has a virtio disk at least so large; what `disk` does not fill is zero",
            Rule{.max = std::uint64_t{1} << 30}}};
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
      Field{"explain_output", &T::explain_output, Unit::none, "file for explanations; empty: standard error",
            Rule{.path = true}},
      Field{"trace", &T::trace, Unit::none,
            "instructions to list: \"all\", or terms like start=main,stop=exit,mode=VS,count=1000; empty: "
            "none"},
      Field{"trace_output", &T::trace_output, Unit::none,
            "file for the instruction trace; empty: standard error", Rule{.path = true}},
      Field{"format", &T::format, Unit::none, "of both: text, or json with one object per line"},
      Field{"signature", &T::signature, Unit::none,
            "file for an architectural test's signature, what boot.image leaves between its symbols "
            "begin_signature and end_signature; empty: none",
            Rule{.path = true}},
      Field{"signature_granularity", &T::signature_granularity, Unit::bytes, "of each line: 4, 8 or 16",
            Rule{.min = 4, .max = 16}}};
};

template <>
struct Described<Config> {
  using T = Config;
  static constexpr auto fields = std::tuple{
      Field{"version", &T::version, Unit::none, "of this format", Rule{.min = 1, .max = 1, .required = true}},
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
      Field{"seed", &T::seed, Unit::none, "of everything random in the machine and its guests"}};
};

}  // namespace hvsim::sim
