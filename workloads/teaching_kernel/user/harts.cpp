// Keeps three harts busy, or as many as it is told, until each has run processes: "harts 1".
#include "workloads/teaching_kernel/user/system.h"

extern "C" int program_main(const char* argument) {
  using namespace user;
  constexpr std::uint64_t kPatience = 5000;  // ticks
  const unsigned wanted = number(argument, 3);
  const std::uint64_t end = call(Call::uptime) + kPatience;
  const auto seen = [] {
    unsigned count = 0;
    for (std::uint64_t bits = call(Call::harts); bits != 0; bits &= bits - 1) ++count;
    return count;
  };
  const bool fine = run_processes(wanted, [&](unsigned) {
    while (seen() < wanted && call(Call::uptime) < end) {
    }
    return seen() == wanted;
  });
  Line() << "harts: " << seen() << " have run processes";
  return fine ? 0 : 1;
}
