// The hypervisor's queue and its lock between two harts: one tries again and again to get the right to drain,
// as a hart that polls, the other must get it so many times. Ends by the test finisher.
#include "hypervisor/dlh_queue.h"

namespace {

constexpr unsigned kRounds = 40;

hv::riscv::Board board;
hv::DlhQueue queue;

void run_calls(hv::Arch& arch) {
  queue.pop(queue.size());
  queue.end_drain(arch);
}

}  // namespace

extern "C" [[noreturn]] void hart_main(unsigned hart) {
  hv::Arch arch(board, hart);
  if (hart == 1)
    for (;;)
      if (queue.begin_drain(arch)) run_calls(arch);
  queue.configure({});
  const hv::abi::Notification call{1, 0, {}};
  for (unsigned round = 0; round < kRounds; ++round) {
    std::span<const hv::abi::Notification> calls{&call, 1};
    while (!calls.empty()) queue.push(arch, 0, calls);
    queue.wait_for_drain(arch);
    run_calls(arch);
  }
  *reinterpret_cast<volatile std::uint32_t*>(0x100000) = queue.finished() == kRounds ? 0x5555 : 0x13333;
  for (;;) {
  }
}
