// Counts primes below 30,000 with a sieve per process, each in memory that it asks for: "primes 5" takes
// five.
#include "workloads/teaching_kernel/user/system.h"

namespace {

using namespace user;

constexpr unsigned kLimit = 30'000, kMost = 16;

unsigned count_primes(unsigned begin, unsigned end) {
  auto* composite = reinterpret_cast<bool*>(call(Call::grow, end));
  if (address(composite) == kCallFailed) exit(1);
  for (unsigned p = 2; p * p < end; ++p)
    for (unsigned multiple = p * p; !composite[p] && multiple < end; multiple += p)
      composite[multiple] = true;
  unsigned count = 0;
  for (unsigned n = begin < 2 ? 2 : begin; n < end; ++n) count += composite[n] ? 0 : 1;
  return count;
}

}  // namespace

extern "C" int program_main(const char* argument) {
  const unsigned processes = number(argument, 3);
  if (processes == 0 || processes > kMost) return 2;
  for (unsigned i = 0; i < processes; ++i) {
    if (fork() != 0) continue;
    const unsigned begin = kLimit / processes * i,
                   end = i + 1 == processes ? kLimit : begin + kLimit / processes;
    const unsigned count = count_primes(begin, end);
    Line() << "primes: " << count << " from " << begin << " to " << end;
    exit(count);
  }
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < processes; ++i) sum += wait();
  Line() << "primes: " << sum << " in all";
  return sum == 3245 ? 0 : 1;
}
