// The fuzz targets of configs and checkpoints.
#include "tests/fuzz/target.h"

#define HVSIM_TARGETS(X) X(config) X(checkpoint) X(checkpoint_file)
HVSIM_FUZZ_TABLE(HVSIM_TARGETS)
