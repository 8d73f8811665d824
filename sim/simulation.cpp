// Elaborates the SystemC shells around a machine, lets time advance, and gathers the result.
#include "sim/simulation.h"

#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <systemc>
#include <vector>

#include "models/cpu/isa/csr.h"
#include "sim/agenda_module.h"
#include "sim/boot.h"
#include "sim/bus_module.h"
#include "sim/device_module.h"
#include "sim/gdb/debugging.h"
#include "sim/hart_module.h"
#include "sim/host_hart.h"
#include "sim/image/device_tree.h"
#include "sim/machine.h"
#include "sim/memory_module.h"
#include "sim/observation.h"
#include "sim/recorder.h"
#include "sim/session/session.h"
#include "sim/signature.h"
#include "sim/symbols.h"
#include "sim/watchdog.h"

namespace hvsim::sim {
namespace {

constexpr std::uint16_t kCannotRestart = 0xFFFF;
constexpr std::uint64_t kFemtosecondsPerMicrosecond = 1'000'000'000;

// The hypervisor that runs natively, with one port per hart.
struct HostRun {
  HostRun(Machine& machine, const hv::CostModel& costs) : hypervisor(costs) {
    for (unsigned i = 0; i < machine.harts(); ++i)
      harts.push_back(std::make_unique<HostHart>(machine, i, hypervisor));
  }

  std::string boot(Machine& machine, const Config& config, const ImagePaths& images) {
    auto bundle = bundle_of(config, images);
    if (!bundle) return bundle.error();
    enter_supervisor(machine);
    const std::string isa = isa_string(config.machine.isa), mmu = mmu_type(config.machine.isa);
    const std::string problem = hypervisor.boot(*harts[0], {.bundle = *bundle,
                                                            .ram_base = machine.memory().ram_base(),
                                                            .ram_bytes = machine.memory().ram_bytes(),
                                                            .harts = machine.harts(),
                                                            .timebase_hz = kTimebaseMhz * 1'000'000,
                                                            .isa = isa,
                                                            .mmu_type = mmu,
                                                            .sstc = config.machine.isa.sstc});
    // The other harts wait for the boot hart, as on target.
    const isa::Cycles booted = machine.hart(0).hart_state().cycle;
    for (unsigned i = 1; i < machine.harts(); ++i) machine.hart(i).idle(booted);
    return problem;
  }

  hv::HostHypervisor hypervisor;
  std::vector<std::unique_ptr<HostHart>> harts;
};

// Asked after each quantum of each hart.
class Limits {
 public:
  // Under a debugger, harts that go round in circles wait for Ctrl-C.
  Limits(Machine& machine, const LimitsConfig& limits, Progress& progress, bool debugged)
      : machine_(machine),
        limits_(limits),
        progress_(progress),
        watchdog_(machine, debugged ? 0 : limits.watchdog_cycles) {}

  bool reached(unsigned hart, cpu::Stop why) {
    if (stop_) return true;
    if (watchdog_.ran(hart, why)) stop_ = StopReason::no_progress;
    isa::Cycles now = 0;
    std::uint64_t retired = 0;
    for (unsigned i = 0; i < machine_.harts(); ++i) {
      now = std::max(now, machine_.hart(i).hart_state().cycle);
      retired += machine_.hart(i).hart_state().retired;
    }
    if (++asked_ % 64 == 0) progress_.advanced(now, retired);
    if (limits_.max_cycles != 0 && now >= limits_.max_cycles) stop_ = StopReason::cycle_limit;
    if (limits_.max_instructions != 0 && retired >= limits_.max_instructions)
      stop_ = StopReason::instruction_limit;
    return stop_.has_value();
  }
  void unexpected_trap(unsigned hart) {
    const cpu::HartState& state = machine_.hart(hart).hart_state();
    char text[160];
    std::snprintf(text, sizeof text,
                  "hart %u: the M-mode trap handler at 0x%llx traps itself: mcause %llu, mtval 0x%llx", hart,
                  static_cast<unsigned long long>(state.pc),
                  static_cast<unsigned long long>(state.csr.mcause),
                  static_cast<unsigned long long>(state.csr.mtval));
    stop_ = StopReason::unexpected_trap;
    trap_ = text;
  }
  std::optional<StopReason> stop() const { return stop_; }
  const std::string& trap() const { return trap_; }

 private:
  Machine& machine_;
  LimitsConfig limits_;
  Progress& progress_;
  Watchdog watchdog_;
  std::uint64_t asked_ = 0;
  std::optional<StopReason> stop_;
  std::string trap_;
};

// All SystemC objects of a run; one per process.
class Shells {
 public:
  Shells(Machine& machine, Recorder& recorder, const Config& config, HostRun* host, Limits& limits,
         Debugger* debugger)
      : memory_("memory", machine.memory()) {
    bus_.attach(machine.memory().ram_base(), machine.memory().ram_bytes(), memory_.socket);
    for (const auto& window : machine.bus().windows()) {
      if (window.window == nullptr) continue;
      std::string name = window.name;
      for (char& c : name) c = c == ' ' ? '_' : c;
      devices_.push_back(std::make_unique<DeviceModule>(name.c_str(), *window.window));
      bus_.attach(window.base, window.size, devices_.back()->socket);
    }
    const auto period = sc_core::sc_time::from_value(kFemtosecondsPerMicrosecond / config.machine.clock_mhz);
    agenda_ = std::make_unique<AgendaModule>("agenda", machine.agenda(), period);
    for (unsigned i = 0; i < machine.harts(); ++i) {
      HartModule::Settings settings{
          .hart = i,
          .quantum = config.machine.quantum_cycles,
          .period = period,
          .recorder = recorder,
          .debugger = debugger,
          .host = host != nullptr ? host->harts[i].get() : nullptr,
          .limit_reached = [&limits, i](cpu::Stop why) { return limits.reached(i, why); },
          .unexpected_trap = [&limits, i] { limits.unexpected_trap(i); }};
      harts_.push_back(
          std::make_unique<HartModule>(("hart" + std::to_string(i)).c_str(), machine, std::move(settings)));
      harts_.back()->socket.bind(bus_.from);
    }
  }

  // Harts asleep at the end have idled until then.
  void settle(Machine& machine, Recorder& recorder) const {
    isa::Cycles end = 0;
    for (unsigned i = 0; i < machine.harts(); ++i) end = std::max(end, machine.hart(i).hart_state().cycle);
    for (unsigned i = 0; i < machine.harts(); ++i)
      if (harts_[i]->asleep()) recorder.idle(i, end - machine.hart(i).hart_state().cycle);
  }

 private:
  MemoryModule memory_;
  BusModule bus_{"bus"};
  std::vector<std::unique_ptr<DeviceModule>> devices_;
  std::unique_ptr<AgendaModule> agenda_;
  std::vector<std::unique_ptr<HartModule>> harts_;
};

// The symbol that each hart is at, where the image that it runs has one.
std::vector<std::string> symbols_of_harts(Machine& machine, const Config& config, const ImagePaths& images) {
  const auto symbols = Symbols::load(config, images);
  std::vector<std::string> all(machine.harts());
  if (!symbols) return all;
  for (unsigned i = 0; i < machine.harts(); ++i) {
    const cpu::HartState& state = machine.hart(i).hart_state();
    all[i] = symbols->symbol(state.mode, machine.hart(i).accountant().now().vm, state.pc);
  }
  return all;
}

// The last line that somebody has printed, for a message.
std::string last_line(std::string_view console) {
  constexpr std::size_t longest = 120;
  constexpr std::string_view of_hypervisor = "[hv] ";  // which sums up when all is over
  std::string found;
  std::istringstream lines{std::string(console)};
  for (std::string line; std::getline(lines, line);) {
    std::erase_if(line, [](unsigned char c) { return c < ' ' || c == 0x7F; });
    if (!line.empty() && !line.starts_with(of_hypervisor)) found = line;
  }
  return found.size() > longest ? found.substr(0, longest) + "..." : found;
}

void conclude(Machine& machine, const Limits& limits, const Debugger* debugger, RunResult& result) {
  result.debugged = debugger != nullptr && debugger->disturbed();
  if (machine.finished()) {
    using Kind = device::FinishRequest::Kind;
    const auto& finish = machine.finish();
    result.stop = StopReason::finished;
    result.guest_exit_code = finish.kind == Kind::fail ? finish.code : 0;
    if (finish.kind == Kind::fail)
      result.stop_detail = "the guest failed with code " + std::to_string(finish.code);
    if (const std::string line = last_line(result.console); finish.kind == Kind::fail && !line.empty())
      result.stop_detail += "; the last line was: " + line;
    if (finish.kind == Kind::reset) result.stop_detail = "the guest asked for a reset";
  } else if (limits.stop()) {
    result.stop = *limits.stop();
    if (result.stop == StopReason::cycle_limit) result.stop_detail = "limits.max_cycles reached";
    if (result.stop == StopReason::instruction_limit) result.stop_detail = "limits.max_instructions reached";
    if (result.stop == StopReason::unexpected_trap) result.stop_detail = limits.trap();
  } else if (debugger != nullptr && debugger->ended()) {
    result.stop = StopReason::debugger;
    result.stop_detail = "the debugger ended the run";
  } else {
    result.stop = StopReason::no_progress;
  }
}

}  // namespace

isa::Result<RunResult, std::string> simulate(const Config& config, const ImagePaths& images,
                                             Progress& progress, const Attached& attached) {
  RunResult result;
  const bool on_host = config.hypervisor.run == HypervisorRun::host;
  auto observation = Observation::make(config, images);
  if (!observation) return isa::Failure{observation.error()};
  std::unique_ptr<Signature> signature;
  if (!config.observe.signature.empty()) {
    auto opened = Signature::open(config.observe, images.image);
    if (!opened) return isa::Failure{opened.error()};
    signature = std::move(opened.value());
  }
  const auto console = [&](std::uint8_t byte) {
    result.console.push_back(static_cast<char>(byte));
    progress.console({&result.console.back(), 1});
  };
  cpu::Observer* observer = observation.value().get();
  std::optional<gdb::Debugging> debugging;
  std::optional<session::Session> session;
  if (attached.gdb) observer = debugging.emplace(observer).observer();
  if (attached.session) observer = session.emplace(attached.session->descriptor, observer).observer();
  auto built = Machine::build(config.machine, config.seed, on_host, console, observer);
  if (!built) return isa::Failure{built.error()};
  Machine& machine = **built;

  Recorder recorder(machine, config);
  std::optional<HostRun> host;
  if (on_host) host.emplace(machine, config.hypervisor.costs);
  const std::string problem =
      host ? host->boot(machine, config, images) : prepare_boot(machine, config, images);
  if (!problem.empty()) return isa::Failure{problem};

  if (config.limits.on_reset == OnReset::restart)
    machine.restart_by([&] {
      // The images were fine when the run began; one that somebody has spoiled since ends it.
      if (!prepare_boot(machine, config, images).empty())
        machine.power_off({device::FinishRequest::Kind::fail, kCannotRestart});
    });

  sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  // Every hart's thread ends the simulation when it is over; the first one does.
  sc_core::sc_report_handler::set_actions(sc_core::SC_ID_SIMULATION_STOP_CALLED_TWICE_,
                                          sc_core::SC_DO_NOTHING);
  sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
  Limits limits(machine, config.limits, progress, attached.gdb.has_value());
  Debugger* debugger = nullptr;
  std::function<hv::Inspection()> inspection;
  if (host) inspection = [&host] { return host->hypervisor.inspect(); };
  if (debugging) {
    if (auto wrong = debugging->start(machine, config, images, std::move(inspection), *attached.gdb);
        !wrong.empty())
      return isa::Failure{wrong};
    debugger = debugging->session();
  }
  if (session) debugger = &*session;
  Shells shells(machine, recorder, config, host ? &*host : nullptr, limits, debugger);
  const auto finish = [&] {
    shells.settle(machine, recorder);
    conclude(machine, limits, debugger, result);
    if (result.stop == StopReason::no_progress)
      result.stop_detail =
          "nothing will ever happen:" + where_harts_stand(machine, symbols_of_harts(machine, config, images));
  };
  const auto collect = [&] {
    recorder.collect(result);
    result.virtio_console = machine.virtio_console();
  };
  if (session) {
    auto started = session->start({.machine = machine,
                                   .config = config,
                                   .images = images,
                                   .console = result.console,
                                   .recorder = recorder},
                                  std::move(inspection), [&](const std::string& directory) {
                                    finish();
                                    collect();
                                    return attached.session->write(result, directory);
                                  });
    if (!started.empty()) return isa::Failure{started};
  }
  do {
    sc_core::sc_start();
  } while (debugger != nullptr && !machine.finished() && !limits.stop() && debugger->nothing_moves());

  finish();
  if (debugger != nullptr) debugger->over(result);
  if (signature != nullptr && !signature->write(machine.memory()))
    return isa::Failure{"observe.signature: \"" + config.observe.signature + "\" could not be written"};
  collect();
  return result;
}

}  // namespace hvsim::sim
