// The virtio disk, in blocks of a page.
#pragma once

#include <cstdint>

namespace kernel {

enum class Transfer : std::uint8_t { read, write };

void disk_start();
void disk_interrupt();

// Moves one block between the disk and a frame; the process sleeps meanwhile. False: the disk refused.
bool disk_transfer(Transfer transfer, std::uint64_t block, void* frame);

}  // namespace kernel
