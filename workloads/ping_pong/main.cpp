// ping_pong: VCPUs wake each other by interrupts, one at a time; each round is timed.
#include <atomic>

#include "models/cpu/isa/cause.h"
#include "workloads/ping_pong/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"
#include "workloads/runtime/vcpus.h"

namespace {

namespace ping_pong = workload::ping_pong;

constexpr std::uint64_t kMeasuredRegion = 1;

struct Game {
  ping_pong::Parameters parameters{};
  ping_pong::Token token{0};
  std::uint64_t round_began = 0;
  std::atomic<std::uint64_t> hop{0};  // whose turn it is; the rest is for whoever has the token
};
constinit Game game;

std::uint64_t hops() { return game.parameters.rounds * game.parameters.players; }
unsigned vcpu_of(std::uint64_t hop) {
  return static_cast<unsigned>(hop % game.parameters.players % guest::vcpus::count());
}

void time_round() {
  using namespace guest;
  const std::uint64_t now = timer::now();
  if (game.round_began != 0) latency((now - game.round_began) * 1'000'000'000 / timer::ticks_per_second());
  game.round_began = now;
  work_done(1);
}

void play() {
  using namespace guest;
  trap::handle(hvsim::isa::Interrupt::supervisor_software, [](trap::Frame&) { vcpus::acknowledge(); });
  for (;;) {
    const std::uint64_t hop = game.hop.load(std::memory_order_acquire);
    if (hop == hops()) return;
    if (vcpu_of(hop) != vcpus::me()) {
      trap::sleep();
      continue;
    }
    if (hop % game.parameters.players == 0) time_round();
    game.token.hit(hop);
    game.hop.store(hop + 1, std::memory_order_release);
    if (hop + 1 == hops()) {
      for (unsigned vcpu = 0; vcpu < vcpus::count(); ++vcpu)
        if (vcpu != vcpus::me()) vcpus::interrupt(vcpu);
    } else if (vcpu_of(hop + 1) != vcpus::me()) {
      vcpus::interrupt(vcpu_of(hop + 1));
    }
  }
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  game.parameters = ping_pong::parameters(arguments);
  require_valid(arguments);
  game.token = ping_pong::Token{game.parameters.seed};
  for (unsigned vcpu = 1; vcpu < vcpus::count(); ++vcpu) {
    if (vcpus::start(vcpu, play)) continue;
    console::print("error: VCPU ", Decimal{vcpu}, " did not start\n");
    return kExitFail;
  }
  region_begin(kMeasuredRegion);
  play();
  region_end(kMeasuredRegion);
  console::print("checksum ", Hex{game.token.value()}, "\n");
  return kExitPass;
}
