// Benchmark: two million environment calls from S-mode to M-mode and back.
#include "models/cpu/isa/csr.h"
#include "workloads/bench/bench.h"
#include "workloads/runtime/csr.h"

extern "C" char bench_trap_vector[], bench_supervisor_loop[];

namespace {

namespace csr = hvsim::isa::csr;

constexpr std::uint64_t kCalls = 2'000'000;

}  // namespace

// Called by traps_vector.S when S-mode asks for the end.
extern "C" [[noreturn]] void bench_finished(std::uint64_t calls) { bench::done("traps", calls); }

extern "C" void bench_main() {
  constexpr std::uint64_t kNapotReadWriteExecute = 0x1F;
  guest::csr_write<csr::pmpaddr0>(~std::uint64_t{0});
  guest::csr_write<csr::pmpcfg0>(kNapotReadWriteExecute);
  guest::csr_write<csr::mtvec>(reinterpret_cast<std::uint64_t>(bench_trap_vector));
  guest::csr_write<csr::satp>(0);
  guest::csr_clear<csr::mstatus>(csr::kMpp | csr::kMpie);
  guest::csr_set<csr::mstatus>(std::uint64_t{1} << csr::kMppShift);
  guest::csr_write<csr::mepc>(reinterpret_cast<std::uint64_t>(bench_supervisor_loop));
  register std::uint64_t calls asm("a0") = kCalls;
  asm volatile("mret" : : "r"(calls) : "memory");
  __builtin_unreachable();
}
