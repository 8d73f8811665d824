// Elaborates the SystemC shells around a machine, lets time advance, and gathers the result.
#include "sim/simulation.h"

#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <systemc>
#include <vector>

#include "models/cpu/isa/csr.h"
#include "sim/boot.h"
#include "sim/bus_module.h"
#include "sim/checkpoint.h"
#include "sim/checkpoint_rules.h"
#include "sim/device_module.h"
#include "sim/fast_forward.h"
#include "sim/gdb/debugging.h"
#include "sim/gdb/standing.h"
#include "sim/hart_module.h"
#include "sim/host_hart.h"
#include "sim/image/device_tree.h"
#include "sim/limits.h"
#include "sim/machine.h"
#include "sim/memory_module.h"
#include "sim/moment.h"
#include "sim/observation.h"
#include "sim/printable.h"
#include "sim/recorder.h"
#include "sim/result_hash.h"
#include "sim/running.h"
#include "sim/session/session.h"
#include "sim/signature.h"
#include "sim/symbols.h"
#include "sim/timeline.h"
#include "sim/turns_module.h"
#include "sim/vm_ends.h"
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
    std::string problem = hypervisor.boot(*harts[0], {.bundle = *bundle,
                                                      .ram_base = machine.memory().ram_base(),
                                                      .ram_bytes = machine.memory().ram_bytes(),
                                                      .harts = machine.harts(),
                                                      .timebase_hz = std::uint64_t{kTimebaseMhz} * 1'000'000,
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

// Writes the config's checkpoint when its moment has come.
class CheckpointWriter {
 public:
  CheckpointWriter(const Running& run, const ImagePaths& images) : run_(run), images_(images) {
    const std::string& at = run.config.checkpoint.at;
    if (!at.empty()) moment_.emplace(*parse_moment(at));
  }

  std::string start() {
    if (!moment_) return {};
    run_.recorder.on_region([this](std::uint64_t region) { moment_->region_begun(region); });
    const std::string problem = moment_->start(run_.machine, run_.config, images_);
    return problem.empty() ? problem : "checkpoint.at: " + problem;
  }
  void stopped(cpu::Stop why) {
    if (moment_) moment_->stopped(why, run_.limits.now(), run_.limits.retired());
  }
  bool waits() const { return moment_.has_value(); }
  // False: the run ends here.
  bool between_turns() {
    if (!moment_ || !moment_->come()) return true;
    moment_->end(run_.machine);
    moment_.reset();
    const std::string& file = run_.config.checkpoint.file;
    problem_ = save(file, false);
    if (!problem_.empty()) problem_.line = "checkpoint.file: \"" + file + "\": " + problem_.line;
    if (!problem_.empty() || run_.config.checkpoint.then == AfterCheckpoint::stop) {
      run_.limits.stop(StopReason::checkpoint);
      return false;
    }
    return true;
  }
  // The error is without the file's name.
  Refusal save(const std::string& file, bool disturbed) const {
    auto checkpoint = take_checkpoint(run_, facts_of_run(run_.config, images_));
    if (!checkpoint) return {.line = checkpoint.error()};
    checkpoint.value().facts.debugged |= disturbed;
    return write_checkpoint(file, *checkpoint);
  }
  // For people, if the moment has not come.
  std::string missed() const {
    return moment_ ? "checkpoint.at: \"" + run_.config.checkpoint.at + "\" did not come" : "";
  }
  const Refusal& problem() const { return problem_; }

 private:
  Running run_;
  const ImagePaths& images_;
  std::optional<AwaitedMoment> moment_;
  Refusal problem_;
};

// All SystemC objects of a run; one per process.
class Shells {
 public:
  Shells(Machine& machine, Recorder& recorder, const Config& config, HostRun* host, Limits& limits,
         CheckpointWriter& checkpoints, Debugger* debugger)
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
    turns_ = std::make_unique<TurnsModule>("turns", machine.turns(), machine.agenda(), period);
    if (debugger != nullptr || checkpoints.waits())
      turns_->between_turns([&checkpoints, debugger] {
        if (debugger != nullptr) debugger->between_turns();
        return checkpoints.between_turns();
      });
    for (unsigned i = 0; i < machine.harts(); ++i) {
      HartModule::Settings settings{.hart = i,
                                    .quantum = config.machine.quantum_cycles,
                                    .turns = *turns_,
                                    .recorder = recorder,
                                    .debugger = debugger,
                                    .host = host != nullptr ? host->harts[i].get() : nullptr,
                                    .limit_reached =
                                        [&limits, &checkpoints, i](cpu::Stop why) {
                                          const bool reached = limits.reached(i, why);
                                          checkpoints.stopped(why);
                                          return reached;
                                        },
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
  std::unique_ptr<TurnsModule> turns_;
  std::vector<std::unique_ptr<HartModule>> harts_;
};

// The symbol that each hart is at, where the image that it runs has one.
std::vector<std::string> symbols_of_harts(Machine& machine, const Symbols& symbols) {
  std::vector<std::string> all(machine.harts());
  for (unsigned i = 0; i < machine.harts(); ++i) {
    const cpu::HartState& state = machine.hart(i).hart_state();
    all[i] = symbols.symbol(state.mode, machine.hart(i).accountant().now().vm, state.pc);
  }
  return all;
}

std::string where_all_stand(Machine& machine, const Config& config, const ImagePaths& images,
                            std::function<hv::Inspection()> inspection) {
  auto loaded = Symbols::load(config, images);
  const Symbols symbols = loaded ? std::move(loaded.value()) : Symbols();
  return where_harts_stand(machine, symbols_of_harts(machine, symbols)) +
         gdb::where_vcpus_stand(machine, config, images, symbols, std::move(inspection));
}

// The last line that somebody has printed, or who begins lines so, for a message. The hypervisor sums up when
// all is over, so of its lines only a refusal counts.
std::string last_line(std::string_view console, std::string_view beginning = {}) {
  constexpr std::size_t longest = 120;
  constexpr std::string_view of_hypervisor = "[hv] ", refusal = "[hv] cannot start: ";
  std::string found;
  std::istringstream lines{std::string(console)};
  for (std::string line; std::getline(lines, line);) {
    std::erase_if(line, [](unsigned char c) { return c < ' '; });
    const bool says_why = !line.starts_with(of_hypervisor) || line.starts_with(refusal);
    if (!line.empty() && says_why && line.starts_with(beginning)) found = line;
  }
  return printable_line(found, longest);
}

std::string who_failed(std::string_view console) {
  std::string words, line;
  for (const VmEnd& end : vm_ends(console)) {
    if (!end.failed()) continue;
    words += "; VM " + end.vm + ": " + end.how;
    if (line.empty()) line = last_line(console, '[' + end.vm + "] ");
  }
  if (words.empty()) line = last_line(console);
  return line.empty() ? words : words + "; the last line was: " + line;
}

void conclude(Machine& machine, const Limits& limits, const Debugger* debugger, RunResult& result) {
  result.debugged |= debugger != nullptr && debugger->disturbed();
  if (machine.finished()) {
    using Kind = device::FinishRequest::Kind;
    const auto& finish = machine.finish();
    result.stop = StopReason::finished;
    result.guest_exit_code = finish.kind == Kind::fail ? finish.code : 0;
    if (finish.kind == Kind::fail)
      result.stop_detail = "the guest failed with code " + std::to_string(finish.code);
    if (finish.kind == Kind::fail) result.stop_detail += who_failed(result.console);
    if (finish.kind == Kind::reset) result.stop_detail = "the guest asked for a reset";
  } else if (limits.stop()) {
    result.stop = *limits.stop();
    if (result.stop == StopReason::cycle_limit) result.stop_detail = "limits.max_cycles reached";
    if (result.stop == StopReason::instruction_limit) result.stop_detail = "limits.max_instructions reached";
    if (result.stop == StopReason::unexpected_trap) result.stop_detail = limits.trap();
    if (result.stop == StopReason::checkpoint) result.stop_detail = "a checkpoint was written";
  } else if (debugger != nullptr && debugger->ended()) {
    result.stop = StopReason::debugger;
    result.stop_detail = "the debugger ended the run";
  } else {
    result.stop = StopReason::no_progress;
  }
}

// From a checkpoint in memory, or else the config's.
std::string restore(const Running& run, const ImagePaths& images, const Checkpoint* from) {
  if (from != nullptr) {
    const std::string problem = restore_checkpoint(*from, run, RestoredModels::cold);
    return problem.empty() ? problem : "boot.fast_forward: its checkpoint " + problem;
  }
  const BootConfig& boot = run.config.boot;
  const auto checkpoint = read_checkpoint(boot.restore);
  std::string problem =
      checkpoint ? different_files(checkpoint->facts, run.config, images) : checkpoint.error();
  if (problem.empty()) problem = different_build(checkpoint->facts, run.config, boot.restored_models);
  if (problem.empty()) problem = restore_checkpoint(*checkpoint, run, boot.restored_models);
  return problem.empty() ? problem : "boot.restore: \"" + boot.restore + "\": " + problem;
}

isa::Failure<Refusal> refused(const std::string& line) { return isa::Failure{Refusal{.line = line}}; }

isa::Result<RunResult, Refusal> run_once(const Config& config, const ImagePaths& images, Progress& progress,
                                         const Attached& attached, const Checkpoint* start_from) {
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
  if (!built) return refused(built.error());
  Machine& machine = **built;

  auto timeline = Timeline::make(config);
  if (!timeline) return isa::Failure{Refusal{.line = timeline.error(), .unwritable = true}};
  Recorder recorder(machine, config, timeline->get());
  std::optional<HostRun> host;
  if (on_host) host.emplace(machine, config.hypervisor.costs);
  Limits limits(machine, config.limits, progress, attached.gdb.has_value());
  const Running running{.config = config,
                        .machine = machine,
                        .recorder = recorder,
                        .limits = limits,
                        .console = result.console,
                        .debugged = result.debugged,
                        .hypervisor = host ? &host->hypervisor : nullptr};
  const bool restores = start_from != nullptr || !config.boot.restore.empty();
  const std::string problem = restores ? restore(running, images, start_from)
                              : host   ? host->boot(machine, config, images)
                                       : prepare_boot(machine, config, images);
  if (!problem.empty()) return refused(problem);

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
  CheckpointWriter checkpoints(running, images);
  Debugger* debugger = nullptr;
  std::function<hv::Inspection()> inspection;
  if (host) inspection = [&host] { return host->hypervisor.inspect(); };
  if (debugging) {
    if (auto wrong = debugging->start(machine, config, images, inspection, *attached.gdb); !wrong.empty())
      return refused(wrong);
    debugger = debugging->session();
  }
  if (session) debugger = &*session;
  if (auto wrong = checkpoints.start(); !wrong.empty()) return refused(wrong);
  Shells shells(machine, recorder, config, host ? &*host : nullptr, limits, checkpoints, debugger);
  const auto finish = [&] {
    shells.settle(machine, recorder);
    conclude(machine, limits, debugger, result);
    if (result.stop == StopReason::no_progress)
      result.stop_detail = "nothing will ever happen:" + where_all_stand(machine, config, images, inspection);
  };
  const auto collect = [&] {
    recorder.collect(result);
    for (const VmEnd& end : vm_ends(result.console))
      for (VmStats& vm : result.vms)
        if (vm.name == end.vm) vm.end = end.how;
    result.virtio_console = machine.virtio_console();
  };
  const auto finish_timeline = [&]() -> std::string {
    if (*timeline == nullptr) return {};
    result.timeline = timeline.value()->finish(result.cycles);
    return result.timeline != nullptr ? "" : "observe.timeline: the timeline could not be written";
  };
  if (session) {
    auto started = session->start(
        {.machine = machine,
         .config = config,
         .images = images,
         .console = result.console,
         .recorder = recorder,
         .timeline = timeline->get()},
        inspection,
        {.result =
             [&](const std::string& directory) {
               finish();
               collect();
               if (auto missed = finish_timeline(); !missed.empty()) return missed;
               return attached.session->write(result, directory);
             },
         .checkpoint = [&](const std::string& file,
                           bool disturbed) { return checkpoints.save(file, disturbed).line; }});
    if (!started.empty()) return refused(started);
  }
  do {
    sc_core::sc_start();
  } while (debugger != nullptr && !machine.finished() && !limits.stop() && debugger->nothing_moves());

  if (!checkpoints.problem().empty()) return isa::Failure{checkpoints.problem()};
  result.note = checkpoints.missed();
  finish();
  if (debugger != nullptr) debugger->over(result);
  if (signature != nullptr)
    if (auto missed = signature->write(machine.memory()); !missed.empty()) return isa::Failure{missed};
  if (*observation != nullptr)
    if (auto missed = observation.value()->finish(); !missed.empty()) return isa::Failure{missed};
  collect();
  if (auto missed = finish_timeline(); !missed.empty())
    return isa::Failure{Refusal{.line = missed, .unwritable = true}};
  return result;
}

}  // namespace

isa::Result<RunResult, Refusal> simulate(const Config& config, const ImagePaths& images, Progress& progress,
                                         const Attached& attached) {
  if (config.boot.fast_forward.empty()) return run_once(config, images, progress, attached, nullptr);
  const auto once = [&](const Config& functional) {
    return run_once(functional, images, progress, {}, nullptr);
  };
  const auto there = fast_forward(config, images, attached.warm_ups, once, progress);
  if (!there) return isa::Failure{there.error()};
  progress.stage(Stage::running);
  return run_once(config, images, progress, attached, &*there);
}

}  // namespace hvsim::sim
