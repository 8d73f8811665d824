// The fuzz targets of the GDB stub.
#include "tests/fuzz/target.h"

#define HVSIM_TARGETS(X) X(gdb)
HVSIM_FUZZ_TABLE(HVSIM_TARGETS)
