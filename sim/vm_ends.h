// How VMs ended, in the words of our hypervisor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hvsim::sim {

struct VmEnd {
  std::string vm;
  std::string how;  // "killed: load_guest_page_fault at pc 0x80000000, ..."
  bool failed() const;
};

// From what the UART has sent: our hypervisor says it there in both builds, on lines of its own that no guest
// of it can print. In the order in which they ended.
std::vector<VmEnd> vm_ends(std::string_view console);

}  // namespace hvsim::sim
