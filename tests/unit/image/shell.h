// Runs outside witnesses (dtc, QEMU, objdump) and keeps what they print.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>

namespace hvsim::sim {

struct Shell {
  int status = -1;
  std::string output;  // both streams
};

inline Shell shell(const std::string& command) {
  Shell result;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> chunk{};
  while (const std::size_t bytes = std::fread(chunk.data(), 1, chunk.size(), pipe))
    result.output.append(chunk.data(), bytes);
  result.status = pclose(pipe);
  return result;
}

inline bool installed(const std::string& program) { return shell("command -v " + program).status == 0; }

inline void write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace hvsim::sim
