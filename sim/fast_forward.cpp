// A child runs, and hands its checkpoint over in a file.
#include "sim/fast_forward.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "sim/checkpoint_rules.h"
#include "sim/config_load.h"
#include "sim/hash.h"
#include "sim/image/read_file.h"
#include "sim/result_hash.h"

namespace hvsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr int kThere = 0, kRefused = 1, kUnwritable = 2, kSpeechless = 3;

isa::Failure<Refusal> failed(const std::string& why, int error = 0) {
  return isa::Failure{Refusal{.line = "boot.fast_forward: " + why, .unwritable = without_place(error)}};
}

isa::Failure<Refusal> failed_by(int error) { return failed(std::strerror(error), error); }

isa::Result<Checkpoint, Refusal> read_back(const std::string& file) {
  auto checkpoint = read_checkpoint(file);
  if (!checkpoint) return isa::Failure{Refusal{.line = checkpoint.error()}};
  return std::move(checkpoint.value());
}

// What the child has to say is its error, if it ends with kRefused or kUnwritable.
int go_there(const Config& twin, const RunOnce& run, int messages) {
  const std::string& moment = twin.checkpoint.at;
  const auto result = run(twin);
  Refusal problem;
  if (!result) {
    constexpr std::string_view twins = "checkpoint.at";  // the key that the twin has instead
    problem = result.error();
    if (problem.line.starts_with(twins)) problem.line.replace(0, twins.size(), "boot.fast_forward");
  }
  if (result && result->stop != StopReason::checkpoint)
    problem.line = "boot.fast_forward: \"" + moment + "\" did not come before the run was over" +
                   (result->stop_detail.empty() ? "" : " (" + result->stop_detail + ")");
  if (problem.empty()) return kThere;
  if (::write(messages, problem.line.data(), problem.line.size()) < 0) return kSpeechless;
  return problem.unwritable ? kUnwritable : kRefused;
}

Refusal told_by(int child) {
  const auto bytes = read_all(child);
  if (!bytes) return failed(bytes.error()).error;
  return {.line = {reinterpret_cast<const char*>(bytes->data()), bytes->size()}};
}

// Empty: its checkpoint is there.
Refusal run_apart(const Config& twin, const RunOnce& run) {
  int messages[2];
  if (::pipe(messages) != 0) return failed_by(errno).error;
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(messages[0]);
    _exit(go_there(twin, run, messages[1]));
  }
  ::close(messages[1]);
  Refusal problem = child < 0 ? failed_by(errno).error : told_by(messages[0]);
  ::close(messages[0]);
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  problem.unwritable |= WIFEXITED(status) && WEXITSTATUS(status) == kUnwritable;
  if (problem.empty() && (!WIFEXITED(status) || WEXITSTATUS(status) != kThere))
    return failed("the functional part of the run died").error;
  return problem;
}

isa::Result<Config, Refusal> twin_of(const Config& config) {
  Document document;
  merge(document, functional_twin(resolved_json(config)), "boot.fast_forward");
  auto twin = read_config(document);
  if (!twin) return isa::Failure{Refusal{.line = twin.error().text()}};
  twin.value().checkpoint = {.at = config.boot.fast_forward, .file = {}, .then = AfterCheckpoint::stop};
  return std::move(twin.value());
}

// Held until the process that has it ends, however it does.
class Held {
 public:
  Held(const std::string& file, Progress& progress)
      : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0 || flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    if (errno == EWOULDBLOCK) progress.stage(Stage::waiting);
    while (flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Held() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  int descriptor_;
};

// Where there are no locks, some may do the same work; whole files replace whole files.
isa::Result<Checkpoint, Refusal> shared_checkpoint(Config twin, const ImagePaths& images,
                                                   const std::string& shared, const RunOnce& run,
                                                   Progress& progress) {
  const std::string identity = facts_of_run(twin, images).identity;
  const std::string file = shared + "/" + hash_text(identity + twin.checkpoint.at) + ".checkpoint";
  std::error_code error;
  fs::create_directories(shared, error);
  if (error) return failed(shared + ": " + error.message(), error.value());
  twin.checkpoint.file = file;
  const Held held(file + ".lock", progress);
  if (auto there = read_checkpoint(file); there && there->facts.identity == identity &&
                                          there->facts.simulator == simulator_version() &&
                                          there->facts.build == simulator_build())
    return std::move(there.value());
  progress.stage(Stage::warming_up);
  if (auto problem = run_apart(twin, run); !problem.empty()) return isa::Failure{problem};
  return read_back(file);
}

}  // namespace

isa::Result<Checkpoint, Refusal> fast_forward(const Config& config, const ImagePaths& images,
                                              const std::string& shared, const RunOnce& run,
                                              Progress& progress) {
  auto twin = twin_of(config);
  if (!twin) return isa::Failure{twin.error()};
  if (!shared.empty()) return shared_checkpoint(std::move(twin.value()), images, shared, run, progress);
  progress.stage(Stage::warming_up);
  std::string directory = (fs::temp_directory_path() / "hvsim-fast-forward-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return failed_by(errno);
  const std::string& file = twin.value().checkpoint.file = directory + "/checkpoint";
  const Refusal problem = run_apart(*twin, run);
  isa::Result<Checkpoint, Refusal> checkpoint = problem.empty() ? read_back(file) : isa::Failure{problem};
  ::unlink(file.c_str());
  ::rmdir(directory.c_str());
  return checkpoint;
}

}  // namespace hvsim::sim
