// Checkpoints that somebody has damaged or forged, hash and all.
#include "sim/checkpoint.h"

#include <gtest/gtest.h>

#include "sim/config_load.h"
#include "sim/limits.h"
#include "sim/machine.h"
#include "sim/recorder.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {
namespace {

struct Nobody final : sim::Progress {
  void advanced(isa::Cycles, std::uint64_t) override {}
  void console(std::string_view) override {}
};

// A small machine and what runs it.
struct Run {
  explicit Run(const sim::Config& config_of_run)
      : config(config_of_run),
        machine(std::move(sim::Machine::build(config.machine, 1, false, [](std::uint8_t) {}).value())) {}

  sim::Config config;
  std::unique_ptr<sim::Machine> machine;
  sim::Recorder recorder{*machine, config};
  Nobody nobody;
  sim::Limits limits{*machine, config.limits, nobody, false};
  std::string console;
  bool debugged = false;
  sim::Running running{.config = config,
                       .machine = *machine,
                       .recorder = recorder,
                       .limits = limits,
                       .console = console,
                       .debugged = debugged,
                       .hypervisor = nullptr};
};

sim::Config config_of(sim::TimingMode mode) {
  sim::Config config;
  config.machine.harts = 2;
  config.machine.memory_bytes = 1 << 20;
  config.machine.mode = mode;
  config.machine.caches.l2.size_bytes = 32 * 1024;
  config.machine.caches.l1d = {.size_bytes = 4096, .ways = 2, .replacement = mem::Replacement::lru};
  config.machine.caches.l1i = {.size_bytes = 4096, .ways = 2};
  return config;
}

// auipc x2, 0; addi x1, x1, 1; sd x1, 1024(x2); ld x3, 1024(x2); jal x0, -12: for ever.
constexpr std::uint32_t kProgram[] = {0x0000'0117, 0x0010'8093, 0x4011'3023, 0x4001'3183, 0xFF5F'F06F};

const sim::Checkpoint& sample(sim::TimingMode mode) {
  static std::map<sim::TimingMode, sim::Checkpoint> all;
  const auto found = all.find(mode);
  if (found != all.end()) return found->second;
  Run run(config_of(mode));
  run.machine->memory().write(isa::Hpa{0x8000'0000}, kProgram);
  for (unsigned hart = 0; hart < run.machine->harts(); ++hart) {
    run.machine->hart(hart).hart_state().pc = 0x8000'0000;
    run.machine->hart(hart).state_changed();
    run.machine->hart(hart).run(500, false);
  }
  return all[mode] = sim::take_checkpoint(run.running, "fuzz").value();
}

}  // namespace

// Changes bytes of parts, restores what comes of it, and runs that.
void checkpoint(std::span<const std::uint8_t> bytes) {
  Input input(bytes);
  const auto mode = static_cast<sim::TimingMode>(input.take<std::uint8_t>() % 3);
  sim::Checkpoint forged = sample(mode);
  while (!input.empty()) {
    const auto part = std::next(
        forged.parts.begin(), static_cast<std::ptrdiff_t>(input.take<std::uint8_t>() % forged.parts.size()));
    state::Bytes& content = part->second;
    const auto at = input.take<std::uint32_t>();
    const auto value = input.take<std::uint8_t>();
    if (at % 16 == 15)
      content.resize(content.size() * value / 256);
    else if (!content.empty())
      content[at % content.size()] = value;
  }
  Run run(config_of(mode));
  const std::string problem = sim::restore_checkpoint(forged, run.running, sim::RestoredModels::exact);
  if (!problem.empty()) {
    EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
    return;
  }
  for (unsigned hart = 0; hart < run.machine->harts(); ++hart) run.machine->hart(hart).run(500, false);
  sim::RunResult result;
  run.recorder.collect(result);
}

std::vector<Bytes> checkpoint_seeds() {
  std::vector<Bytes> seeds;
  for (std::uint8_t mode = 0; mode < 3; ++mode) {
    Script script;
    script.add(mode);
    for (std::uint8_t part = 0; part < 16; ++part)
      script.add(part).add(std::uint32_t{part} * 37).add(static_cast<std::uint8_t>(0));
    seeds.push_back(script.bytes());
    seeds.push_back(Script().add(mode).bytes());
  }
  return seeds;
}

void checkpoint_file(std::span<const std::uint8_t> bytes) {
  const auto read = sim::decode_checkpoint(bytes);
  if (read) return;
  EXPECT_EQ(read.error().find('\n'), std::string::npos) << read.error();
}

std::vector<Bytes> checkpoint_file_seeds() {
  sim::Checkpoint small;
  small.facts.config = sim::Json::object();
  small.parts["part"] = {1, 2, 3};
  return {sim::encode_checkpoint(small)};
}

}  // namespace hvsim::fuzz
