// What is in memory when the machine starts: firmware, hypervisor or image, bundle, device tree, reset ROM.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/machine.h"

namespace hvsim::sim {

// The bundle of a hypervisor run: its settings, VMs and their images. Errors name the VM or file.
isa::Result<std::vector<std::byte>, std::string> bundle_of(const Config& config, const ImagePaths& images);

// Fills memory and points all harts at the reset ROM, once more after a reset. Empty: success; otherwise one
// line about an image.
std::string prepare_boot(Machine& machine, const Config& config, const ImagePaths& images);

// Puts all harts where firmware would have handed them to a hypervisor that runs on the host.
void enter_supervisor(Machine& machine);

}  // namespace hvsim::sim
