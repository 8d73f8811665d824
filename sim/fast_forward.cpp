// A child runs, and hands its checkpoint over in a file.
#include "sim/fast_forward.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace hvsim::sim {
namespace {

constexpr int kThere = 0, kRefused = 1;

// What the child has to say is its error, if it ends with kRefused.
int go_there(const Config& config,
             const std::function<isa::Result<RunResult, std::string>(const Config&)>& run,
             const std::string& file, int messages) {
  Config functional = config;
  functional.machine.mode = TimingMode::functional;
  functional.boot.fast_forward.clear();
  functional.checkpoint = {.at = config.boot.fast_forward, .file = file, .then = AfterCheckpoint::stop};
  const auto result = run(functional);
  std::string problem;
  if (!result) {
    constexpr std::string_view twins = "checkpoint.at";  // the key that the twin has instead
    problem = result.error();
    if (problem.starts_with(twins)) problem.replace(0, twins.size(), "boot.fast_forward");
  }
  if (result && result->stop != StopReason::checkpoint)
    problem = "boot.fast_forward: \"" + config.boot.fast_forward + "\" did not come before the run was over" +
              (result->stop_detail.empty() ? "" : " (" + result->stop_detail + ")");
  if (problem.empty()) return kThere;
  return ::write(messages, problem.data(), problem.size()) < 0 ? kRefused + 1 : kRefused;
}

std::string read_all(int descriptor) {
  std::string text;
  char chunk[4096];
  for (ssize_t count; (count = ::read(descriptor, chunk, sizeof chunk)) > 0 || (count < 0 && errno == EINTR);)
    if (count > 0) text.append(chunk, static_cast<std::size_t>(count));
  return text;
}

}  // namespace

isa::Result<Checkpoint, std::string> fast_forward(
    const Config& config, const std::function<isa::Result<RunResult, std::string>(const Config&)>& run) {
  std::string directory = (std::filesystem::temp_directory_path() / "hvsim-fast-forward-XXXXXX").string();
  int messages[2];
  if (mkdtemp(directory.data()) == nullptr || ::pipe(messages) != 0)
    return isa::Failure{"boot.fast_forward: " + std::string(std::strerror(errno))};
  const std::string file = directory + "/checkpoint";
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(messages[0]);
    _exit(go_there(config, run, file, messages[1]));
  }
  ::close(messages[1]);
  std::string problem = child < 0 ? std::string(std::strerror(errno)) : read_all(messages[0]);
  ::close(messages[0]);
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (problem.empty() && (!WIFEXITED(status) || WEXITSTATUS(status) != kThere))
    problem = "boot.fast_forward: the functional part of the run died";
  auto checkpoint = problem.empty() ? read_checkpoint(file) : isa::Failure{problem};
  ::unlink(file.c_str());
  ::rmdir(directory.c_str());
  return checkpoint;
}

}  // namespace hvsim::sim
