// Programs as a user starts them: a simulator or QEMU that waits for GDB, and GDB itself with a script.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/files.h"

namespace hvsim::gdb {

using Json = nlohmann::json;
namespace fs = std::filesystem;

// A child, killed when its time is over or nobody wants it any more; its output is a file.
class Process {
 public:
  Process(const std::vector<std::string>& command, fs::path output);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  int wait();                          // its exit code; -1: it was killed, or had to be
  bool says(const std::string& text);  // false: it ended, or its time did, without
  void interrupt();                    // Ctrl-C
  std::string output() const;

 private:
  bool ended();
  fs::path output_;
  pid_t pid_ = -1;
  int status_ = -1;
};

// Machines under the same hypervisor image with the VMs of `config`, stopped before the first instruction.
class Debuggee {
 public:
  enum class Kind { simulator, qemu };
  Debuggee(Kind kind, const Json& config);

  std::string target() const { return (scratch_.path() / "socket").string(); }
  int wait() { return process_->wait(); }
  std::string output() const { return process_->output(); }

 private:
  std::vector<std::string> simulator_command() const;
  std::vector<std::string> qemu_command() const;
  void write_bundle() const;

  tests::Scratch scratch_;
  std::unique_ptr<Process> process_;
};

// GDB on the hypervisor's image, attached, with one command after the other.
class Gdb {
 public:
  Gdb(const Debuggee& debuggee, const std::vector<std::string>& commands);
  // Its output, when it has ended.
  std::string finish();
  Process& process() { return process_; }

 private:
  tests::Scratch scratch_;
  Process process_;
};

std::string image(const std::string& name);  // an ELF of ours
// What lines "NAME = 0xVALUE" say.
std::map<std::string, std::uint64_t> values(const std::string& output);

}  // namespace hvsim::gdb
