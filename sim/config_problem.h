// A user's mistake in a config, as one line: file: path: value: what was expected.
#pragma once

#include <string>

namespace hvsim::sim {

struct Problem {
  std::string file;      // or "--set", or whatever the value came from
  std::string path;      // "machine.harts"; empty when the file as a whole is meant
  std::string value;     // as written; empty when there is none
  std::string expected;  // the end of the sentence

  std::string text() const {
    std::string line = file;
    for (const std::string& part : {path, value, expected})
      if (!part.empty()) line += (line.empty() ? "" : ": ") + part;
    return line;
  }
};

}  // namespace hvsim::sim
