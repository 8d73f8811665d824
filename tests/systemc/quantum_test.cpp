// Harts' turns may fall as they like: whoever waits for a lock or for the right to drain gets it, with every
// quantum. A test-and-set lock does not pass this.
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "sim/simulation.h"
#include "tests/systemc/main.h"
#include "tests/systemc/silent.h"

namespace hvsim::sim {
namespace {

// In a process of its own, as each machine.
bool ends(const char* image, isa::Cycles quantum) {
  const pid_t child = fork();
  if (child == 0) {
    Config config;
    config.machine.harts = 2;
    config.machine.memory_bytes = 16 << 20;
    config.machine.mode = TimingMode::functional;
    config.machine.quantum_cycles = quantum;
    config.limits.max_cycles = 1'000'000;
    ImagePaths images;
    images.image = image;
    Silent progress;
    const auto result = simulate(config, images, progress);
    _exit(result && result->stop == StopReason::finished && result->guest_exit_code == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::vector<isa::Cycles> quanta_without_end(const char* image, isa::Cycles step) {
  std::vector<isa::Cycles> all;
  for (isa::Cycles quantum = 100; quantum < 700; quantum += step)
    if (!ends(image, quantum)) all.push_back(quantum);
  return all;
}

TEST(Quantum, WhoeverWaitsForAnotherHartComesToItsTurnWithEveryQuantum) {
  EXPECT_EQ(quanta_without_end(HVSIM_TURNS, HVSIM_QUANTUM_STEP), std::vector<isa::Cycles>{});
}

// Unprivileged manual, "Eventual Success of Store-Conditional Instructions".
TEST(Quantum, AConstrainedLoopOfLrAndScSucceedsWithEveryQuantum) {
  EXPECT_EQ(quanta_without_end(HVSIM_LR_SC, 3 * HVSIM_QUANTUM_STEP), std::vector<isa::Cycles>{});
}

}  // namespace
}  // namespace hvsim::sim
