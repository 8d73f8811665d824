// The loop: start what fits, listen to everybody, note what ended.
#include "sim/experiment_pool.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

#include "sim/experiment_process.h"
#include "sim/experiment_worker.h"
#include "sim/run_directory.h"

namespace hvsim::sim {
namespace {

constexpr int kSimulatorFault = 3;

volatile std::sig_atomic_t stopped_by = 0;  // written by the signal handler

// While it lives, Ctrl-C and SIGTERM are noted instead of ending the process.
class SignalGuard {
 public:
  SignalGuard() {
    stopped_by = 0;
    struct sigaction action {};
    action.sa_handler = [](int number) { stopped_by = number; };
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
  }
  ~SignalGuard() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  struct sigaction interrupt_ {
  }, terminate_{};
};

std::string outcome_text(const Finished& finished) {
  constexpr const char* meanings[] = {"passed",         "the guest reported a failure",
                                      "refused",        "simulator fault",
                                      "limit reached",  "no progress",
                                      "unexpected trap"};
  std::string text = finished.exit_code <= 6 ? meanings[finished.exit_code] : "died";
  if (!finished.detail.empty()) text += " (" + finished.detail + ")";
  return text;
}

// Where runs of one experiment share what boot.fast_forward comes to, as long as it goes on.
struct WarmUps {
  WarmUps(const Experiment& experiment, const std::string& output) {
    const auto forward = [](const Run& run) { return !run.config.boot.fast_forward.empty(); };
    if (std::ranges::count_if(experiment.runs, forward) > 1) path = partial_path(output, "warm-ups");
  }
  ~WarmUps() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  WarmUps(const WarmUps&) = delete;
  WarmUps& operator=(const WarmUps&) = delete;

  std::string path;  // empty: nothing is shared
};

class Pool {
 public:
  Pool(const Experiment& experiment, const PoolOptions& options, ProgressDisplay& progress)
      : experiment_(experiment),
        options_(options),
        progress_(progress),
        warm_ups_(experiment, options.output) {
    if (options_.worker.empty()) options_.worker = std::filesystem::read_symlink("/proc/self/exe").string();
    if (options_.jobs == 0) options_.jobs = std::max(1u, std::thread::hardware_concurrency());
  }

  ExperimentResult run() {
    const SignalGuard guard;
    for (const Run& run : experiment_.runs) {
      result_.outcomes.push_back({.run = &run, .done = false, .result = {}});
      const isa::Cycles limit = run.config.limits.max_cycles;
      progress_.add(run.label, run.config.machine.clock_mhz, earlier_cycles(options_.output, run),
                    limit == 0 ? std::nullopt : std::optional{limit});
    }
    while (!stopping() && (next_ < experiment_.runs.size() || !active_.empty())) {
      while (active_.size() < options_.jobs && next_ < experiment_.runs.size()) start(next_++);
      listen();
      progress_.refresh();
    }
    for (const auto& job : active_) discard(*job);
    result_.signal = stopped_by;
    return std::move(result_);
  }

 private:
  struct Job {
    std::size_t run;
    std::unique_ptr<WorkerProcess> process;
    std::unique_ptr<MessageParser> parser;
  };

  bool stopping() const { return stopped_by != 0 || !result_.refused.empty(); }

  void start(std::size_t run) {
    auto job = std::make_unique<Job>();
    job->run = run;
    job->process = std::make_unique<WorkerProcess>(options_.worker, options_.output, warm_ups_.path,
                                                   worker_input(experiment_.runs[run]));
    job->parser = std::make_unique<MessageParser>(handler(run));
    active_.push_back(std::move(job));
    progress_.started(run);
  }

  MessageHandler handler(std::size_t run) {
    return {.advanced = [this, run](isa::Cycles cycles,
                                    std::uint64_t retired) { progress_.advanced(run, cycles, retired); },
            .console =
                [this](std::string_view text) {
                  if (options_.echo_console) progress_.console(text);
                },
            .refused = [this](const std::string& line) { result_.refused = line; },
            .finished =
                [this, run](const Finished& finished) {
                  result_.outcomes[run].result = finished;
                  result_.outcomes[run].done = true;
                }};
  }

  // Waits a moment for messages; a signal ends the wait.
  void listen() {
    std::vector<pollfd> descriptors;
    for (const auto& job : active_)
      descriptors.push_back({.fd = job->process->messages(), .events = POLLIN, .revents = 0});
    if (poll(descriptors.data(), descriptors.size(), 150) <= 0) return;
    std::vector<std::size_t> ended;
    for (std::size_t i = 0; i < descriptors.size(); ++i)
      if (descriptors[i].revents != 0 && !take_messages(*active_[i])) ended.push_back(i);
    for (auto i = ended.rbegin(); i != ended.rend(); ++i) {
      finish(*active_[*i]);
      active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(*i));
    }
  }

  // False at the end of the stream.
  bool take_messages(Job& job) {
    char chunk[65536];
    const ssize_t count = read(job.process->messages(), chunk, sizeof chunk);
    if (count > 0) job.parser->feed({chunk, static_cast<std::size_t>(count)});
    return count > 0 || (count < 0 && errno == EINTR);
  }

  void finish(Job& job) {
    Outcome& outcome = result_.outcomes[job.run];
    const int code = job.process->wait();
    if (!result_.refused.empty()) return;
    if (!outcome.done) {
      outcome.result.exit_code = kSimulatorFault;
      outcome.result.detail = code > 128 ? "the worker died of signal " + std::to_string(code - 128)
                                         : "the worker ended with code " + std::to_string(code);
      outcome.done = true;
      remove_partial_runs(options_.output);
    }
    if (outcome.result.summary.cycles != 0)
      progress_.advanced(job.run, outcome.result.summary.cycles, outcome.result.summary.retired);
    progress_.finished(job.run, outcome_text(outcome.result));
    // Siblings do the same guest work, so that this run foretells theirs.
    if (outcome.result.exit_code == 0)
      for (std::size_t run = 0; run < result_.outcomes.size(); ++run)
        progress_.expect(run, outcome.result.summary.cycles);
  }

  void discard(Job& job) {
    job.process->kill();
    remove_partial_runs(options_.output);
  }

  const Experiment& experiment_;
  PoolOptions options_;
  ProgressDisplay& progress_;
  WarmUps warm_ups_;
  std::vector<std::unique_ptr<Job>> active_;
  std::size_t next_ = 0;
  ExperimentResult result_;
};

}  // namespace

ExperimentResult run_experiment(const Experiment& experiment, const PoolOptions& options,
                                ProgressDisplay& progress) {
  return Pool(experiment, options, progress).run();
}

int exit_code(const ExperimentResult& result) {
  if (result.signal != 0) return 128 + result.signal;
  if (!result.refused.empty()) return 2;
  for (const Outcome& outcome : result.outcomes)
    if (outcome.result.exit_code != 0) return outcome.result.exit_code;
  return 0;
}

}  // namespace hvsim::sim
