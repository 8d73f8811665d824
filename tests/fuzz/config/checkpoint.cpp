// Checkpoints that somebody has damaged or forged, hash and all.
#include "sim/checkpoint.h"

#include <gtest/gtest.h>

#include "hypervisor/arch/host/host_hypervisor.h"
#include "sim/boot.h"
#include "sim/config_load.h"
#include "sim/host_hart.h"
#include "sim/image/bundle.h"
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

// A small machine and what runs it, with two VMs if the hypervisor is on the host.
struct Run {
  explicit Run(const sim::Config& config_of_run)
      : config(config_of_run),
        machine(std::move(sim::Machine::build(config.machine, 1, on_host(), [](std::uint8_t) {}).value())),
        hypervisor(on_host() ? std::make_unique<hv::HostHypervisor>(config.hypervisor.costs) : nullptr) {
    for (unsigned hart = 0; hypervisor != nullptr && hart < machine->harts(); ++hart)
      harts.push_back(std::make_unique<sim::HostHart>(*machine, hart, *hypervisor));
  }
  bool on_host() const { return config.hypervisor.run == sim::HypervisorRun::host; }

  void boot(std::span<const std::byte> bundle) {
    sim::enter_supervisor(*machine);
    EXPECT_EQ(hypervisor->boot(*harts[0], {.bundle = bundle,
                                           .ram_base = machine->memory().ram_base(),
                                           .ram_bytes = machine->memory().ram_bytes(),
                                           .harts = machine->harts()}),
              "");
    for (auto& hart : harts) hart->enter();
  }
  void go_on(unsigned turns) {
    for (unsigned turn = 0; turn < turns && !machine->finished(); ++turn)
      for (unsigned hart = 0; hart < machine->harts(); ++hart) {
        const cpu::Stop why = machine->hart(hart).run(500, false).stop;
        if (why == cpu::Stop::hypervisor && on_host()) harts[hart]->enter();
      }
  }

  sim::Config config;
  std::unique_ptr<sim::Machine> machine;
  std::unique_ptr<hv::HostHypervisor> hypervisor;
  std::vector<std::unique_ptr<sim::HostHart>> harts{};
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
                       .hypervisor = hypervisor.get()};
};

// The three modes bare, and then with the hypervisor on the host.
constexpr unsigned kKinds = 4, kOnHost = 3;

sim::Config config_of(unsigned kind) {
  sim::Config config;
  config.machine.harts = 2;
  config.machine.memory_bytes = kind == kOnHost ? 32 << 20 : 1 << 20;
  config.machine.mode = kind == kOnHost ? sim::TimingMode::fast : static_cast<sim::TimingMode>(kind);
  if (kind == kOnHost) config.hypervisor.run = sim::HypervisorRun::host;
  config.machine.caches.l2.size_bytes = 32 * 1024;
  config.machine.caches.l1d = {.size_bytes = 4096, .ways = 2, .replacement = mem::Replacement::lru};
  config.machine.caches.l1i = {.size_bytes = 4096, .ways = 2};
  return config;
}

// auipc x2, 0; addi x1, x1, 1; sd x1, 1024(x2); ld x3, 1024(x2); jal x0, -12: for ever.
constexpr std::uint32_t kProgram[] = {0x0000'0117, 0x0010'8093, 0x4011'3023, 0x4001'3183, 0xFF5F'F06F};

// Deferrable calls, one after the other: li a7, extension; ecall; addi a6, a6, 1; ori a6, a6, 16; andi a6,
// a6, 31; jal x0, -16.
std::vector<std::byte> guest() {
  constexpr std::uint32_t extension = hv::abi::kHypercallExtension;
  const std::uint32_t upper = (extension + 0x800) & 0xFFFF'F000, lower = extension & 0xFFF;
  const std::array<std::uint32_t, 7> program{
      upper | 0x8B7, lower << 20 | 0x8'889B, 0x0000'0073, 0x0018'0813, 0x0108'6813, 0x01F8'7813, 0xFF1F'F06F};
  std::vector<std::byte> bytes(sizeof program);
  std::memcpy(bytes.data(), program.data(), bytes.size());
  return bytes;
}

const sim::Checkpoint& sample(unsigned kind) {
  static std::map<unsigned, sim::Checkpoint> all;
  const auto found = all.find(kind);
  if (found != all.end()) return found->second;
  Run run(config_of(kind));
  if (kind == kOnHost) {
    sim::BundleDescription description;
    description.sharing.policy = hv::SharingPolicy::memory_map_and_content_scan;
    description.sharing.start_us = 0;
    for (const char* name : {"a", "b"})
      description.vms.push_back({.name = name, .memory_bytes = 4 << 20, .image = guest()});
    run.boot(sim::make_bundle(description).value());
    run.go_on(40);
  } else {
    run.machine->memory().write(isa::Hpa{0x8000'0000}, kProgram);
    for (unsigned hart = 0; hart < run.machine->harts(); ++hart) {
      run.machine->hart(hart).hart_state().pc = 0x8000'0000;
      run.machine->hart(hart).state_changed();
    }
    run.go_on(1);
  }
  return all[kind] = sim::take_checkpoint(run.running, {}).value();
}

// Where something is: most of the hypervisor's data are zeros that nobody looks at.
const std::vector<std::uint32_t>& filled(unsigned kind, const std::string& part) {
  static std::map<std::pair<unsigned, std::string>, std::vector<std::uint32_t>> all;
  const auto [found, fresh] = all.try_emplace({kind, part});
  if (fresh) {
    const state::Bytes& content = sample(kind).parts.at(part);
    for (std::uint32_t at = 0; at < content.size(); ++at)
      if (content[at] != 0) found->second.push_back(at);
  }
  return found->second;
}

}  // namespace

// Changes bytes of parts, restores what comes of it, and runs that.
void checkpoint(std::span<const std::uint8_t> bytes) {
  Input input(bytes);
  const unsigned kind = input.take<std::uint8_t>() % kKinds;
  sim::Checkpoint forged = sample(kind);
  while (!input.empty()) {
    const auto part = std::next(
        forged.parts.begin(), static_cast<std::ptrdiff_t>(input.take<std::uint8_t>() % forged.parts.size()));
    state::Bytes& content = part->second;
    const auto at = input.take<std::uint32_t>();
    const auto value = input.take<std::uint8_t>();
    const auto& places = filled(kind, part->first);
    if (at % 16 == 15)
      content.resize(content.size() * value / 256);
    else if (at % 2 == 0 && !places.empty() && places[at / 2 % places.size()] < content.size())
      content[places[at / 2 % places.size()]] = value;
    else if (!content.empty())
      content[at % content.size()] = value;
  }
  Run run(config_of(kind));
  const std::string problem = sim::restore_checkpoint(forged, run.running, sim::RestoredModels::exact);
  if (!problem.empty()) {
    EXPECT_EQ(problem.find('\n'), std::string::npos) << problem;
    return;
  }
  run.go_on(kind == kOnHost ? 20 : 1);
  sim::RunResult result;
  run.recorder.collect(result);
}

std::vector<Bytes> checkpoint_seeds() {
  std::vector<Bytes> seeds;
  for (std::uint8_t kind = 0; kind < kKinds; ++kind) {
    Script script;
    script.add(kind);
    for (std::uint8_t part = 0; part < 16; ++part)
      script.add(part).add(std::uint32_t{part} * 37).add(static_cast<std::uint8_t>(0));
    seeds.push_back(script.bytes());
    seeds.push_back(Script().add(kind).bytes());
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
