// Running commands as a user types them, and reading what they print.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <functional>
#include <string>

namespace hvsim::tests {

// Each line of standard output without its end; the exit status.
inline int each_line(const std::string& command, const std::function<void(const std::string&)>& use) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  std::string line;
  for (int c; (c = std::getc(pipe)) != EOF;) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    use(line);
    line.clear();
  }
  if (!line.empty()) use(line);
  return pclose(pipe);
}

struct Ended {
  int code = -1;       // -1: it was killed, or never started
  std::string output;  // both streams
};

inline Ended shell(const std::string& command) {
  FILE* pipe = popen(("exec 2>&1; " + command).c_str(), "r");
  if (pipe == nullptr) return {};
  Ended ended;
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) ended.output.append(buffer, n);
  const int status = pclose(pipe);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

inline std::string quoted(const std::string& word) { return "'" + word + "'"; }

inline bool exists(const std::string& program) {
  return shell("command -v " + program + " >/dev/null").code == 0;
}

}  // namespace hvsim::tests
