// What the benchmark programs share: machine mode, no interrupts, a result that keeps the work alive.
#pragma once

#include <cstdint>

#include "workloads/bare/board.h"
#include "workloads/runtime/format.h"

namespace bench {

// Prints "NAME checksum done" and powers the machine off.
[[noreturn]] inline void done(std::string_view name, std::uint64_t checksum) {
  guest::FormatBuffer buffer;
  bare::put(name);
  bare::put(" ");
  bare::put(format(guest::Hex{checksum}, buffer));
  bare::put(" done\n");
  bare::finish(0);
}

}  // namespace bench

// Called by start.S on hart 0.
extern "C" [[noreturn]] void bench_main();
