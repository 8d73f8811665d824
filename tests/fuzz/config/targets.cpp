// The fuzz targets of configs.
#include "tests/fuzz/target.h"

#define HVSIM_TARGETS(X) X(config)
HVSIM_FUZZ_TABLE(HVSIM_TARGETS)
