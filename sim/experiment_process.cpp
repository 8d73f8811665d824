// fork and exec, because SystemC elaborates once per process.
#include "sim/experiment_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace hvsim::sim {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// A file in memory that holds the text, to be inherited.
int memory_file(const std::string& text) {
  const int file = checked(memfd_create("hvsim-run", MFD_CLOEXEC), "memfd_create");
  for (std::size_t written = 0; written < text.size();)
    written += static_cast<std::size_t>(
        checked(static_cast<int>(write(file, text.data() + written, text.size() - written)), "write"));
  lseek(file, 0, SEEK_SET);
  return file;
}

void inherit(int descriptor) { fcntl(descriptor, F_SETFD, 0); }

// In the child: the parent alone decides about Ctrl-C, and nobody outlives it.
void settle(pid_t parent) {
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
}

}  // namespace

WorkerProcess::WorkerProcess(const std::string& executable, const std::string& output,
                             const std::string& warm_ups, const std::string& input) {
  int pipe_ends[2];
  const int config = memory_file(input);
  checked(pipe2(pipe_ends, O_CLOEXEC), "pipe");
  const std::string config_text = std::to_string(config), pipe_text = std::to_string(pipe_ends[1]);
  const std::array<const char*, 11> arguments{executable.c_str(),
                                              "run-one",
                                              "--config-fd",
                                              config_text.c_str(),
                                              "--message-fd",
                                              pipe_text.c_str(),
                                              "--out",
                                              output.c_str(),
                                              warm_ups.empty() ? nullptr : "--warm-ups",
                                              warm_ups.c_str(),
                                              nullptr};
  const pid_t parent = getpid();
  id_ = checked(fork(), "fork");
  if (id_ == 0) {
    settle(parent);
    inherit(config);
    inherit(pipe_ends[1]);
    execv(executable.c_str(), const_cast<char* const*>(arguments.data()));
    _exit(127);
  }
  close(config);
  close(pipe_ends[1]);
  messages_ = pipe_ends[0];
}

WorkerProcess::~WorkerProcess() {
  kill();
  close(messages_);
}

int WorkerProcess::wait() {
  int status = 0;
  if (id_ < 0) return 127;
  while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void WorkerProcess::kill() {
  if (id_ < 0) return;
  ::kill(id_, SIGKILL);
  wait();
}

}  // namespace hvsim::sim
