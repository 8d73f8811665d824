// What the two files about processes share: the table, and its lock.
#pragma once

#include "workloads/teaching_kernel/process.h"

namespace kernel {

extern Process processes[kProcesses];
extern Spinlock table_lock;

// With the lock held.
void wake_holding_table(const void* event);
void give_up_for_good();

}  // namespace kernel
