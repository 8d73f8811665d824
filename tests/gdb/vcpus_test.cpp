// Are a VCPU's registers right at every instruction of the hypervisor? The hart says what they were when it
// left the guest and what they are when it enters it again; in between nothing else may ever be seen.
#include "sim/gdb/vcpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "models/cpu/isa/csr.h"
#include "sim/boot.h"
#include "sim/config_load.h"
#include "sim/experiment.h"
#include "sim/gdb/registers.h"
#include "sim/image/elf.h"
#include "tests/gdb/debuggee.h"

namespace hvsim::gdb {
namespace {

// General registers, pc, floating-point registers, and the guest's own CSRs.
std::vector<unsigned> watched_registers() {
  std::vector<unsigned> numbers;
  for (unsigned number = 1; number < kFirstCsrRegister; ++number) numbers.push_back(number);
  for (const unsigned csr : {isa::csr::vsstatus, isa::csr::vsie, isa::csr::vstvec, isa::csr::vsscratch,
                             isa::csr::vsepc, isa::csr::vscause, isa::csr::vstval, isa::csr::vsatp,
                             isa::csr::vstimecmp, isa::csr::hgatp, isa::csr::scounteren, isa::csr::senvcfg})
    numbers.push_back(kFirstCsrRegister + csr);
  numbers.push_back(kPrivRegister);
  numbers.push_back(kVirtRegister);
  return numbers;
}

using Values = std::vector<std::uint64_t>;

class Hypervised {
 public:
  explicit Hypervised(const Json& config) {
    const tests::Scratch scratch;
    std::ofstream(scratch.file("config.json")) << config.dump();
    const auto document = sim::load_document(scratch.file("config.json"));
    const std::string all = HVSIM_IMAGE_DIRECTORIES;
    const auto colon = all.find(':');
    const auto experiment = sim::expand(*document, {all.substr(0, colon), all.substr(colon + 1)});
    if (!experiment) throw std::runtime_error(experiment.error().text());
    const sim::Run& run = experiment->runs.at(0);
    machine = std::move(sim::Machine::build(
                            run.config.machine, 1, false, [](std::uint8_t) {}, &left)
                            .value());
    if (const auto problem = sim::prepare_boot(*machine, run.config, run.images); !problem.empty())
      throw std::runtime_error(problem);
    const auto elf = sim::load_elf(run.images.hypervisor);
    const std::uint64_t at = sim::find_symbol(*elf, "hypervisor_inspection")->address;
    std::vector<Vcpus::Name> names;
    for (std::uint32_t vm = 0; vm < run.config.vms.size(); ++vm) names.push_back({vm, 0});
    const auto memory = [this](std::uint64_t address, std::uint64_t bytes) {
      return machine->memory().host(isa::Hpa{address}, bytes);
    };
    inspection = [memory, at] {
      hv::Inspection seen;
      std::memcpy(&seen, memory(at, sizeof seen), sizeof seen);
      return seen;
    };
    vcpus = std::make_unique<Vcpus>(*machine, left, names, memory, inspection);
  }

  cpu::Hart& hart() { return machine->hart(0); }
  bool inside() { return hart().hart_state().mode.virtualized; }
  void step() {
    if (hart().step(true).stop != cpu::Stop::wait_for_interrupt) return;
    const isa::Cycles now = hart().hart_state().cycle;
    if (hart().next_timer() > now) hart().idle(hart().next_timer() - now);
  }
  Values values(const cpu::HartState& state) const {
    Values seen;
    for (const unsigned number : numbers) seen.push_back(read_register(state, number).value_or(0));
    return seen;
  }

  const std::vector<unsigned> numbers = watched_registers();
  LeftGuests left{nullptr};
  std::unique_ptr<sim::Machine> machine;
  std::function<hv::Inspection()> inspection;
  std::unique_ptr<Vcpus> vcpus;
};

Json two_on_a_hart() {
  Json vms = Json::array();
  for (const char* name : {"a", "b"})
    vms.push_back({{"name", name},
                   {"workload", "hypercall_storm"},
                   {"memory_bytes", "4MiB"},
                   {"arguments", {{"iterations", 100'000}}}});
  return {{"version", 1},
          {"name", "vcpus"},
          {"machine", {{"harts", 1}, {"memory_bytes", "64MiB"}, {"mode", "functional"}}},
          {"hypervisor", {{"run", "target"}, {"time_slice_us", 100}}},
          {"vms", vms}};
}

// What was seen of a VCPU while it was out of the guest.
struct Away {
  Values before;
  std::vector<std::set<std::uint64_t>> seen;
};

TEST(Vcpus, RegistersAreRightAtEveryInstructionOfTheHypervisor) {
  Hypervised world(two_on_a_hart());
  while (!world.inside()) {
    world.hart().run(1000, true);
    ASSERT_LT(world.hart().hart_state().cycle, 1'000'000'000u);
  }
  ASSERT_TRUE(world.vcpus->ready());
  std::array<Away, 2> away;
  for (unsigned id = 0; id < 2; ++id)
    away[id] = {world.values(world.vcpus->state(id)),
                std::vector<std::set<std::uint64_t>>(world.numbers.size())};
  unsigned entries = 0, switches = 0;
  std::optional<unsigned> last;
  while (entries < 150) {
    for (unsigned i = 0; i < 300 && world.inside(); ++i) {  // in the guest
      const unsigned here = world.vcpus->present(0).value();
      away[here].before = world.values(world.hart().hart_state());
      if (i == 0) {
        EXPECT_EQ(world.values(world.vcpus->state(here)), away[here].before);
      }
      world.step();
    }
    if (world.inside()) continue;
    while (!world.inside()) {
      for (unsigned id = 0; id < 2; ++id) {
        const Values now = world.values(world.vcpus->state(id));
        for (std::size_t i = 0; i < now.size(); ++i) away[id].seen[i].insert(now[i]);
      }
      world.step();
    }
    const unsigned entered = world.vcpus->present(0).value();
    const Values after = world.values(world.hart().hart_state());
    for (std::size_t i = 0; i < after.size(); ++i) {
      for (const std::uint64_t value : away[entered].seen[i])
        EXPECT_TRUE(value == away[entered].before[i] || value == after[i])
            << "register " << world.numbers[i] << " of VCPU " << entered << " was shown as " << value
            << ", left as " << away[entered].before[i] << ", entered with " << after[i] << ", entry "
            << entries;
      away[entered].seen[i].clear();
    }
    ASSERT_FALSE(HasFailure());
    ++entries;
    switches += last && *last != entered;
    last = entered;
  }
  EXPECT_GT(switches, 3u) << "or nobody was ever descheduled";
}

TEST(Vcpus, WhatIsWrittenWhileAVcpuWaitsIsThereWhenItRuns) {
  Hypervised world(two_on_a_hart());
  while (!world.inside()) world.hart().run(1000, true);
  const unsigned runs = world.vcpus->present(0).value(), waits = 1 - runs;
  EXPECT_THAT(world.vcpus->describe(runs, "a"), testing::HasSubstr(": runs on hart 0, VS-mode"));
  EXPECT_THAT(world.vcpus->describe(waits, "b"), testing::HasSubstr(": waits for a hart"));
  const std::array numbers{27u, kFirstFloatRegister + 9, kFirstCsrRegister + isa::csr::vsscratch};
  for (const unsigned number : numbers) EXPECT_TRUE(world.vcpus->write(waits, number, 0x1234'5678'9ABC'DEF0));
  EXPECT_FALSE(world.vcpus->write(waits, kFirstCsrRegister + isa::csr::hideleg, 0)) << "the hypervisor's";
  for (const unsigned number : numbers)
    EXPECT_EQ(read_register(world.vcpus->state(waits), number), 0x1234'5678'9ABC'DEF0u);
  while (world.vcpus->present(0) != waits) world.step();
  EXPECT_EQ(world.hart().hart_state().x[27], 0x1234'5678'9ABC'DEF0u);
  EXPECT_EQ(world.hart().hart_state().csr.vsscratch, 0x1234'5678'9ABC'DEF0u);
}

TEST(Vcpus, SaysWhyOneIsPaused) {
  Json config = two_on_a_hart();
  config["hypervisor"]["scheduler"] = "credit";
  config["hypervisor"]["cap_period_us"] = 1000;
  config["vms"][0]["cap_percent"] = 20;
  config["vms"][1] = {
      {"name", "b"}, {"workload", "timer_ticks"}, {"memory_bytes", "4MiB"}, {"arguments", {{"work", 10}}}};
  Hypervised world(config);
  while (!world.inside()) world.hart().run(1000, true);
  const auto says = [&world](unsigned id, const char* text) {
    return world.vcpus->describe(id, "x").find(text) != std::string::npos;
  };
  const auto await = [&](unsigned id, const char* text) {
    while (!says(id, text) && world.hart().hart_state().cycle < 100'000'000) world.step();
    EXPECT_TRUE(says(id, text)) << world.vcpus->describe(id, "x");
  };
  await(0, ": paused until its next cap period");
  await(1, ": waits for an interrupt");
  const std::uint64_t starved = world.inspection().vcpus.at(1) + offsetof(hv::Vcpu, starved);
  *world.machine->memory().host(isa::Hpa{starved}, 4) = 1;
  EXPECT_TRUE(says(1, ": paused until there is memory")) << world.vcpus->describe(1, "b");
}

TEST(Vcpus, NothingIsTakenForAHypervisorThatHasNotBooted) {
  Hypervised world(two_on_a_hart());
  EXPECT_FALSE(world.vcpus->ready());
  EXPECT_FALSE(world.vcpus->present(0));
}

}  // namespace
}  // namespace hvsim::gdb
