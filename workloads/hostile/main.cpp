// hostile: a guest that does to the hypervisor what no guest should. It may harm itself alone.
#include <array>
#include <atomic>
#include <cstring>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/paging.h"
#include "workloads/hostile/attacks.h"
#include "workloads/hostile/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/paging.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"
#include "workloads/runtime/vcpus.h"

namespace {

using guest::hypercall::Hypercall;
using hv::abi::Notification;
using workload::hostile::Attack;
namespace csr = hvsim::isa::csr;
namespace pte = hvsim::isa::pte;

constexpr std::uint64_t kSbiIpi = 0x735049, kSbiRfence = 0x52464E43, kSbiHsm = 0x48534D,
                        kSbiSrst = 0x53525354;
constexpr std::uint64_t kOutOfRange = std::uint64_t{1} << 62;

using hostile::expect, hostile::prng;

alignas(4096) constinit std::array<Notification, hv::abi::kMaxNotifications> list{};
alignas(4096) constinit std::array<std::uint64_t, 512> table{};
constinit std::atomic<bool> rewriting{false}, over{false};

guest::hypercall::Answer call(std::uint64_t number, std::uint64_t a0 = 0, std::uint64_t a1 = 0,
                              std::uint64_t a2 = 0, std::uint64_t a3 = 0, std::uint64_t a4 = 0,
                              std::uint64_t a5 = 0) {
  return guest::hypercall::sbi(hv::abi::kHypercallExtension, number, a0, a1, a2, a3, a4, a5);
}
std::uint64_t number_of(Hypercall call) { return static_cast<std::uint64_t>(call); }

void hypercalls() {
  const std::uint64_t wild = prng().next() | kOutOfRange;
  expect(call(wild, wild, wild, wild).error < 0);
  expect(call(hv::abi::kHypercallCount + prng().below(1000), wild).error < 0);
  expect(call(number_of(Hypercall::query), wild).error < 0);
  for (const Hypercall deferred :
       {Hypercall::console_write, Hypercall::event_send, Hypercall::statistics_update, Hypercall::timer_slack,
        Hypercall::routine, Hypercall::remote_fence, Hypercall::page_claim, Hypercall::dirty_log_update})
    call(number_of(deferred), wild, wild, wild, wild, wild, prng().below(4) == 0 ? wild : 0);
}

// What ends the VM (SRST) or stops this VCPU (HSM stop) is left out.
void sbi() {
  using guest::hypercall::sbi;
  const std::uint64_t wild = prng().next() | kOutOfRange;
  expect(sbi(wild | 1u << 31, wild, wild).error < 0);
  expect(sbi(kSbiIpi, 0, wild, prng().below(64) + guest::vcpus::count()).error < 0);
  expect(sbi(kSbiHsm, 0, wild, wild, wild).error < 0);
  expect(sbi(kSbiHsm, 2, wild).error < 0);
  expect(sbi(kSbiHsm, 3, wild | 1).error < 0);
  expect(sbi(kSbiRfence, 3 + prng().below(1000), wild, wild).error < 0);
  expect(sbi(kSbiSrst, 0, 3 + prng().below(1000)).error < 0);
}

void fill_list() {
  for (Notification& entry : list) {
    entry = {static_cast<std::uint32_t>(prng().next()), static_cast<std::uint32_t>(prng().next()), {}};
    for (std::uint64_t& argument : entry.arguments) argument = prng().next() | kOutOfRange;
    if (prng().below(2) == 0)
      entry.call = static_cast<std::uint32_t>(number_of(Hypercall::statistics_update));
    if (prng().below(2) == 0) entry.completion = 0;
  }
}

void notify_badly() {
  const auto notify = number_of(Hypercall::notify);
  const auto here = reinterpret_cast<std::uint64_t>(list.data());
  expect(call(notify, prng().next() | kOutOfRange | 8, 1 + prng().below(64)).error < 0);
  expect(call(notify, here, prng().next() | kOutOfRange).error < 0);
  expect(call(notify, here + 1, 4).error < 0);
  expect(call(notify, ~std::uint64_t{0} - 47, 64).error < 0);
  fill_list();
  call(notify, here, list.size());
}

void rewrite() {
  rewriting.store(true);
  workload::Prng own{77};
  auto* const words = reinterpret_cast<std::uint64_t*>(list.data());
  while (!over.load(std::memory_order_relaxed)) {
    std::atomic_ref{words[own.below(sizeof list / 8)]}.store(own.next(), std::memory_order_relaxed);
    hostile::rewrite_ring(own);
    hostile::rewrite_map(own);
  }
}

// From now on another VCPU changes what the hypervisor reads.
void start_rewriting() {
  if (guest::vcpus::count() > 1 && !rewriting.load()) guest::vcpus::start(1, rewrite);
}

void race() {
  start_rewriting();
  call(number_of(Hypercall::notify), reinterpret_cast<std::uint64_t>(list.data()), list.size());
}

void flood() {
  for (unsigned i = 0; i < 64; ++i) call(number_of(Hypercall::routine), 500);
}

// The third gigabyte stays as it is, so that the code can be fetched; everything else is a trap.
void walk_rubbish(bool outside) {
  const auto own = reinterpret_cast<std::uint64_t>(table.data()) >> 12;
  for (std::uint64_t& entry : table) {
    const std::uint64_t page = outside ? prng().next() & 0xFFF'FFFF'FFFF : own;
    const std::uint64_t flags = prng().below(2) == 0 || outside ? pte::v : prng().next() & 0xFF;
    entry = page << pte::ppn_shift | flags;
  }
  table[2] = 0x80000u << pte::ppn_shift | 0xCF;
  const std::uint64_t before = guest::csr_read<csr::satp>();
  guest::csr_write<csr::satp>(csr::kModeSv39 << csr::kAtpModeShift | own);
  guest::fence_translations();
  for (unsigned i = 0; i < 8; ++i) {
    std::uint64_t address = prng().next() & 0x3F'FFFF'FFF8;
    if ((address >> 30) == 2) address ^= std::uint64_t{1} << 30;
    std::uint64_t value;
    asm volatile(".option push\n.option norvc\nld %0, 0(%1)\n.option pop"
                 : "=r"(value)
                 : "r"(address)
                 : "memory");
  }
  guest::csr_write<csr::satp>(before);
  guest::fence_translations();
}

void expire_timers() {
  for (unsigned i = 0; i < 20; ++i) {
    guest::timer::arm(i % 2 == 0 ? 0 : guest::timer::now());
    guest::trap::enable_interrupts();
    guest::trap::disable_interrupts();
  }
  guest::timer::disarm();
}

void interrupt_all() {
  for (unsigned i = 0; i < 20; ++i) {
    guest::hypercall::sbi(kSbiIpi, 0, 0, ~std::uint64_t{0});
    guest::trap::enable_interrupts();
    guest::trap::disable_interrupts();
  }
}

void fence_all() {
  for (unsigned i = 0; i < 20; ++i)
    guest::hypercall::sbi(kSbiRfence, prng().below(3), 0, ~std::uint64_t{0}, prng().next(), prng().next());
}

void execute_rubbish() {
  for (unsigned i = 0; i < 20; ++i) asm volatile(".4byte 0xffffffff");
}

void yield() {
  for (unsigned i = 0; i < 20; ++i) call(number_of(Hypercall::yield));
}

void strike(Attack attack) {
  constexpr void (*kAttacks[])() = {hypercalls, sbi,           notify_badly,  race,      flood,
                                    nullptr,    expire_timers, interrupt_all, fence_all, execute_rubbish,
                                    yield};
  if (attack == Attack::dma) return hostile::dma();
  if (attack == Attack::rings || attack == Attack::maps) {
    start_rewriting();
    return attack == Attack::rings ? hostile::rings() : hostile::maps();
  }
  if (attack == Attack::tables || attack == Attack::walk)
    walk_rubbish(attack == Attack::walk);
  else if (attack == Attack::outside)
    *reinterpret_cast<volatile std::uint64_t*>(0x9'0000'0000) = 1;
  else
    kAttacks[static_cast<std::uint64_t>(attack) - 1]();
}

void skip_instruction(guest::trap::Frame& frame) { frame.sepc += 4; }

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const auto parameters = workload::hostile::parameters(arguments);
  require_valid(arguments);
  prng() = workload::Prng{parameters.seed};
  trap::handle(hvsim::isa::Exception::load_page_fault, skip_instruction);
  trap::handle(hvsim::isa::Exception::illegal_instruction, skip_instruction);
  trap::handle(hvsim::isa::Interrupt::supervisor_timer, [](trap::Frame&) { timer::disarm(); });
  trap::handle(hvsim::isa::Interrupt::supervisor_software, [](trap::Frame&) { vcpus::acknowledge(); });
  if (parameters.attack == Attack::outside &&
      !paging::map(0x9'0000'0000, 0x9'0000'0000, 4096, paging::PageSize::small))
    out_of_memory("a page table");
  const std::uint64_t checksum = workload::hostile::run(parameters, [&](std::uint64_t round) {
    strike(parameters.attack == Attack::all ? workload::hostile::in_turn(round) : parameters.attack);
  });
  over.store(true);
  const std::uint64_t surprises = hostile::surprises();
  if (surprises != 0)
    console::print("error: ", Decimal{surprises}, " answers were not those of a sound hypervisor\n");
  console::print("\nchecksum ", Hex{checksum}, "\n");  // rubbish from rings may stand before it
  return surprises == 0 ? kExitPass : kExitFail;
}
