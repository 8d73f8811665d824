// One run: a config in, a machine built, time advanced, results out. Once per process: SystemC elaborates
// once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/debugger.h"
#include "sim/refusal.h"
#include "sim/statistics.h"

namespace hvsim::sim {

// What a run does for boot.fast_forward, apart from running: another makes what both share, or it does.
enum class Stage : std::uint8_t { waiting, warming_up, running };

// Told now and then while a run goes on; changes nothing in it.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void advanced(isa::Cycles now,
                        std::uint64_t retired) = 0;  // once per few quanta; retired by all harts
  virtual void console(std::string_view text) = 0;   // as the UART sends it
  virtual void stage(Stage) {}                       // begins now; not told of runs that only run
};

// An error is one line about the config or an image ("file: path: value: expectation"), found before time
// starts, when nothing has run, or about what the run has to write.
// `attached`: a debugger or a session, which the machine waits for.
isa::Result<RunResult, Refusal> simulate(const Config& config, const ImagePaths& images, Progress& progress,
                                         const Attached& attached = {});

}  // namespace hvsim::sim
