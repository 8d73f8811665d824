// messages: tasks on all VCPUs send each other messages; a VCPU whose tasks all wait sleeps until another one
// interrupts it.
#include <array>
#include <atomic>

#include "models/cpu/isa/cause.h"
#include "workloads/messages/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/trap.h"
#include "workloads/runtime/vcpus.h"

namespace {

namespace messages = workload::messages;

constexpr std::uint64_t kMeasuredRegion = 1;

constinit std::array<messages::Task, messages::kMostTasks> tasks{};
constinit messages::Exchange* exchange = nullptr;
struct alignas(64) Sleeper {
  std::atomic<std::uint32_t> asleep{0};  // or about to be
  std::atomic<std::uint64_t> news{0};
};
constinit std::array<Sleeper, guest::vcpus::kMost> sleepers{};
constinit std::atomic<std::uint64_t> finished{0};

// Tells the VCPU of that task; interrupts it only if it sleeps.
void tell(std::uint64_t task) {
  using namespace guest;
  const auto vcpu = static_cast<unsigned>(task % vcpus::count());
  if (vcpu == vcpus::me()) return;
  sleepers[vcpu].news.fetch_add(1);
  if (sleepers[vcpu].asleep.exchange(0) != 0) vcpus::interrupt(vcpu);
}

void play() {
  using namespace guest;
  trap::handle(hvsim::isa::Interrupt::supervisor_software, [](trap::Frame&) { vcpus::acknowledge(); });
  Sleeper& self = sleepers[vcpus::me()];
  std::uint64_t seen = 0;
  exchange->run(vcpus::me(), vcpus::count(), tell, [&] {
    self.asleep.store(1);
    while (self.news.load() == seen) {
      trap::sleep();
      self.asleep.store(1);
    }
    self.asleep.store(0);
    seen = self.news.load();
  });
  finished.fetch_add(1);
  if (vcpus::me() != 0) vcpus::interrupt(0);
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const messages::Parameters parameters = messages::parameters(arguments);
  require_valid(arguments);
  messages::Exchange all{parameters, tasks};
  exchange = &all;
  for (unsigned vcpu = 1; vcpu < vcpus::count(); ++vcpu) {
    if (vcpus::start(vcpu, play)) continue;
    console::print("error: VCPU ", Decimal{vcpu}, " did not start\n");
    return kExitFail;
  }
  region_begin(kMeasuredRegion);
  play();
  while (finished.load() != vcpus::count()) trap::sleep();
  work_done(all.total());
  region_end(kMeasuredRegion);
  console::print("messages ", Decimal{all.total()}, "\nchecksum ", Hex{all.checksum()}, "\n");
  return kExitPass;
}
