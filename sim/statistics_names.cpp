// Tables of names.
#include "sim/statistics_names.h"

#include "hypervisor/abi/hypercall.h"
#include "sim/config.h"

namespace hvsim::sim {
namespace {

struct Numbered {
  std::uint64_t number;
  std::string_view name;
};

constexpr Numbered kExceptions[] = {{0, "INST_MISALIGNED"},
                                    {1, "INST_ACCESS"},
                                    {2, "INST_ILLEGAL"},
                                    {3, "BREAKPOINT"},
                                    {4, "LOAD_MISALIGNED"},
                                    {5, "LOAD_ACCESS"},
                                    {6, "STORE_MISALIGNED"},
                                    {7, "STORE_ACCESS"},
                                    {8, "SYSCALL"},
                                    {9, "HYPERVISOR_SYSCALL"},
                                    {10, kGuestCall},
                                    {11, "MACHINE_SYSCALL"},
                                    {12, "INST_PAGE_FAULT"},
                                    {13, "LOAD_PAGE_FAULT"},
                                    {15, "STORE_PAGE_FAULT"},
                                    {20, "INST_GUEST_PAGE_FAULT"},
                                    {21, "LOAD_GUEST_PAGE_FAULT"},
                                    {22, "VIRTUAL_INST_FAULT"},
                                    {23, "STORE_GUEST_PAGE_FAULT"}};

constexpr Numbered kInterrupts[] = {
    {1, "IRQ_S_SOFT"},  {2, "IRQ_VS_SOFT"}, {3, "IRQ_M_SOFT"},  {5, "IRQ_S_TIMER"}, {6, "IRQ_VS_TIMER"},
    {7, "IRQ_M_TIMER"}, {9, "IRQ_S_EXT"},   {10, "IRQ_VS_EXT"}, {11, "IRQ_M_EXT"},  {12, "IRQ_S_GEXT"}};

// SBI 1.0 and 2.0, chapter "Base extension" and those after it.
constexpr std::string_view kLegacyCall = "sbi_legacy", kOtherCall = "other";
constexpr Numbered kExtensions[] = {
    {0x10, "sbi_base"},    {0x54494D45, "sbi_time"}, {0x735049, "sbi_ipi"},   {0x52464E43, "sbi_rfence"},
    {0x48534D, "sbi_hsm"}, {0x53525354, "sbi_srst"}, {0x4442434E, "sbi_dbcn"}};

struct Explained {
  std::string_view name, help;
};

constexpr Explained kComponents[] = {
    {"base", "issue of instructions that are not floating-point, with what they wait for each other"},
    {"branch", "bubbles after taken branches, and mispredictions"},
    {"icache", "waiting for fetches"},
    {"dcache", "waiting for loads, stores and devices"},
    {"store_buffer", "waiting for the store buffer: for room in it, or until its stores are in memory"},
    {"walk_first", "second-level TLB, and walks: their start and PTEs of the first stage"},
    {"walk_g", "walks: PTEs of the G-stage"},
    {"trap", "trap entry and return"},
    {"csr", "CSR instructions and fences"},
    {"fp", "issue of floating-point instructions"},
    {"hypervisor", "the hypervisor on the host, by its cost model"},
    {"idle", "WFI"}};
static_assert(std::size(kComponents) == cpu::kComponents);

constexpr Explained kEvents[] = {{"none", ""},
                                 {"cycles", "elapsed, idle included"},
                                 {"instructions", "retired"},
                                 {"cache_references", "accesses of the L1D"},
                                 {"cache_misses", "misses of the L1D"},
                                 {"branch_instructions", "branches, indirect jumps and returns"},
                                 {"branch_misses", "of them mispredicted"},
                                 {"l1d_accesses", "accesses of the L1D, page walks included"},
                                 {"l1d_misses", "of them not found"},
                                 {"l1i_accesses", "lines fetched"},
                                 {"l1i_misses", "of them not found"},
                                 {"dtlb_accesses", "loads and stores that are translated"},
                                 {"dtlb_misses", "of them not found in the first-level TLB"},
                                 {"itlb_accesses", "blocks of instructions whose fetch is translated"},
                                 {"itlb_misses", "of them not found in the first-level TLB"},
                                 {"traps", "traps taken, by the mode that was left"},
                                 {"interrupts", "of them interrupts"},
                                 {"page_walks", "page walks"},
                                 {"first_stage_pte_reads", "PTEs read in the first stage"},
                                 {"g_stage_pte_reads", "PTEs read in the G-stage"},
                                 {"device_accesses", "loads and stores outside RAM"},
                                 {"l2tlb_accesses", "lookups in the second-level TLB"},
                                 {"l2tlb_misses", "of them not found: a walk follows"},
                                 {"l2_accesses", "of the shared L2, by misses, prefetches and walks"},
                                 {"l2_misses", "of them not found"},
                                 {"llc_accesses", "of the last-level cache"},
                                 {"llc_misses", "of them not found"},
                                 {"gtlb_accesses", "lookups of guest-physical pages in the G-stage TLB"},
                                 {"gtlb_misses", "of them not found"},
                                 {"walk_cache_first_accesses", "lookups of first-stage tables by walks"},
                                 {"walk_cache_first_misses", "of them that saved no PTE read"},
                                 {"walk_cache_g_accesses", "lookups of G-stage tables by walks"},
                                 {"walk_cache_g_misses", "of them that saved no PTE read"}};
static_assert(std::size(kEvents) == cpu::kEvents);

template <std::size_t size>
std::string find(const Numbered (&table)[size], std::uint64_t number, const std::string& otherwise) {
  for (const Numbered& entry : table)
    if (entry.number == number) return std::string(entry.name);
  return otherwise;
}

std::string hypercall_name(std::uint64_t number) {
  for (const hv::abi::HypercallProperty& entry : hv::abi::kHypercalls)
    if (static_cast<std::uint64_t>(entry.call) == number) return std::string(entry.name);
  return std::string(kOtherCall);
}

std::string call_name(const cpu::ExitCause& cause) {
  if (cause.extension == hv::abi::kHypercallExtension) return hypercall_name(cause.function);
  if (cause.extension <= 8) return std::string(kLegacyCall);
  return find(kExtensions, cause.extension, std::string(kOtherCall));
}

}  // namespace

std::string trap_name(isa::Trap trap) {
  return trap.interrupt ? find(kInterrupts, trap.code, "IRQ_" + std::to_string(trap.code))
                        : find(kExceptions, trap.code, "EXCEPTION_" + std::to_string(trap.code));
}

std::string exit_name(const cpu::ExitCause& cause) {
  if (cause == cpu::kResumed) return std::string(kResumed);
  const std::string trap = trap_name({.interrupt = cause.interrupt, .code = cause.code});
  return trap == kGuestCall ? trap + "/" + call_name(cause) : trap;
}

std::vector<std::string> call_names() {
  std::vector<std::string> names;
  for (const hv::abi::HypercallProperty& entry : hv::abi::kHypercalls) names.emplace_back(entry.name);
  for (const Numbered& entry : kExtensions) names.emplace_back(entry.name);
  names.emplace_back(kLegacyCall);
  names.emplace_back(kOtherCall);
  return names;
}

std::string_view mode_name(isa::Mode mode) {
  switch (mode.privilege) {
    case isa::Privilege::machine:
      return "M";
    case isa::Privilege::supervisor:
      return mode.virtualized ? "VS" : "HS";
    case isa::Privilege::user:
      return mode.virtualized ? "VU" : "U";
  }
  return "?";
}

std::string_view phase_name(isa::HypervisorPhase phase) {
  constexpr std::string_view names[] = {"none",    "save", "exit", "enqueue", "schedule", "drain",
                                        "restore", "idle", "poll", "scan",    "unshare"};
  return phase < isa::HypervisorPhase::count ? names[static_cast<std::size_t>(phase)] : "?";
}

std::string_view component_name(cpu::Component component) {
  return kComponents[static_cast<std::size_t>(component)].name;
}

std::string_view component_help(cpu::Component component) {
  return kComponents[static_cast<std::size_t>(component)].help;
}

std::string_view event_name(cpu::Event event) { return kEvents[static_cast<std::size_t>(event)].name; }
std::string_view event_help(cpu::Event event) { return kEvents[static_cast<std::size_t>(event)].help; }

std::string vm_name(std::uint32_t vm, const Config& config) {
  if (vm == cpu::kNoVm) return "-";
  return vm < config.vms.size() ? config.vms[vm].name : "vm" + std::to_string(vm);
}

}  // namespace hvsim::sim
