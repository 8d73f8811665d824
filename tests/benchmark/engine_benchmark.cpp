// Simulated instructions per second of host CPU time: functional and timed, bare, with pages and as a guest
// under two-stage translation, one hart and eight, beside QEMU.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/boot.h"
#include "sim/machine.h"
#include "tests/benchmark/guest_mode.h"

namespace hvsim::sim {
namespace {

using namespace std::string_literals;

constexpr std::pair<const char*, TimingMode> kModes[] = {
    {"functional", TimingMode::functional}, {"fast", TimingMode::fast}, {"detailed", TimingMode::detailed}};
constexpr isa::Cycles kQuantum = 10'000;

std::string elf(const std::string& program) { return HVSIM_WORKLOADS "/bench_" + program + ".elf"; }

std::unique_ptr<Machine> make_machine(const std::string& program, TimingMode mode, unsigned harts,
                                      benchmark::State& state) {
  Config config;
  config.machine.harts = harts;
  config.machine.mode = mode;
  config.machine.memory_bytes = std::uint64_t{128} << 20;
  auto built = Machine::build(config.machine, config.seed, false, [](std::uint8_t) {});
  if (!built) {
    state.SkipWithError(built.error().c_str());
    return nullptr;
  }
  ImagePaths images;
  images.image = elf(program);
  if (const std::string problem = prepare_boot(**built, config, images); !problem.empty()) {
    state.SkipWithError(problem.c_str());
    return nullptr;
  }
  return std::move(built.value());
}

void report_rate(benchmark::State& state, std::uint64_t retired) {
  state.counters["instructions"] =
      benchmark::Counter(static_cast<double>(retired), benchmark::Counter::kIsRate);
}

// Instructions of all harts. A program that ends up where it waits for interrupts has gone astray: none come.
std::uint64_t run_to_end(Machine& machine, benchmark::State& state) {
  while (!machine.finished())
    for (unsigned i = 0; i < machine.harts() && !machine.finished(); ++i)
      if (machine.hart(i).run(kQuantum, true).stop == cpu::Stop::wait_for_interrupt && !machine.finished()) {
        state.SkipWithError("the program trapped and waits for an interrupt");
        return 1;
      }
  std::uint64_t retired = 0;
  for (unsigned i = 0; i < machine.harts(); ++i) retired += machine.hart(i).hart_state().retired;
  return retired;
}

void engine(benchmark::State& state, const std::string& program, TimingMode mode, Place place) {
  std::uint64_t retired = 0, cycles = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto machine = make_machine(program, mode, 1, state);
    if (machine == nullptr) return;
    if (place != Place::bare) leave_machine_mode(*machine, place);
    state.ResumeTiming();
    retired += run_to_end(*machine, state);
    cycles += machine->hart(0).hart_state().cycle;
  }
  report_rate(state, retired);
  state.counters["CPI"] = static_cast<double>(cycles) / static_cast<double>(retired);
}

// The program addresses everything relative to its pc and parks all harts but 0. So each hart gets a copy of
// the image in a bank of its own, and is told that it is hart 0.
void give_each_hart_a_bank(Machine& machine) {
  constexpr std::uint64_t kBankBytes = std::uint64_t{8} << 20;
  std::vector<std::uint8_t> image(kBankBytes);
  machine.memory().copy_out(map::ram, image);
  for (unsigned i = 0; i < machine.harts(); ++i) {
    machine.memory().copy_in(map::ram + i * kBankBytes, image);
    auto& state = machine.hart(i).hart_state();
    state.hart_id = 0;
    state.pc = (map::ram + i * kBankBytes).value;
    machine.hart(i).state_changed();
  }
}

// Eight harts, quantum by quantum over one L2: does an instruction cost the host more than with one?
void engine_harts(benchmark::State& state, TimingMode mode) {
  const auto harts = static_cast<unsigned>(state.range(0));
  std::uint64_t retired = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto machine = make_machine("integer_mix", mode, harts, state);
    if (machine == nullptr) return;
    give_each_hart_a_bank(*machine);
    state.ResumeTiming();
    retired += run_to_end(*machine, state);
  }
  report_rate(state, retired);
}

double child_seconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t instructions_of(const std::string& program, benchmark::State& state) {
  static std::map<std::string, std::uint64_t> known;
  auto& count = known[program];
  if (count == 0)
    if (auto machine = make_machine(program, TimingMode::functional, 1, state))
      count = run_to_end(*machine, state);
  return count;
}

void qemu(benchmark::State& state, const std::string& program) {
  const std::uint64_t instructions = instructions_of(program, state);
  const std::string command =
      "qemu-system-riscv64 -M virt -cpu rv64,h=true -m 128M -display none -serial null -monitor none -bios "
      "none -kernel " +
      elf(program);
  std::uint64_t retired = 0;
  for (auto _ : state) {
    const double before = child_seconds();
    if (std::system(command.c_str()) != 0) {
      state.SkipWithError("qemu-system-riscv64 failed or is missing");
      return;
    }
    state.SetIterationTime(child_seconds() - before);
    retired += instructions;
  }
  report_rate(state, retired);
}

void add_all() {
  for (const std::string program : {"integer_mix", "memory_mix", "traps", "float_mix"}) {
    for (const auto& [name, mode] : kModes)
      benchmark::RegisterBenchmark((program + "/" + name).c_str(), engine, program, mode, Place::bare)
          ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark((program + "/qemu").c_str(), qemu, program)
        ->Unit(benchmark::kMillisecond)
        ->UseManualTime();
  }
  for (const auto& [name, mode] : kModes) {
    for (const std::string program : {"integer_mix", "memory_mix"})
      for (const auto& [where, place] :
           {std::pair{" with pages/", Place::with_pages}, {" as a guest/", Place::guest}})
        benchmark::RegisterBenchmark((program + where + name).c_str(), engine, program, mode, place)
            ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(("harts/"s + name).c_str(), engine_harts, mode)
        ->Arg(1)
        ->Arg(8)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace
}  // namespace hvsim::sim

int main(int argc, char** argv) {
  hvsim::sim::add_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
