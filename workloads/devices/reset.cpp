// Leaves the board in disorder, resets it twice, and prints what each boot finds: the same on QEMU and here.
#include "workloads/bench/bench.h"
#include "workloads/devices/virtio.h"

namespace {

using namespace devices;
namespace csr = hvsim::isa::csr;

constexpr std::uintptr_t kBoots = 0x8040'0000, kUart = 0x1000'0000, kMsip1 = 0x0200'0004,
                         kMtimecmp = 0x0200'4000, kMtime = 0x0200'BFF8, kFinisher = 0x0010'0000;
constexpr std::uint32_t kMagic = 0xB007'0000, kReset = 0x7777;

int initialized = 41;  // the image is placed anew, so this is 41 at each boot

void disturb() {
  plic::enable(10);
  bare::device_register<std::uint8_t>(kUart + 1) = 0x0F;
  bare::device_register<std::uint8_t>(kUart + 7) = 0x5A;
  bare::device_register<std::uint64_t>(kMtimecmp) = 0;
  bare::device_register<std::uint32_t>(kMsip1) = 1;
  Slot(0).add_status(Slot::kAcknowledge);
  ++initialized;
}

}  // namespace

extern "C" void bench_main() {
  volatile auto& boots = bare::device_register<std::uint32_t>(kBoots);
  if ((boots & 0xFFFF'0000) != kMagic) boots = kMagic;
  boots = boots + 1;
  line("boot", boots & 0xFFFF, static_cast<std::uint64_t>(initialized));
  line("uart", bare::device_register<std::uint8_t>(kUart + 1));
  line("plic", bare::device_register<std::uint32_t>(plic::kBase + 40),
       bare::device_register<std::uint32_t>(plic::kEnable));
  line("clint", bare::device_register<std::uint32_t>(kMsip1),
       bare::device_register<std::uint64_t>(kMtime) < 5'000'000);
  line("virtio", Slot(0).status());
  line("csr", guest::csr_read<csr::mie>() & 0x888);
  if ((boots & 0xFFFF) == 3) bench::done("reset", boots);
  disturb();
  bare::device_register<std::uint32_t>(kFinisher) = kReset;
  while (true) asm volatile("wfi");
}
