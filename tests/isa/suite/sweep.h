// What the sweep leaves in memory: for each state, mode and access the causes of its traps, the last one in
// the lowest byte, each plus one; zero: none. Read by the sweep's assembler and by C++ alike.
#pragma once

#define SWEEP_RAM 0x80000000
#define SWEEP_RECORDS 0x80100000
#define SWEEP_STATES 12
#define SWEEP_MODES 4    // U, HS, VU, VS
#define SWEEP_CSRS 4096  // each is read, and written with what was read
#define SWEEP_INSTRUCTIONS 16
#define SWEEP_ACCESSES (SWEEP_CSRS + SWEEP_INSTRUCTIONS)
