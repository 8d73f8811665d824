// A fake machine with the hypervisor core booted on it; tests play the guests by causing their exits.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "hypervisor/hypervisor.h"
#include "models/cpu/isa/csr.h"
#include "sim/image/bundle.h"

namespace hv {

using hvsim::sim::BundleDescription;
using hvsim::sim::BundleVm;

inline constexpr std::uint64_t kInterrupt = std::uint64_t{1} << 63;

inline BundleVm small_vm(const std::string& name, unsigned vcpus = 1, std::vector<unsigned> harts = {}) {
  return {.name = name,
          .memory_bytes = 64 << 10,
          .vcpus = vcpus,
          .harts = std::move(harts),
          .sstc = false,
          .arguments = {},
          .image = std::vector<std::byte>(64, std::byte{0x13})};
}

class Bench {
 public:
  static constexpr std::uint64_t kRamBytes = 24 << 20;

  explicit Bench(unsigned hart_count = 1) : machine(kRamBytes), core(std::make_unique<Hypervisor>()) {
    for (unsigned hart = 0; hart < hart_count; ++hart) harts.emplace_back(machine, hart);
    on.resize(hart_count, nullptr);
    platform.ram = {Hpa{FakeMachine::kRamBase}, kRamBytes};
    platform.harts = (std::uint64_t{1} << hart_count) - 1;
    platform.timebase_hz = 10'000'000;
    platform.vmid_bits = 14;
  }

  // Empty on success.
  std::string boot(std::span<const std::byte> bundle) {
    Text why;
    return core->boot(harts[0], platform, bundle, why) ? "" : std::string(why.view());
  }
  std::string boot(const BundleDescription& description) {
    const auto bundle = hvsim::sim::make_bundle(description);
    return bundle ? boot(*bundle) : bundle.error();
  }
  // Boots and brings every hart up.
  void start(const BundleDescription& description) {
    ASSERT_EQ(boot(description), "");
    for (unsigned hart = 0; hart < harts.size(); ++hart) interrupt_idle(hart);
  }

  void interrupt_idle(unsigned hart) { enter(hart, core->resume_idle(harts[hart])); }
  void exit(unsigned hart, const Exit& why) { enter(hart, core->handle(harts[hart], *on[hart], why)); }
  void timer(unsigned hart) { exit(hart, make_exit(kInterrupt | 5, 0, 0)); }
  // When the hart's timer fires: after a slice where none is set.
  std::uint64_t next_interrupt(unsigned hart) const {
    const std::uint64_t at = harts[hart].timer;
    return at == kNever ? machine.ticks + 10'000 : std::max(machine.ticks, at);
  }
  void software(unsigned hart) { exit(hart, make_exit(kInterrupt | 1, 0, 0)); }
  void wfi(unsigned hart) { exit(hart, make_exit(22, 0x10500073, 0)); }

  struct Answer {
    std::int64_t error;
    std::uint64_t value;
  };
  // The answer is what the caller finds in a0 and a1, whoever runs now.
  Answer ecall(unsigned hart, std::uint64_t extension, std::uint64_t function,
               std::initializer_list<std::uint64_t> arguments = {}) {
    Vcpu& caller = *on[hart];
    unsigned reg = 10;
    for (const std::uint64_t argument : arguments) caller.general.x[reg++] = argument;
    caller.general.x[16] = function;
    caller.general.x[17] = extension;
    exit(hart, make_exit(10, 0, 0));
    return {static_cast<std::int64_t>(caller.general.x[10]), caller.general.x[11]};
  }
  Answer call(unsigned hart, abi::Hypercall number, std::initializer_list<std::uint64_t> arguments = {}) {
    return ecall(hart, abi::kHypercallExtension, static_cast<std::uint64_t>(number), arguments);
  }

  // Guest memory as the guest of `vm` sees it.
  Hpa host_address(unsigned vm, std::uint64_t guest) {
    return core->vm(vm).table.lookup(harts[0], Gpa{guest})->at;
  }
  void write_guest(unsigned vm, std::uint64_t guest, const void* from, std::size_t bytes) {
    harts[0].copy_out(host_address(vm, guest), from, bytes);
  }
  abi::SharedPage shared_page(unsigned vm) {
    abi::SharedPage page;
    harts[0].copy_in(&page, core->vm(vm).shared_page, sizeof page);
    return page;
  }

  FakeMachine machine;
  Platform platform;
  std::unique_ptr<Hypervisor> core;
  std::vector<Arch> harts;
  std::vector<Vcpu*> on;  // who runs on each hart; nullptr: idle

 private:
  void enter(unsigned hart, Vcpu* next) {
    if (next != nullptr) next = core->prepare_entry(harts[hart], *next);
    on[hart] = next;
    if (next == nullptr) core->rest(harts[hart]);
    if (!machine.on_wait) {  // else others are in the hypervisor, too
      EXPECT_EQ(machine.held_locks, 0u);
    }
    EXPECT_FALSE(machine.out_of_ram);
    EXPECT_FALSE(machine.fence_of_nobody);
  }
};

}  // namespace hv
