// Page frames: all of memory behind the kernel's image.
#pragma once

#include <cstdint>

namespace kernel {

// A page of zeros; null when there is none left.
void* allocate_frame();
void free_frame(void* frame);

}  // namespace kernel
