// Where the guests of our hypervisor stand, for the report of a run in which nothing happens any more.
#pragma once

#include <functional>
#include <string>

#include "hypervisor/inspection.h"
#include "sim/config.h"
#include "sim/machine.h"
#include "sim/symbols.h"

namespace hvsim::gdb {

// "; VM a, VCPU 0: waits for an interrupt, at pc 0x80000010 <main+0x4> in VS-mode", one after another. Empty:
// no hypervisor of ours has built its VMs. `host_inspection` as find_hypervisor_memory() has it.
std::string where_vcpus_stand(sim::Machine& machine, const sim::Config& config, const sim::ImagePaths& images,
                              const sim::Symbols& symbols, std::function<hv::Inspection()> host_inspection);

}  // namespace hvsim::gdb
