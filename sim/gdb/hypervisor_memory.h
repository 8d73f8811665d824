// Where our hypervisor's own data is: of this process if it runs on the host, else in the machine's RAM.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hypervisor/inspection.h"
#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/machine.h"

namespace hvsim::gdb {

struct HypervisorMemory {
  // Where it is on the host; null: there is nothing.
  std::function<std::uint8_t*(std::uint64_t address, std::uint64_t bytes)> at;
  std::function<hv::Inspection()> inspection;
};

// `host_inspection`: of a hypervisor that runs on the host, else empty. An error is one line.
isa::Result<HypervisorMemory, std::string> find_hypervisor_memory(
    sim::Machine& machine, const sim::Config& config, const sim::ImagePaths& images,
    std::function<hv::Inspection()> host_inspection);

}  // namespace hvsim::gdb
