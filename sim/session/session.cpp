// The conversation, and when the machine stands still.
#include "sim/session/session.h"

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "sim/statistics_fields.h"

namespace hvsim::session {
namespace {

constexpr unsigned kRunsPerLook = 16;  // at the channel

std::string_view stop_name(sim::StopReason stop) {
  for (const auto& [choice, name] : sim::Named<sim::StopReason>::choices)
    if (choice == stop) return name;
  return {};
}

}  // namespace

Session::Present::Present(Session& owner, cpu::HartState& state, const cpu::StepSeen& seen)
    : owner_(owner), state_(state), pc_(state.pc), retired_(state.retired), cycle_(state.cycle) {
  state.pc = seen.pc;
  state.retired = seen.retired;
  state.cycle = seen.cycle;
  owner.present_ = this;
}

void Session::Present::undo() {
  state_.pc = pc_;
  state_.retired = retired_;
  state_.cycle = cycle_;
}

std::string Session::start(const Subject& subject, std::function<hv::Inspection()> host_inspection,
                           Writers writers) {
  auto symbols = sim::Symbols::load(subject.config, subject.images);
  if (!symbols) return symbols.error();
  native_hypervisor_ = host_inspection != nullptr;
  auto hypervisor = gdb::find_hypervisor_memory(subject.machine, subject.config, subject.images,
                                                std::move(host_inspection));
  const bool ours = subject.config.hypervisor.run != sim::HypervisorRun::none;
  if (ours && !hypervisor) return hypervisor.error();
  machine_ = &subject.machine;
  inspector_.emplace(subject.machine, subject.config, std::move(symbols.value()),
                     hypervisor ? std::optional(std::move(hypervisor.value())) : std::nullopt, left_,
                     subject.console);
  writers_ = std::move(writers);
  timeline_ = subject.timeline;
  stops_.emplace(subject.machine);
  recorder_ = &subject.recorder;
  for (unsigned hart = 0; hart < machine_->harts(); ++hart) machine_->hart(hart).set_mark_listener(this);
  return {};
}

sim::Debugger::Go Session::next(unsigned hart) {
  if (errand_) return Go::run;
  if (!std::exchange(started_, true)) hold(Standing::between_turns, std::nullopt);
  while (!ended_) {
    const auto report = stops_->before_turn(hart);
    if (!report) break;
    hold(Standing::between_turns, report);
  }
  observe();
  return Go::run;
}

void Session::ran(unsigned hart, cpu::Stop why) {
  if (ended_ || errand_) return;
  if (pending_) {
    hold(Standing::between_turns, std::nullopt);
  } else if (const auto report = why == cpu::Stop::hypervisor ? stops_->due(hart) : std::nullopt) {
    hold(Standing::between_turns, report);
  } else if (interrupted()) {
    hold(Standing::between_turns, StopReport{.reason = "interrupted", .hart = hart});
  }
}

void Session::between_turns() {
  if (errand_) say_and_end(errand_->way, writers_.checkpoint(errand_->file, disturbed_));
}

bool Session::nothing_moves() {
  between_turns();
  if (ended_) return false;
  hold(Standing::between_turns, StopReport{.reason = "no_progress"});
  for (unsigned hart = 0; hart < machine_->harts() && !ended_; ++hart) {
    if (machine_->shell(hart).asleep && !machine_->hart(hart).wakes()) continue;
    machine_->wake(hart);
    return true;
  }
  return false;
}

void Session::over(const sim::RunResult& result) {
  if (errand_) say_and_end(errand_->way, "the run ends before its harts' turns do");
  if (ended_) return;
  const StopReport report{.reason = "over",
                          .details = {{"stop", stop_name(result.stop)},
                                      {"detail", result.stop_detail},
                                      {"exit_code", sim::exit_code(result)}}};
  hold(Standing::over, report);
}

void Session::trapped(const cpu::HartState& hart, const cpu::TrapSeen& seen) {
  if (next_ != nullptr) next_->trapped(hart, seen);
  if (!stops_ || errand_ || !stops_->trapped(hart, seen)) return;
  stops_->explain(hart.hart_id, inspector_->explain_trap(hart, seen));
  observe();
}

bool Session::begins(const cpu::HartState& hart, const cpu::StepSeen& seen) {
  if (steps() && !next_->begins(hart, seen)) return false;
  if (ended_ || !stops_ || errand_) return true;
  const auto report = stops_->before(hart, seen);
  if (!report) return true;
  const Present present(*this, machine_->hart(hart.hart_id).hart_state(), seen);
  return hold(Standing::inside_turn, report);
}

void Session::marked(unsigned hart, isa::Cycles now, const cpu::CellKey& who, isa::MarkKind kind,
                     std::uint64_t value) {
  recorder_->marked(hart, now, who, kind, value);
  const bool natively = native_hypervisor_ && !machine_->hart(hart).hart_state().mode.virtualized;
  if (natively && !errand_ && stops_->marked(hart, who.vm, kind, value)) observe();
}

bool Session::hold(Standing standing, const std::optional<StopReport>& report) {
  if (report && std::exchange(running_, false)) answer(Json{{"stopped", report_json(*report)}});
  for (;;) {
    if (!pending_) {
      const auto line = channel_.receive(true);
      if (!line) {
        ended_ = true;
        return true;
      }
      pending_ = Json::parse(*line, nullptr, false);
    }
    if (standing == Standing::inside_turn && Inspector::changes(*pending_)) return false;
    if (handle(*std::exchange(pending_, std::nullopt), standing)) return true;
  }
}

bool Session::handle(const Json& request, Standing standing) {
  try {
    const std::string what = request.at("do");
    if (what == "interrupt") return false;  // it stands already
    if (what == "result") return write_result(request, standing), false;
    if (what == "checkpoint") return write_checkpoint(request, standing);
    if (what == "bookmark") return bookmark(standing), false;
    if (what == "go_back") return go_back(request), false;
    const bool goes = what == "go";
    if (standing == Standing::over && (goes || Inspector::changes(request)))
      return fail("the run is over"), false;
    if (what == "points") {
      auto points = read_points(request, inspector_->config());
      if (!points) return fail(points.error()), false;
      stops_->set(std::move(points.value()));
      return answer(Json::object()), false;
    }
    if (goes) {
      auto until = read_until(request.at("until"), inspector_->config());
      if (!until) return fail(until.error()), false;
      stops_->go(std::move(until.value()));
      observe();
      running_ = true;
      return true;
    }
    auto seen = inspector_->look(request);
    disturbed_ |= seen && Inspector::changes(request);
    seen ? answer(std::move(seen.value())) : fail(seen.error());
  } catch (const std::invalid_argument& wrong) {
    fail(wrong.what());
  } catch (const Json::exception& wrong) {
    fail(std::string("a malformed command: ") + wrong.what());
  }
  return false;
}

Json Session::report_json(const StopReport& report) const {
  Json json{{"reason", report.reason}, {"hart", report.hart}, {"details", report.details}};
  json["state"] = inspector_->state();
  return json;
}

// A copy has files of its own from here on, and says nothing to whoever holds the session.
std::string Session::begin_copy() {
  if (present_ != nullptr) present_->undo();
  channel_.be_silent();
  if (timeline_ == nullptr || timeline_->take_own_file()) return {};
  return "there is no room for another timeline";
}

// The process that writes it ends the run for itself, as it would end here.
void Session::write_result(const Json& request, Standing standing) {
  const std::string directory = request.at("directory");
  const Copied copied = copy_of_this_process();
  if (copied.way) {
    std::string problem = begin_copy();
    ended_ = standing != Standing::over;
    if (problem.empty()) problem = writers_.result(directory);
    say_and_end(*copied.way, problem);
  }
  if (!copied.said) return fail(copied.said.error());
  copied.said->empty() ? answer(Json::object()) : fail(*copied.said);
}

// A copy goes on to where a checkpoint can be taken, and this one stays where it is. True: this is the copy.
bool Session::write_checkpoint(const Json& request, Standing standing) {
  const std::string file = request.at("file");
  if (standing == Standing::over) return fail("the run is over"), false;
  const Copied copied = copy_of_this_process();
  if (copied.way) {
    if (const std::string problem = begin_copy(); !problem.empty()) say_and_end(*copied.way, problem);
    errand_ = Errand{.way = *copied.way, .file = file};
    return true;
  }
  if (!copied.said) return fail(copied.said.error()), false;
  copied.said->empty() ? answer(Json::object()) : fail("checkpoint: \"" + file + "\": " + *copied.said);
  return false;
}

// A run that is over has left the loop that it would have to go back into.
void Session::bookmark(Standing standing) {
  if (standing == Standing::over) return fail("the run is over");
  for (const sim::BlockConfig& disk : inspector_->config().machine.devices.block)
    if (disk.access == device::DiskAccess::read_write)
      return fail("what a guest has written to " + disk.file + " could not be undone");
  const auto came = bookmarks_.keep();
  if (!came) return fail(came.error());
  if (timeline_ != nullptr && !timeline_->take_own_file())
    return fail("there is no room for another timeline");
  answer(Json{{"bookmark", bookmarks_.count() - 1}, {"state", inspector_->state()}});
}

void Session::go_back(const Json& request) {
  const std::uint64_t number = whole_number(request, "bookmark");
  if (number >= bookmarks_.count()) return fail("there is no such bookmark");
  bookmarks_.go_back(number);
}

void Session::observe() {
  const cpu::ObservedCode wanted = stops_->wanted();
  if (wanted == observed_) return;
  observed_ = wanted;
  for (unsigned hart = 0; hart < machine_->harts(); ++hart) machine_->hart(hart).observe(observed_);
}

bool Session::interrupted() {
  if (++asked_ % kRunsPerLook != 0) return false;
  const auto line = channel_.receive(false);
  if (!line) {
    ended_ = channel_.closed();
    return false;
  }
  const Json message = Json::parse(*line, nullptr, false);
  if (message.is_object() && message.value("do", "") == "interrupt") return true;
  channel_.put_back(*line);  // a command, which waits until the machine stands
  return false;
}

}  // namespace hvsim::session
