// The observer that the machine's harts report to.
#include "sim/observation.h"

#include <cerrno>
#include <cstring>
#include <tuple>

#include "sim/explain.h"
#include "sim/image/format.h"
#include "sim/statistics_names.h"
#include "sim/trap_words.h"

namespace hvsim::sim {

namespace {

Refusal cannot_write(const std::string& key, const std::string& path, int error) {
  return {.line = "observe." + key + "_output: \"" + path + "\": " + std::strerror(error) +
                  ", expected a file that can be written",
          .unwritable = without_place(error)};
}

}  // namespace

isa::Result<std::unique_ptr<Observation>, Refusal> Observation::make(const Config& config,
                                                                     const ImagePaths& images) {
  const ObserveConfig& observe = config.observe;
  if (observe.explain.empty() && observe.trace.empty()) return std::unique_ptr<Observation>();
  auto symbols = Symbols::load(config, images);
  if (!symbols) return isa::Failure{Refusal{.line = symbols.error()}};
  std::unique_ptr<Observation> made(new Observation(config));
  made->symbols_ = std::move(symbols.value());
  auto problem =
      made->open(made->explain_, "explain", observe.explain, FilterUse::explain, observe.explain_output);
  if (problem.empty())
    problem = made->open(made->trace_, "trace", observe.trace, FilterUse::trace, observe.trace_output);
  if (!problem.empty()) return isa::Failure{problem};
  return made;
}

Refusal Observation::open(std::optional<Output>& output, const std::string& key, const std::string& filter,
                          FilterUse use, const std::string& path) {
  if (filter.empty()) return {};
  const auto parsed = parse_filter(filter, use, config_);
  if (!parsed)
    return {.line = "observe." + key + ": " + parsed.error().value + ": " + parsed.error().expectation};
  auto selection = Selection::make(*parsed, symbols_);
  if (!selection) return {.line = "observe." + key + ": " + selection.error()};
  std::FILE* file = path.empty() ? stderr : std::fopen(path.c_str(), "w");
  if (file == nullptr) return cannot_write(key, path, errno);
  output.emplace(Output{std::move(selection.value()), std::unique_ptr<std::FILE, CloseFile>(file)});
  return {};
}

void Observation::Output::write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() && error == 0) error = errno;
}

void Observation::Output::flush() {
  if (std::fflush(file.get()) != 0 && error == 0) error = errno;
}

// Of standard error nobody promises that it will be read.
Refusal Observation::finish() {
  const ObserveConfig& observe = config_.observe;
  for (const auto& [output, key, path] : {std::tuple{&explain_, "explain", observe.explain_output},
                                          std::tuple{&trace_, "trace", observe.trace_output}}) {
    if (!*output || path.empty()) continue;
    (*output)->flush();
    if ((*output)->error != 0) return cannot_write(key, path, (*output)->error);
  }
  return {};
}

void Observation::trapped(const cpu::HartState& hart, const cpu::TrapSeen& seen) {
  if (trace_) trace_trap(hart, seen);
  if (!explain_) return;
  const cpu::TrapTaken& taken = seen.taken;
  if (!explain_->selection.takes(
          {hart.hart_id, taken.from, seen.vm, seen.vcpu, taken.epc, hart.cycle, &taken}))
    return;
  const Explained trap{hart, seen, config_, symbols_, ++explained_};
  explain_->write(json() ? explain_json(trap).dump() + "\n" : explain_text(trap));
}

bool Observation::begins(const cpu::HartState& hart, const cpu::StepSeen& seen) {
  auto& step = harts_[hart.hart_id].step;
  step.reset();
  if (trace_->selection.takes({hart.hart_id, seen.mode, seen.vm, seen.vcpu, seen.pc, seen.cycle}))
    step.emplace(hart, seen);
  return true;
}

void Observation::retired(const cpu::HartState& hart) {
  auto& step = harts_[hart.hart_id].step;
  if (!step) return;
  if (json()) {
    trace_->write(step->json(hart, symbols_).dump() + "\n");
  } else {
    heading(hart, step->seen());
    trace_->write(step->text(hart) + "\n");
  }
  step.reset();
}

void Observation::abandoned(const cpu::HartState& hart) { harts_[hart.hart_id].step.reset(); }

// A line of its own when another function or another hart goes on.
void Observation::heading(const cpu::HartState& hart, const cpu::StepSeen& seen) {
  std::string function = symbols_.symbol(seen.mode, seen.vm, seen.pc);
  function.erase(std::min(function.find('+'), function.size()));
  Progress& progress = harts_[hart.hart_id];
  if (function == progress.function && traced_hart_ == static_cast<int>(hart.hart_id)) return;
  progress.function = function;
  traced_hart_ = static_cast<int>(hart.hart_id);
  const std::string runner = runner_name(config_, seen.vm, seen.vcpu);
  trace_->write("hart " + std::to_string(hart.hart_id) + (runner.empty() ? "" : ", " + runner) + ", " +
                (function.empty() ? "no symbol" : "<" + function + ">") + ":\n");
}

// A trap follows the instructions that it comes between.
void Observation::trace_trap(const cpu::HartState& hart, const cpu::TrapSeen& seen) {
  const cpu::TrapTaken& taken = seen.taken;
  if (!trace_->selection.shows({hart.hart_id, taken.from, seen.vm, seen.vcpu, taken.epc, hart.cycle})) return;
  const CauseName& cause = cause_name(taken.trap.interrupt, taken.trap.code);
  if (json()) {
    trace_->write(Json{{"kind", "trap"},
                       {"hart", hart.hart_id},
                       {"cycle", hart.cycle},
                       {"cause", cause.key},
                       {"from", mode_name(taken.from)},
                       {"to", mode_name(taken.to)},
                       {"pc", hex(taken.epc)}}
                      .dump() +
                  "\n");
    return;
  }
  char line[160];
  std::snprintf(line, sizeof line, "%12llu %-2s %16llx  trap: %s, to %s%s\n",
                static_cast<unsigned long long>(hart.cycle), std::string(mode_name(taken.from)).c_str(),
                static_cast<unsigned long long>(taken.epc), std::string(cause.title).c_str(),
                std::string(mode_name(taken.to)).c_str(), seen.native ? " (native hypervisor)" : "");
  trace_->write(line);
}

}  // namespace hvsim::sim
