// Running a command and reading what it prints.
#pragma once

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

inline bool exists(const std::string& program) {
  return each_line("command -v " + program + " >/dev/null 2>&1", [](const std::string&) {}) == 0;
}

}  // namespace hvsim::tests
