// Several VCPUs in one guest: starting them, interrupting each other (SBI HSM and IPI extensions).
#include "workloads/runtime/vcpus.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "models/cpu/isa/cause.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/memory.h"

extern "C" char guest_secondary_entry[];
extern "C" [[noreturn]] void guest_secondary(void (*entry)());

namespace guest::vcpus {

namespace {

namespace csr = hvsim::isa::csr;

constexpr std::uint64_t kSbiHsm = 0x48534D, kSbiIpi = 0x735049, kStart = 0, kStop = 1, kSend = 0;
constexpr std::uint64_t kStackBytes = 16384;

struct Birth {  // start.S knows this layout
  std::uint64_t stack_top, satp;
  void (*entry)();
};

struct State {
  unsigned count = 1;
  std::array<Birth, kMost> births{};
};
constinit State state;

}  // namespace

void initialise(const hv::abi::BootInfo& info) { state.count = std::clamp<unsigned>(info.vcpus, 1, kMost); }

unsigned count() { return state.count; }

unsigned me() {
  std::uint64_t number;
  asm volatile("mv %0, tp" : "=r"(number));
  return static_cast<unsigned>(number);
}

bool start(unsigned vcpu, void (*entry)()) {
  if (vcpu >= state.count || state.births[vcpu].entry != nullptr) return false;
  void* const stack = memory::allocate(kStackBytes);
  if (stack == nullptr) return false;
  Birth& birth = state.births[vcpu];
  birth = {reinterpret_cast<std::uint64_t>(stack) + kStackBytes, csr_read<csr::satp>(), entry};
  std::atomic_thread_fence(std::memory_order_release);
  return hypercall::sbi(kSbiHsm, kStart, vcpu, reinterpret_cast<std::uint64_t>(guest_secondary_entry),
                        reinterpret_cast<std::uint64_t>(&birth))
             .error == hv::abi::kSuccess;
}

void interrupt(unsigned vcpu) {
  std::atomic_thread_fence(std::memory_order_release);
  hypercall::sbi(kSbiIpi, kSend, std::uint64_t{1} << vcpu, 0);
}

void acknowledge() {
  csr_clear<csr::sip>(bit(hvsim::isa::Interrupt::supervisor_software));
  std::atomic_thread_fence(std::memory_order_acquire);
}

}  // namespace guest::vcpus

extern "C" void guest_secondary(void (*entry)()) {
  entry();
  for (;;) guest::hypercall::sbi(guest::vcpus::kSbiHsm, guest::vcpus::kStop);
}
