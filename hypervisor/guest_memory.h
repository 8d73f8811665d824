// Copies between the hypervisor and guest-physical memory; a guest may have named any address and length.
#pragma once

#include <cstddef>

#include "arch.h"
#include "hypervisor/stage_two_table.h"

namespace hv {

// False: part of the range is not mapped. What was mapped before that part has been copied.
bool copy_from_guest(Arch& arch, const StageTwoTable& table, void* to, Gpa from, std::size_t bytes);
bool copy_to_guest(Arch& arch, const StageTwoTable& table, Gpa to, const void* from, std::size_t bytes);

}  // namespace hv
