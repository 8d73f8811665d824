// The table of commands, and those about the machine as a whole.
#include "sim/session/inspector.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "models/cpu/disassembler.h"
#include "sim/explain.h"
#include "sim/run_directory.h"
#include "sim/session/until.h"
#include "sim/statistics_names.h"

namespace hvsim::session {
Inspector::Inspector(sim::Machine& machine, const sim::Config& config, sim::Symbols symbols,
                     std::optional<gdb::HypervisorMemory> hypervisor, const gdb::LeftGuests& left,
                     const std::string& console)
    : machine_(machine),
      config_(config),
      symbols_(std::move(symbols)),
      memory_(machine.memory()),
      hypervisor_(std::move(hypervisor)),
      console_(console) {
  if (hypervisor_)
    vcpus_.emplace(machine, left, gdb::vcpu_names(config), hypervisor_->at, hypervisor_->inspection);
}

auto Inspector::look(const Json& request) -> Answer {
  struct Command {
    const char* name;
    Answer (Inspector::*run)(const Json&);
  };
  static constexpr auto commands = std::to_array<Command>({
      {"state", &Inspector::get_state},
      {"symbol", &Inspector::find_symbol},
      {"console", &Inspector::get_console},
      {"type", &Inspector::type},
      {"registers", &Inspector::read_registers},
      {"write_register", &Inspector::write_register},
      {"read_memory", &Inspector::read_memory},
      {"write_memory", &Inspector::write_memory},
      {"translate", &Inspector::translate},
      {"vcpus", &Inspector::get_vcpus},
      {"queue", &Inspector::get_queue},
      {"stage_two", &Inspector::get_stage_two},
      {"memory_map", &Inspector::get_memory_map},
  });
  const std::string name = request.at("do");
  const auto found = std::ranges::find_if(commands, [&](const Command& each) { return name == each.name; });
  if (found == commands.end()) return isa::Failure{"no command \"" + name + "\""};
  return (this->*found->run)(request);
}

bool Inspector::changes(const Json& request) {
  const std::string name = request.is_object() ? request.value("do", "") : "";
  return name == "type" || name == "write_register" || name == "write_memory";
}

std::string Inspector::no_vcpus() const {
  if (!vcpus_) return "no hypervisor of ours runs: there are no VCPUs";
  return vcpus_->ready() ? "" : "the hypervisor has not built its VMs yet";
}

isa::Result<std::uint32_t, std::string> Inspector::vm(const Json& request) const {
  const auto found = read_whose(request.at("vm"), config_);
  if (!found) return found;
  if (*found < config_.vms.size()) return found;
  return isa::Failure{"vm: " + sim::show(request.at("vm")) + ": expected the name of a VM"};
}

auto Inspector::who(const Json& request) const -> isa::Result<Who, std::string> {
  if (request.contains("hart")) {
    const auto hart = whole_number(request, "hart");
    if (hart >= machine_.harts())
      return isa::Failure{"hart: " + std::to_string(hart) + ": expected less than " +
                          std::to_string(machine_.harts())};
    return Who{.hart = static_cast<unsigned>(hart), .vcpu = {}};
  }
  const auto vm = this->vm(request);
  if (!vm) return isa::Failure{vm.error()};
  if (auto why = no_vcpus(); !why.empty()) return isa::Failure{why};
  const std::uint64_t number = whole_number(request, "vcpu");
  const auto id =
      number <= hv::kMaxVcpus ? vcpus_->id({*vm, static_cast<std::uint32_t>(number)}) : std::nullopt;
  if (!id)
    return isa::Failure{"vcpu: " + std::to_string(number) + ": expected less than " +
                        std::to_string(config_.vms[*vm].vcpus)};
  return Who{.hart = {}, .vcpu = *id};
}

cpu::HartState Inspector::registers_of(const Who& who) const {
  return who.hart ? std::as_const(machine_).hart(*who.hart).hart_state() : vcpus_->state(*who.vcpu);
}

// Where code is, and what the next instruction there is.
Json Inspector::place(const cpu::HartState& state, std::uint32_t vm) const {
  const sim::CodePlace place = symbols_.at(state.mode, vm, state.pc);
  std::uint64_t raw = 0;
  const std::string code = memory_.read(state, gdb::Space::current, state.pc, 4);
  std::memcpy(&raw, code.data(), code.size());
  return {{"pc", state.pc},
          {"mode", sim::mode_name(state.mode)},
          {"symbol", place.symbol},
          {"source", place.source},
          {"instruction", code.size() < 2 ? "" : cpu::list_encoding(raw, state.pc, {})}};
}

Json Inspector::hart_state(unsigned hart) const {
  const cpu::HartState& state = std::as_const(machine_).hart(hart).hart_state();
  const cpu::CellKey& now = machine_.hart(hart).accountant().now();
  Json json = place(state, now.vm);
  json["cycle"] = state.cycle;
  json["retired"] = state.retired;
  json["asleep"] = machine_.shell(hart).asleep;
  const bool known = now.vm < config_.vms.size();
  json["vm"] = known ? Json(config_.vms[now.vm].name) : Json();
  json["vcpu"] = known ? Json(now.vcpu) : Json();
  json["phase"] = sim::phase_name(now.phase);
  return json;
}

Json Inspector::state() const {
  Json harts = Json::array();
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) harts.push_back(hart_state(hart));
  return {{"harts", std::move(harts)}};
}

auto Inspector::get_state(const Json&) -> Answer { return state(); }

auto Inspector::find_symbol(const Json& request) -> Answer {
  const std::string name = request.at("name");
  Json places = Json::array();
  for (const sim::CodeRange& range : symbols_.find(name))
    places.push_back({{"address", range.first},
                      {"vm", whose_json(range.virtualized ? range.vm : cpu::kNoGuest, config_)}});
  if (!places.empty()) return places;
  return isa::Failure{"symbol: " + symbols_.missing(name)};
}

auto Inspector::get_console(const Json&) -> Answer {
  Json json{{"all", console_}, {"virtio", machine_.virtio_console()}, {"vms", Json::object()}};
  for (const auto& [owner, text] : sim::split_console(console_, config_)) json["vms"][owner] = text;
  return json;
}

auto Inspector::type(const Json& request) -> Answer {
  const std::string text = request.at("text");
  const std::string console = request.at("console");
  if (console == "uart") {
    machine_.uart().push(std::string_view(text));
    return Json::object();
  }
  if (console != "virtio") return isa::Failure{"console: \"" + console + "\": expected uart or virtio"};
  if (!machine_.type_virtio(text))
    return isa::Failure{std::string("console: \"virtio\": expected machine.devices.console.present")};
  return Json::object();
}

Json Inspector::explain_trap(const cpu::HartState& hart, const cpu::TrapSeen& seen) const {
  const sim::Explained trap{hart, seen, config_, symbols_, 1};
  Json json = sim::explain_json(trap);
  json["text"] = sim::explain_text(trap);
  return json;
}

}  // namespace hvsim::session
