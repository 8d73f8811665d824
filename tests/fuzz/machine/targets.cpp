// The fuzz targets of the machine and of what loads it.
#include "tests/fuzz/target.h"

#define HVSIM_TARGETS(X) X(decoder) X(elf) X(kernel_header) X(virtio) X(uart) X(plic)
HVSIM_FUZZ_TABLE(HVSIM_TARGETS)
