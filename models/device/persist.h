// What disks counted, in checkpoints.
#pragma once

#include "models/device/virtio_block.h"
#include "models/state/archive.h"

namespace hvsim::device {

void persist(state::Archive& archive, VirtioBlockStats& stats);

}  // namespace hvsim::device
