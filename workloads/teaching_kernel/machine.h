// What machine mode decides before the kernel proper runs.
#pragma once

namespace kernel {

// Whether supervisor mode has a timer of its own (stimecmp), or gets machine mode's ticks (SSIP).
extern bool has_sstc;

}  // namespace kernel
