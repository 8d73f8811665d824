// The native port: what it leaves in a hart's registers, and that every cycle comes from the cost model.
#include "hypervisor/arch/host/host_hypervisor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/registers.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/mark.h"
#include "sim/image/bundle.h"

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;
using hvsim::isa::Cycles;
using hvsim::isa::Hpa;
using Next = HostHypervisor::Next;

constexpr std::uint64_t kRamBase = 0x80000000, kRamBytes = 16 << 20;

struct Board {
  std::vector<std::byte> ram = std::vector<std::byte>(kRamBytes);
  std::string console;
  std::vector<unsigned> ipis;
  int power_off_code = -1;
};

// CSRs are plain storage: no test here depends on their side effects.
class TableHart final : public HostHart {
 public:
  TableHart(Board& board, unsigned id) : board_(board), id_(id) {}
  unsigned id() const override { return id_; }
  std::span<std::uint64_t, 32> x() override { return x_; }
  std::span<std::uint64_t, 32> f() override { return f_; }
  std::uint64_t csr(unsigned number) override { return csrs[number]; }
  void write_csr(unsigned number, std::uint64_t value) override { csrs[number] = value; }
  std::optional<std::uint32_t> guest_instruction(std::uint64_t) override { return std::nullopt; }
  void read(Hpa from, void* to, std::size_t bytes) override { std::memcpy(to, at(from, bytes), bytes); }
  void write(Hpa to, const void* from, std::size_t bytes) override {
    std::memcpy(at(to, bytes), from, bytes);
  }
  void zero(Hpa to, std::uint64_t bytes) override { std::memset(at(to, bytes), 0, bytes); }
  void touch(Hpa to, std::uint64_t bytes, bool) override {
    at(to, bytes);
    touched += bytes;
  }
  Cycles cycles() override { return cycle; }
  std::uint64_t ticks() override { return tick; }
  void charge(const WorkKind& work, std::uint64_t units) override {
    const auto& takes = work.takes;
    if (takes.lines != 0) at(takes.code, takes.lines * kCodeLineBytes);
    fetched += takes.lines * kExecutedBytes;
    cycle += takes.cycles * units;
    charged[work.why] += takes.cycles * units;
    done[work.why] += units;
  }
  bool ahead() override { return cycle >= ahead_at; }
  bool first() override { return true; }
  bool time_by_firmware() const override { return false; }
  bool timer_by_firmware() const override { return false; }
  void forgive_trap() override { ++forgiven; }
  void set_timer(std::uint64_t ticks) override { timer = ticks; }
  void send_ipi(unsigned hart) override { board_.ipis.push_back(hart); }
  void fence(const GuestFence& fence) override { fences.push_back(fence); }
  void mark(std::uint16_t kind, std::uint64_t value) override { marks.emplace_back(kind, value); }
  void console(std::string_view text) override { board_.console += text; }
  void power_off(unsigned code) override { board_.power_off_code = static_cast<int>(code); }

  std::map<unsigned, std::uint64_t> csrs;
  Cycles cycle = 0, ahead_at = ~Cycles{0};
  std::uint64_t tick = 0, timer = 0, touched = 0, fetched = 0;
  unsigned forgiven = 0;
  std::map<Work, Cycles> charged;
  std::map<Work, std::uint64_t> done;
  std::vector<GuestFence> fences;
  std::vector<std::pair<std::uint16_t, std::uint64_t>> marks;

 private:
  std::byte* at(Hpa address, std::uint64_t bytes) {
    EXPECT_GE(address.value, kRamBase);
    EXPECT_LE(address.value + bytes, kRamBase + kRamBytes);
    return &board_.ram[address.value - kRamBase];
  }
  Board& board_;
  unsigned id_;
  std::array<std::uint64_t, 32> x_{}, f_{};
};

struct Boot {
  explicit Boot(const CostModel& costs = {}, abi::Delivery delivery = abi::Delivery::dlh)
      : hypervisor(costs) {
    hvsim::sim::BundleDescription description;
    description.delivery = delivery;
    for (const char* name : {"a", "b"})
      description.vms.push_back(
          {.name = name, .memory_bytes = 4 << 20, .image = std::vector<std::byte>(100, std::byte{0x13})});
    const auto bundle = *hvsim::sim::make_bundle(description);
    HostBoot boot;
    boot.bundle = bundle;
    boot.ram_bytes = kRamBytes;
    boot.reserved_bytes = 6 << 20;
    boot.harts = 2;
    error = hypervisor.boot(harts[0], boot);
    for (TableHart& hart : harts) EXPECT_EQ(hypervisor.enter(hart), Next::guest);
  }
  // The guest on `hart` executes ECALL.
  Next call(unsigned hart, abi::Hypercall number, std::uint64_t a = 0, std::uint64_t b = 0) {
    auto x = harts[hart].x();
    x[10] = a;
    x[11] = b;
    x[16] = static_cast<std::uint64_t>(number);
    x[17] = abi::kHypercallExtension;
    harts[hart].csrs[csr::scause] = 10;
    return hypervisor.enter(harts[hart]);
  }

  Board board;
  std::array<TableHart, 2> harts{TableHart{board, 0}, TableHart{board, 1}};
  HostHypervisor hypervisor;
  std::string error;
};

TEST(HostHypervisor, LeavesTheHartReadyForSretIntoTheFirstVcpu) {
  Boot run;
  ASSERT_EQ(run.error, "");
  auto& csrs = run.harts[0].csrs;
  EXPECT_EQ(csrs[csr::sepc], 0x80000000u);
  EXPECT_NE(csrs[csr::hstatus] & csr::kSpv, 0u);
  EXPECT_NE(csrs[csr::hstatus] & csr::kVtw, 0u);
  EXPECT_NE(csrs[csr::sstatus] & csr::kSpp, 0u);
  EXPECT_EQ(csrs[csr::hgatp] >> 60, 8u);
  EXPECT_EQ(csrs[csr::hideleg], 0x444u);
  EXPECT_EQ(csrs[csr::hedeleg], 0xb159u);
  EXPECT_EQ(csrs[csr::sie], 0x22u);
  EXPECT_EQ(run.harts[0].x()[10], 0u);
  EXPECT_EQ(run.harts[0].marks.back(), (std::pair<std::uint16_t, std::uint64_t>{16, 0}));
}

TEST(HostHypervisor, AnswersInTheHartsOwnRegisters) {
  Boot run;
  run.harts[0].x()[5] = 55;
  EXPECT_EQ(run.call(0, abi::Hypercall::query, 20), Next::guest);
  EXPECT_EQ(run.harts[0].x()[10], 0u);
  EXPECT_EQ(run.harts[0].x()[11], abi::routine_value(20));
  EXPECT_EQ(run.harts[0].x()[5], 55u);
  EXPECT_EQ(run.harts[0].csrs[csr::sepc], 0x80000004u);
}

TEST(HostHypervisor, IdlesWhenTheVcpuWaitsAndWakesOnItsEvent) {
  Boot run;
  run.harts[1].csrs[csr::scause] = 22;
  run.harts[1].csrs[csr::stval] = 0x10500073;
  EXPECT_EQ(run.hypervisor.enter(run.harts[1]), Next::idle);
  EXPECT_EQ(run.harts[1].marks.back().second, static_cast<std::uint64_t>(hvsim::isa::HypervisorPhase::idle));
  run.call(0, abi::Hypercall::event_send, 1, 3);
  run.call(0, abi::Hypercall::dlh_fence);
  EXPECT_EQ(run.board.ipis, (std::vector<unsigned>{1}));
  run.harts[1].csrs[csr::sip] = 2;
  EXPECT_EQ(run.hypervisor.enter(run.harts[1]), Next::guest);
  EXPECT_EQ(run.harts[1].csrs[csr::sip], 0u);
  EXPECT_EQ(run.harts[1].csrs[csr::hvip], 4u);
}

TEST(HostHypervisor, PowersTheMachineOffWithTheLastVm) {
  Boot run;
  EXPECT_EQ(run.call(0, abi::Hypercall::power_off, 0), Next::idle);
  EXPECT_EQ(run.board.power_off_code, -1);
  EXPECT_EQ(run.call(1, abi::Hypercall::power_off, 3), Next::off);
  EXPECT_EQ(run.board.power_off_code, 3);
  EXPECT_EQ(run.hypervisor.enter(run.harts[0]), Next::off);
  EXPECT_TRUE(run.hypervisor.vm_off(0));
  EXPECT_EQ(run.hypervisor.vm_exit_code(1), 3u);
  EXPECT_EQ(run.hypervisor.vm_name(1), "b");
}

// Every price, also those that come later.
CostModel free_of_charge() { return {.prices = {}, .own_lines = false}; }

TEST(HostHypervisor, CostsNothingWhenTheCostModelSaysSo) {
  Boot run(free_of_charge());
  run.call(0, abi::Hypercall::routine, 1000);
  run.call(0, abi::Hypercall::dlh_fence);
  run.call(0, abi::Hypercall::yield);
  EXPECT_EQ(run.harts[0].cycle, 0u);
}

TEST(HostHypervisor, ChargesEachKindOfWorkByItsNumber) {
  CostModel costs = free_of_charge();
  costs[Work::routine_iteration] = 7;
  costs[Work::general_register] = 2;
  costs[Work::drain_entry] = 11;
  Boot run(costs);
  const Cycles before = run.harts[0].cycle;
  run.call(0, abi::Hypercall::routine, 100);
  EXPECT_EQ(run.harts[0].cycle - before, 100u * 7 + 62 * 2 + 11);
  EXPECT_EQ(run.harts[0].charged[Work::drain_entry], 11u);
}

TEST(HostHypervisor, TouchesTheGuestMemoryThatItReadsAndWrites) {
  Boot run({.own_lines = false});
  const std::uint64_t before = run.harts[0].touched;
  run.call(0, abi::Hypercall::notify, 0x80001000, 1);     // an entry of zeros: read, then refused
  EXPECT_EQ(run.harts[0].touched - before, 48u + 2 * 8);  // the entry and two page-table words
}

// Its own code and data go through the hart's caches, too, each where it would lie in the target's image.
TEST(HostHypervisor, TouchesItsOwnLinesUnlessItIsToldNotTo) {
  CostModel with, without;
  without.own_lines = false;
  Boot own(with), foreign(without);
  const std::uint64_t own_before = own.harts[0].touched, foreign_before = foreign.harts[0].touched;
  own.harts[0].fetched = 0;
  own.call(0, abi::Hypercall::vm_info);
  foreign.call(0, abi::Hypercall::vm_info);
  EXPECT_EQ(foreign.harts[0].touched, foreign_before);
  EXPECT_EQ(foreign.harts[0].fetched, 0u);
  EXPECT_GT(own.harts[0].touched - own_before, 2 * sizeof(GeneralRegisters));
  EXPECT_GT(own.harts[0].fetched, 1500u);  // what a trace of the target's image has for such an exit
  EXPECT_LT(own.harts[0].fetched, 4000u);
}

// On target the firmware answers: neither the VM's exits nor its registers but one tell.
TEST(HostHypervisor, ReadsTheTimeForGuestsOfAMachineWithoutThatCsr) {
  Boot run;
  TableHart& hart = run.harts[0];
  const auto exits = run.hypervisor.statistics(0).exits;
  hart.tick = 1234;
  hart.csrs[csr::scause] = 2;
  hart.csrs[csr::stval] = 0xC01022F3;  // rdtime t0
  hart.csrs[csr::sepc] = 0x80001000;
  EXPECT_EQ(run.hypervisor.enter(hart), Next::guest);
  EXPECT_EQ(hart.x()[5], 1234u);
  EXPECT_EQ(hart.csrs[csr::sepc], 0x80001004u);
  EXPECT_EQ(run.hypervisor.statistics(0).exits, exits);
  EXPECT_EQ(hart.done[Work::time_emulation], 1u);
}

// Work is announced in units, whatever it costs.
TEST(HostHypervisor, SaysHowMuchOfEachKindOfWorkItDoes) {
  Boot run(free_of_charge());
  run.harts[0].done.clear();
  run.call(0, abi::Hypercall::routine, 100);
  EXPECT_EQ(run.harts[0].done[Work::routine_iteration], 100u);
  EXPECT_EQ(run.harts[0].done[Work::general_register], 62u);
  EXPECT_EQ(run.harts[0].done[Work::exit_dispatch], 1u);
}

// The tables of a VM are walked word by word, and its memory goes back to the pool in calls of many pages.
TEST(HostHypervisor, TellsTheNextWordFromOneByItselfAndACallOfThePoolFromItsPages) {
  Boot run(free_of_charge());
  auto& done = run.harts[0].done;
  done.clear();
  run.call(0, abi::Hypercall::power_off, 0);
  EXPECT_GT(done[Work::next_word], 2048u);  // the root table alone
  EXPECT_GT(done[Work::word_access], 0u);
  EXPECT_LT(done[Work::word_access], 20u);
  EXPECT_GE(done[Work::pool_page], 1024u);  // 4 MiB
  EXPECT_LT(done[Work::pool_call], 20u);
}

// One hint may be about a page or about a thousand.
TEST(HostHypervisor, CountsWhatAHintIsAboutInWordsOfItsMask) {
  Boot run;
  auto& done = run.harts[0].done;
  const auto words = [&](abi::Hypercall call, std::uint64_t a, std::uint64_t b) {
    done.clear();
    run.call(0, call, a, b);
    return std::pair(done[Work::page_hint], done[Work::hint_word]);
  };
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  EXPECT_EQ(words(abi::Hypercall::page_release, abi::kGuestMemoryBase, 0), Counts(1, 1));
  EXPECT_EQ(words(abi::Hypercall::page_claim, abi::kGuestMemoryBase, 9), Counts(1, 8));
  EXPECT_EQ(words(abi::Hypercall::dirty_log_update, abi::kGuestMemoryBase + 0x3F000, 2), Counts(1, 2));
  EXPECT_EQ(words(abi::Hypercall::share, 0x1000, 0), Counts(1, 0));  // outside
  EXPECT_EQ(words(abi::Hypercall::share, 0x1000, ~0ULL), Counts(1, 0));
}

TEST(HostHypervisor, CountsWaitingForALockOnlyWhenTimesOverlap) {
  Boot run;
  // Hart 1 finishes a VM-wide operation at a later time; hart 0 lives inside and then outside that span.
  run.harts[1].cycle = 1000;
  run.call(1, abi::Hypercall::yield);
  const Cycles until = run.harts[1].cycle;
  run.harts[0].cycle = until + 1000;
  run.call(0, abi::Hypercall::yield);
  EXPECT_EQ(run.harts[0].charged[Work::lock_wait], 0u);
  run.harts[0].cycle = 10;
  run.call(0, abi::Hypercall::yield);
  EXPECT_EQ(run.harts[0].charged[Work::lock_wait], 0u);
}

TEST(HostHypervisor, FreeHypercallsTakeNoTimeButOtherExitsDo) {
  Boot run({}, abi::Delivery::free);
  TableHart& hart = run.harts[0];
  const Cycles before = hart.cycle;
  const std::uint64_t touched = hart.touched;
  run.call(0, abi::Hypercall::routine, 1000);
  run.call(0, abi::Hypercall::query, 1000);
  EXPECT_EQ(hart.x()[11], abi::routine_value(1000));
  EXPECT_EQ(hart.cycle, before);
  EXPECT_EQ(hart.touched, touched);
  EXPECT_EQ(hart.forgiven, 2u);
  EXPECT_EQ(run.hypervisor.statistics(0).hypercalls[static_cast<std::size_t>(abi::Hypercall::routine)], 1u);
  hart.csrs[csr::scause] = (std::uint64_t{1} << 63) | 1;
  run.hypervisor.enter(hart);
  EXPECT_GT(hart.cycle, before);
  EXPECT_EQ(hart.forgiven, 2u);
}

TEST(HostHypervisor, TheLastHartPollsUntilAllVmsAreOff) {
  Board board;
  std::array<TableHart, 2> harts{TableHart{board, 0}, TableHart{board, 1}};
  HostHypervisor hypervisor{CostModel{}};
  hvsim::sim::BundleDescription description;
  description.delivery = abi::Delivery::polling;
  description.vms.push_back(
      {.name = "a", .memory_bytes = 4 << 20, .image = std::vector<std::byte>(100, std::byte{0x13})});
  const auto bundle = *hvsim::sim::make_bundle(description);
  HostBoot boot;
  boot.bundle = bundle;
  boot.ram_bytes = kRamBytes;
  boot.reserved_bytes = 2 << 20;
  boot.harts = 2;
  ASSERT_EQ(hypervisor.boot(harts[0], boot), "");
  EXPECT_EQ(hypervisor.enter(harts[0]), Next::guest);
  EXPECT_EQ(hypervisor.enter(harts[1]), Next::again);
  const Cycles before = harts[1].cycle;
  EXPECT_EQ(hypervisor.enter(harts[1]), Next::again);
  EXPECT_GT(harts[1].cycle, before);
  harts[0].x()[16] = static_cast<std::uint64_t>(abi::Hypercall::power_off);
  harts[0].x()[17] = abi::kHypercallExtension;
  harts[0].x()[10] = 0;
  harts[0].csrs[csr::scause] = 10;
  EXPECT_EQ(hypervisor.enter(harts[0]), Next::off);
  EXPECT_EQ(hypervisor.enter(harts[1]), Next::off);
}

TEST(HostHypervisor, SaysWhatIsWrongWithABundle) {
  Board board;
  TableHart hart(board, 0);
  HostHypervisor hypervisor{CostModel{}};
  HostBoot boot;
  boot.ram_bytes = kRamBytes;
  EXPECT_EQ(hypervisor.boot(hart, boot), "bundle: not a flattened device tree, or cut short");
}

// What functions that are called next find where they do not initialize.
[[gnu::noinline]] void leave_on_the_stack(unsigned char what) {
  std::array<unsigned char, 1 << 16> bytes;
  bytes.fill(what);
  asm volatile("" : : "r"(bytes.data()) : "memory");
}

// Checkpoints of the same moment are the same, whatever lay around what the core copied.
TEST(HostHypervisor, WhoDidTheSameHasTheSameState) {
  const auto state_over = [](unsigned char what) {
    leave_on_the_stack(what);
    Boot run;
    leave_on_the_stack(what);
    run.call(0, abi::Hypercall::console_write, 1, 'x');
    const std::span<std::byte> state = run.hypervisor.state();
    return std::vector<std::byte>(state.begin(), state.end());
  };
  EXPECT_TRUE(state_over(0) == state_over(0xFE));
}

// Most of the state is counters, registers and lists that are not in use, which may hold anything.
TEST(HostHypervisor, StateThatCannotBeIsFoundOut) {
  Boot run;
  run.call(0, abi::Hypercall::console_write, 1, 'x');
  const auto read = [&](Hpa from, void* to, std::size_t bytes) {
    std::memset(to, 0, bytes);
    if (from.value >= kRamBase && bytes <= kRamBytes && from.value - kRamBase <= kRamBytes - bytes)
      std::memcpy(to, &run.board.ram[from.value - kRamBase], bytes);
  };
  const auto problem = [&] { return std::string(run.hypervisor.impossible(2, read)); };
  EXPECT_EQ(problem(), "");
  const std::span<std::byte> state = run.hypervisor.state();
  const std::vector<std::byte> sound(state.begin(), state.end());
  std::set<std::string> found;
  for (std::size_t at = 0; at < state.size(); ++at) {
    if (sound[at] == std::byte{0}) continue;
    state[at] = std::byte{0xFF};
    found.insert(problem());
    state[at] = sound[at];
    if (found.size() > 6) break;
  }
  found.erase("");
  EXPECT_GE(found.size(), 5u);
  std::ranges::fill(state, std::byte{0xFF});
  EXPECT_NE(problem(), "");
  std::ranges::copy(sound, state.begin());
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(run.call(0, abi::Hypercall::query, 20), Next::guest);
}

}  // namespace
}  // namespace hv
