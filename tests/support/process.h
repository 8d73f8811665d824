// A child that runs beside its test.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/files.h"

namespace hvsim::tests {

inline constexpr std::chrono::seconds kPatience{60};

// False: it did not in time.
template <class Condition>
bool comes_true(Condition condition, std::chrono::seconds patience = kPatience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Killed when its time is over or nobody wants it any more; both its streams go to a file.
class Process {
 public:
  Process(const std::vector<std::string>& command, std::filesystem::path output)
      : output_(std::move(output)) {
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int out = open(output_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    pid_ = fork();
    if (pid_ == 0) {
      setpgid(0, 0);
      dup2(in, 0);
      dup2(out, 1);
      dup2(out, 2);
      execvp(words[0], words.data());
      _exit(127);
    }
    close(in);
    close(out);
  }
  ~Process() { end(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Its exit code; -1: it was killed, or had to be.
  int wait(std::chrono::seconds patience = kPatience) {
    if (comes_true([this] { return ended(); }, patience)) return status_;
    end();
    return -1;
  }
  // False: it ended, or its time did, without.
  bool says(const std::string& text) {
    bool found = false;
    comes_true([&] {
      const bool over = ended();
      found = output().find(text) != std::string::npos;
      return found || over;
    });
    return found;
  }
  bool ended() {
    if (pid_ <= 0) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return true;
  }
  void interrupt() {  // Ctrl-C
    if (pid_ > 0) kill(pid_, SIGINT);
  }
  std::string output() const { return slurp(output_); }

 private:
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, -1), nullptr, 0);
  }

  std::filesystem::path output_;
  pid_t pid_ = -1;
  int status_ = -1;
};

}  // namespace hvsim::tests
