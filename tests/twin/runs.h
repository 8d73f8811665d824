// One experiment, three ways to run it: QEMU, the modelled machine, the hypervisor on the host.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hvsim::twin {

using Json = nlohmann::json;

struct Outcome {
  int exit_code = -1;
  std::map<std::string, std::string> console;  // by VM: the lines it printed
  std::map<std::string, std::uint64_t> exits;  // simulated runs only: cause -> count, over all VMs
  std::map<std::string, Json> vms{};           // simulated runs only: by VM, what stats.json says of it
  std::map<std::string, std::uint64_t> peak_saved_pages{};  // the same: by VM, on the zero frame at once
  std::uint64_t cycles = 0;
  std::uint64_t retired = 0;  // by all harts
  std::map<std::string, std::uint64_t>
      vm_cycles;                        // by VM: its guest's and the hypervisor's for it, idle left out
  std::uint64_t hypervisor_cycles = 0;  // outside guests and idling, firmware and boot left out
  std::string result_hash;
  std::string broken_sums{};  // statistics that do not add up, dumps among them; there must be none
  Json stats{};               // stats.json
  Json timeline{};            // trace.json
  std::vector<Json> dumps{};  // the statistics that were dumped
  std::string log;
};

// `run`: "target" or "host". Each call works in a fresh directory.
Outcome simulate(const Json& config, const std::string& run);
Outcome qemu(const Json& config);
// The builds that a long test runs on. Under sanitizers the host alone: a run on target goes through the same
// code of the simulator, ten times as often, and the hypervisor that it runs is not instrumented.
#ifdef __SANITIZE_ADDRESS__
inline const std::vector<std::string> kBuilds{"host"};
#else
inline const std::vector<std::string> kBuilds{"host", "target"};
#endif
// What `hvsim run FILE` prints.
std::string run_config(const std::string& file);

// The lines of a VM's console that do not depend on time: those that begin with "checksum".
std::string checksums(const Outcome& outcome, const std::string& vm);

}  // namespace hvsim::twin
