// One run, start to finish. Results are kept in memory until they are whole.
#include "sim/experiment_worker.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <exception>

#include "sim/config_images.h"
#include "sim/config_load.h"
#include "sim/experiment.h"
#include "sim/experiment_messages.h"
#include "sim/hash.h"
#include "sim/image/read_file.h"
#include "sim/printable.h"
#include "sim/result_hash.h"
#include "sim/run_directory.h"

namespace hvsim::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kUserError = 2;
constexpr int kSimulatorFault = 3;

// Passes on what the simulation tells, a few times per second: a guest that prints a lot would otherwise
// spend its time in pipes. Under a debugger, which stops it, every line at once.
class Reporter : public Progress {
 public:
  Reporter(MessageWriter& messages, bool debugged) : messages_(messages), debugged_(debugged) {}

  void advanced(isa::Cycles now, std::uint64_t retired) override {
    const auto at = Clock::now();
    if (at - flushed_ >= kFlushEvery) flush(at);
    if (at - last_ < std::chrono::milliseconds(100)) return;
    last_ = at;
    flush(at);
    messages_.advanced(now, retired);
  }
  void console(std::string_view text) override {
    pending_ += text;
    if (text.find('\n') == std::string_view::npos) return;
    const auto at = Clock::now();
    if (debugged_ || at - flushed_ >= kFlushEvery) flush(at);
  }
  void stage(Stage stage) override { messages_.stage(stage); }
  void finish() {
    flush(Clock::now());
    if (const std::string rest = printable_.finish(); !rest.empty()) messages_.console(rest);
  }

 private:
  static constexpr auto kFlushEvery = std::chrono::milliseconds(20);

  void flush(Clock::time_point at) {
    flushed_ = at;
    if (const std::string text = printable_.feed(pending_); !text.empty()) messages_.console(text);
    pending_.clear();
  }

  MessageWriter& messages_;
  const bool debugged_;
  Clock::time_point last_ = Clock::now(), flushed_{};
  Printable printable_;
  std::string pending_;
};

// Of which file the one who planned the run knows another hash, if any.
std::string changed_file(const Run& run, const Json& known) {
  for (const auto& [key, file] : files_by_key(run.config, run.images))
    for (const Json& each : known)
      if (each.is_array() && each.size() == 3 && each[0] == file && each[2] != hash_file(file))
        return key + ", " + file;
  return {};
}

// A result must not bear the name of what somebody else asked for.
constexpr char kAsPlanned[] =
    "expected what the files held when the run was planned: one has changed since, so plan it again";

isa::Result<Run, Problem> read_run(int descriptor) {
  constexpr char input[] = "worker input";
  const auto bytes = read_all(descriptor);
  if (!bytes) return isa::Failure{Problem{input, {}, {}, bytes.error()}};
  auto json = parse_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, input);
  if (!json) return isa::Failure{json.error()};
  const Json known = json->value("known_hashes", Json::array());
  learn_hashes(known);
  Document document;
  merge(document, (*json)["config"], "config");
  auto config = read_config(document);
  if (!config) return isa::Failure{config.error()};
  auto images = find_images(*config, document.origins, image_directories());
  if (!images) return isa::Failure{images.error()};
  Run run{.label = (*json)["label"],
          .config = *config,
          .images = *images,
          .identity = (*json)["identity"],
          .gdb = std::nullopt};
  if (run_identity(run.config, run.images) != run.identity)
    return isa::Failure{Problem{run.label, "images", changed_file(run, known), kAsPlanned}};
  if (const auto gdb = json->find("gdb"); gdb != json->end())
    run.gdb = DebugOptions{.where = (*gdb)["where"],
                           .view = (*gdb)["vcpus"].get<bool>() ? DebugView::vcpus : DebugView::harts};
  return run;
}

int run(const WorkerOptions& options, const Simulate& simulate, MessageWriter& messages) {
  const auto start = Clock::now();
  auto refuse = [&](const Refusal& refusal) {
    refusal.unwritable ? messages.unwritable(refusal.line) : messages.refused(refusal.line);
    return kUserError;
  };
  auto run = read_run(options.config_descriptor);
  if (!run) return refuse({.line = run.error().text()});
  const FrozenFiles frozen;
  Reporter reporter(messages, run->gdb.has_value() || options.session_descriptor >= 0);
  const auto write = [&](const RunResult& result, const std::string& hash, const std::string& directory) {
    const std::chrono::duration<double> wall = Clock::now() - start;
    return write_run(directory, *run, result, hash, {.wall_seconds = wall.count()});
  };
  Attached attached{.gdb = run->gdb, .session = {}, .warm_ups = options.warm_ups};
  if (options.session_descriptor >= 0)
    attached.session = SessionOptions{.descriptor = options.session_descriptor,
                                      .write = [&](const RunResult& result, const std::string& directory) {
                                        const std::string hash =
                                            result_hash(run->config, run->images, result);
                                        const auto written = write(result, hash, directory);
                                        return written ? std::string() : written.error().text();
                                      }};
  const auto result = simulate(run->config, run->images, reporter, attached);
  if (!result) return refuse(result.error());
  reporter.finish();
  if (attached.session) return exit_code(*result);

  const std::string hash = result_hash(run->config, run->images, *result);
  const auto directory = write(*result, hash, options.output);
  if (!directory) return refuse({.line = directory.error().text(), .unwritable = true});
  messages.finished({.exit_code = exit_code(*result),
                     .directory = *directory,
                     .result_hash = hash,
                     .detail = result->stop_detail +
                               (result->stop_detail.empty() || result->note.empty() ? "" : "; ") +
                               result->note,
                     .summary = summarize(*result)});
  return exit_code(*result);
}

}  // namespace

std::string worker_input(const Run& run) {
  Json json{{"label", run.label},
            {"identity", run.identity},
            {"config", resolved_json(run.config)},
            {"known_hashes", known_hashes()}};
  if (run.gdb) json["gdb"] = {{"where", run.gdb->where}, {"vcpus", run.gdb->view == DebugView::vcpus}};
  return json.dump();
}

int work(const WorkerOptions& options, const Simulate& simulate) {
  signal(SIGPIPE, SIG_IGN);
  MessageWriter messages(options.message_descriptor);
  try {
    return run(options, simulate, messages);
  } catch (const std::exception& fault) {
    messages.finished({.exit_code = kSimulatorFault,
                       .directory = {},
                       .result_hash = {},
                       .detail = fault.what(),
                       .summary = {}});
    return kSimulatorFault;
  }
}

}  // namespace hvsim::sim
