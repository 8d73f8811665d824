// Boots a fetched guest on the simulator and on QEMU, as a user would.
#pragma once

#include <string>
#include <vector>

namespace hvsim::linux_boot {

// Empty, or why there is no stock guest to boot.
std::string fetch_guest();

struct Machine {
  std::string config = "linux.json";  // in configs/
  unsigned harts = 1;
  std::string mode = "functional";
  std::string arguments{};              // added to the kernel's command line
  std::vector<std::string> settings{};  // --set for the simulator
};

struct Boot {
  int status = -1;
  double seconds = 0;   // of processor time
  std::string console;  // all that firmware and kernel said
  std::string errors;
  std::string broken_sums{};  // simulated: statistics that do not add up; there must be none
};

Boot simulate(const Machine& machine);
Boot qemu(const Machine& machine);

}  // namespace hvsim::linux_boot
