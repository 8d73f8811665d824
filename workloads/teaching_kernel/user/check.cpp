// Checks what the kernel and the machine promise a process. One line each; NOT in a line is a failure.
#include "workloads/teaching_kernel/user/system.h"

namespace {

using namespace user;

bool all_fine = true;

void check(std::string_view what, bool fine) {
  Line() << "check: " << what << (fine ? ": yes" : ": NOT");
  all_fine &= fine;
}

// Whether the kernel ends a process that does this.
template <class Deed>
bool ends(const Deed& deed) {
  if (fork() == 0) {
    deed();
    exit(0);
  }
  return wait() == kCallFailed;
}

void load(std::uint64_t at) { static_cast<void>(*reinterpret_cast<volatile char*>(at)); }
void store(std::uint64_t at) { *reinterpret_cast<volatile char*>(at) = 1; }

volatile unsigned shared_or_not = 1;

bool fork_copies_memory() {
  if (fork() == 0) {
    shared_or_not = 2;
    exit(shared_or_not);
  }
  return wait() == 2 && shared_or_not == 1;
}

bool memory_grows_with_zeros() {
  constexpr std::uint64_t kBytes = 100'000;
  const std::uint64_t begin = call(Call::grow, kBytes);
  if (begin == kCallFailed) return false;
  for (std::uint64_t at = begin; at < begin + kBytes; ++at)
    if (*reinterpret_cast<char*>(at) != 0) return false;
  store(begin + kBytes - 1);
  return call(Call::grow, std::uint64_t{1} << 40) == kCallFailed;
}

bool sleeps() {
  const std::uint64_t begin = call(Call::uptime);
  call(Call::sleep, 3);
  return call(Call::uptime) >= begin + 3;
}

// Nobody who only computes keeps the clock, or others, from going on.
bool is_preempted() {
  const std::uint64_t end = call(Call::uptime) + 4;
  return run_processes(4, [end](unsigned) {
    while (call(Call::uptime) < end) {
      for (unsigned i = 0; i < 1000; ++i) asm volatile("");
    }
    return true;
  });
}

}  // namespace

extern "C" int program_main(const char*) {
  constexpr std::uint64_t kKernel = 0x8000'0000, kTrampoline = (std::uint64_t{1} << 38) - kernel::kBlockBytes;
  check("a fork copies memory", fork_copies_memory());
  check("memory grows, with zeros in it", memory_grows_with_zeros());
  check("a process sleeps", sleeps());
  check("processes that compute are preempted", is_preempted());
  check("reading the kernel's memory ends a process", ends([] { load(kKernel); }));
  check("reading the trampoline ends a process", ends([] { load(kTrampoline); }));
  check("writing to its code ends a process",
        ends([] { store(address(reinterpret_cast<void*>(program_main))); }));
  check("a privileged instruction ends a process", ends([] { asm volatile("csrr t0, sstatus" : : : "t0"); }));
  check("a wrong address in a system call is refused", call(Call::write, kKernel, 1) == kCallFailed);
  check("an unknown system call is refused", call(static_cast<Call>(99)) == kCallFailed);
  return all_fine ? 0 : 1;
}
