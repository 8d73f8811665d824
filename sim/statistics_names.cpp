// Tables of names.
#include "sim/statistics_names.h"

#include "hypervisor/abi/hypercall.h"

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
constexpr Numbered kExtensions[] = {
    {0x10, "sbi_base"},    {0x54494D45, "sbi_time"}, {0x735049, "sbi_ipi"},   {0x52464E43, "sbi_rfence"},
    {0x48534D, "sbi_hsm"}, {0x53525354, "sbi_srst"}, {0x4442434E, "sbi_dbcn"}};

template <std::size_t size>
std::string find(const Numbered (&table)[size], std::uint64_t number, const std::string& otherwise) {
  for (const Numbered& entry : table)
    if (entry.number == number) return std::string(entry.name);
  return otherwise;
}

std::string hypercall_name(std::uint64_t number) {
  for (const hv::abi::HypercallProperty& entry : hv::abi::kHypercalls)
    if (static_cast<std::uint64_t>(entry.call) == number) return std::string(entry.name);
  return "other";
}

std::string call_name(const cpu::ExitCause& cause) {
  if (cause.extension == hv::abi::kHypercallExtension) return hypercall_name(cause.function);
  if (cause.extension <= 8) return "sbi_legacy";
  return find(kExtensions, cause.extension, "other");
}

}  // namespace

std::string exit_name(const cpu::ExitCause& cause) {
  if (cause.interrupt) return find(kInterrupts, cause.code, "IRQ_" + std::to_string(cause.code));
  const std::string exception = find(kExceptions, cause.code, "EXCEPTION_" + std::to_string(cause.code));
  return exception == kGuestCall ? exception + "/" + call_name(cause) : exception;
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
  constexpr std::string_view names[] = {"none",  "save",    "exit", "enqueue", "schedule",
                                        "drain", "restore", "idle", "poll", "scan", "unshare"};
  return phase < isa::HypervisorPhase::count ? names[static_cast<std::size_t>(phase)] : "?";
}

std::string_view component_name(cpu::Component component) {
  constexpr std::string_view names[] = {"base", "branch", "icache", "dcache",     "walk_first", "walk_g",
                                        "trap", "csr",    "fp",     "hypervisor", "idle"};
  static_assert(std::size(names) == cpu::kComponents);
  return names[static_cast<std::size_t>(component)];
}

}  // namespace hvsim::sim
