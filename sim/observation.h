// What a run tells while it goes on: explained traps and traced instructions, filtered, into their files.
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "models/cpu/observer.h"
#include "sim/config.h"
#include "sim/observe_filter.h"
#include "sim/refusal.h"
#include "sim/symbols.h"
#include "sim/trace.h"

namespace hvsim::sim {

class Observation final : public cpu::Observer {
 public:
  // Null if the config asks for nothing. An error is one line.
  static isa::Result<std::unique_ptr<Observation>, Refusal> make(const Config& config,
                                                                 const ImagePaths& images);
  // At the end of the run: what could not be written, if anything.
  Refusal finish();

  void trapped(const cpu::HartState& hart, const cpu::TrapSeen& seen) override;
  bool steps() const override { return trace_.has_value(); }
  bool begins(const cpu::HartState& hart, const cpu::StepSeen& seen) override;
  void retired(const cpu::HartState& hart) override;
  void abandoned(const cpu::HartState& hart) override;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const {
      if (file != stderr) std::fclose(file);
    }
  };
  struct Output {
    Selection selection;
    std::unique_ptr<std::FILE, CloseFile> file;
    int error = 0;  // the first of writing to the file

    void write(const std::string& text);
    void flush();
  };
  // A hart's step in progress, and where the last listed one was.
  struct Progress {
    std::optional<TracedStep> step;
    std::string function;
  };

  explicit Observation(const Config& config) : config_(config) {}
  Refusal open(std::optional<Output>& output, const std::string& key, const std::string& filter,
               FilterUse use, const std::string& path);
  void heading(const cpu::HartState& hart, const cpu::StepSeen& seen);
  void trace_trap(const cpu::HartState& hart, const cpu::TrapSeen& seen);
  bool json() const { return config_.observe.format == ObserveFormat::json; }

  Config config_;
  Symbols symbols_;
  std::optional<Output> explain_, trace_;
  std::array<Progress, kMaxHarts> harts_{};
  int traced_hart_ = -1;
  std::uint64_t explained_ = 0;
};

}  // namespace hvsim::sim
