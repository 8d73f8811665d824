// Programs as a user starts them: a simulator or QEMU that waits for GDB, and GDB itself with a script.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/process.h"

namespace hvsim::gdb {

using Json = nlohmann::json;
namespace fs = std::filesystem;

using tests::Process;

// Machines under the same hypervisor image with the VMs of `config`, stopped before the first instruction.
class Debuggee {
 public:
  enum class Kind { simulator, qemu };
  Debuggee(Kind kind, const Json& config, std::vector<std::string> options = {});

  std::string target() const { return (scratch_.path() / "socket").string(); }
  int wait() { return process_->wait(); }
  std::string output() const { return process_->output(); }

 private:
  std::vector<std::string> simulator_command() const;
  std::vector<std::string> qemu_command() const;
  void write_bundle() const;

  tests::Scratch scratch_;
  std::vector<std::string> options_;  // of the simulator
  std::unique_ptr<Process> process_;
};

std::string image(const std::string& name);  // an ELF of ours

// GDB on an image, attached, with one command after the other.
class Gdb {
 public:
  Gdb(const Debuggee& debuggee, const std::vector<std::string>& commands,
      const std::string& program = image("hypervisor"));
  // Its output, when it has ended.
  std::string finish();
  Process& process() { return process_; }

 private:
  tests::Scratch scratch_;
  Process process_;
};

// A command that prints "NAME = 0xVALUE", and what such lines say.
std::string show(const std::string& name, const std::string& expression);
std::map<std::string, std::uint64_t> values(const std::string& output);
// Steps until the instruction at pc is this one, some hundred instructions away at most.
std::vector<std::string> step_to(const std::string& instruction);
std::vector<std::string> operator+(std::vector<std::string> all, const std::vector<std::string>& more);

}  // namespace hvsim::gdb
