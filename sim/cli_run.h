// What `hvsim run` does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hvsim::sim {

struct RunOptions {
  std::string config;                 // file; may be empty when `elf` is not
  std::string elf;                    // boots bare, in place of what the config says
  std::vector<std::string> settings;  // --set a.b=c, in order
  std::vector<std::string> only;      // patterns of the labels of runs; empty: all
  std::optional<std::uint64_t> max_cycles, max_instructions, seed;
  std::string output = "runs";
  unsigned jobs = 0;
  std::optional<std::string> gdb;  // where a debugger may attach; empty: at the default port
  std::string gdb_view = "harts";
  std::optional<std::string> explain, explain_output, trace, trace_output;  // observe.*
  std::optional<std::string> observe_format, signature;
  std::optional<std::uint64_t> signature_granularity;
  std::optional<std::string> checkpoint, checkpoint_at;  // checkpoint.*
  bool checkpoint_stop = false;
  std::optional<std::string> restore, fast_forward;  // boot.*; without a config, the checkpoint's own
  bool cold = false;
  std::optional<std::uint64_t> warm;  // instructions
  bool timeline = false;              // observe.timeline
  bool json = false;
  bool quiet = false;
};

int run(const RunOptions& options);

}  // namespace hvsim::sim
