// Words for what the models count by number: exit causes, modes, phases.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/accountant.h"
#include "models/cpu/events.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"

namespace hvsim::sim {

struct Config;

// As `perf kvm stat` names exits on RISC-V; calls from a guest also say which: "SUPERVISOR_SYSCALL/notify".
std::string trap_name(isa::Trap trap);
std::string exit_name(const cpu::ExitCause& cause);
std::vector<std::string> call_names();  // what may stand behind the slash
std::string_view mode_name(isa::Mode mode);
std::string_view phase_name(isa::HypervisorPhase phase);
std::string_view component_name(cpu::Component component);
std::string_view component_help(cpu::Component component);
std::string_view event_name(cpu::Event event);
std::string_view event_help(cpu::Event event);
std::string vm_name(std::uint32_t vm, const Config& config);  // "-" for cpu::kNoVm

inline constexpr std::string_view kGuestCall = "SUPERVISOR_SYSCALL";
inline constexpr std::string_view kResumed = "RESUMED";  // cpu::kResumed: in tables of exits, and none

}  // namespace hvsim::sim
