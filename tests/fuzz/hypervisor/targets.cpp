// The fuzz targets of the hypervisor.
#include "tests/fuzz/target.h"

#define HVSIM_TARGETS(X) X(device_tree) X(hypercalls) X(guest_devices) X(linux_guest) X(introspection)
HVSIM_FUZZ_TABLE(HVSIM_TARGETS)
