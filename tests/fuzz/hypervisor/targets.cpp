// The fuzz targets of the hypervisor.
#include "tests/fuzz/target.h"

#define HVSIM_TARGETS(X) X(device_tree) X(hypercalls)
HVSIM_FUZZ_TABLE(HVSIM_TARGETS)
