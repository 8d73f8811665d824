// VMs on a fake machine whose guests a test plays: what they store and load, and the maps that they publish.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/cooperative_map.h"

namespace hv {

using hvsim::isa::kPageBytes;

inline constexpr std::uint64_t kBase = abi::kGuestMemoryBase;
inline constexpr std::uint64_t kFirstPage = 16;  // of the map: image, descriptor and map lie below

// VMs whose guests are played by the test.
class Guests {
 public:
  explicit Guests(BundleDescription description, std::uint64_t memory_bytes = 1 << 20, unsigned count = 2,
                  unsigned vcpus = 1, unsigned hart_count = 1)
      : bench(hart_count), pages_(memory_bytes / kPageBytes - Vm{}.own_pages - kFirstPage) {
    description.sharing.period_us = 1000;
    description.sharing.step_gap_us = 1;
    description.sharing.pages_per_second = 1'000'000;
    description.sharing.content_step_pages = 64;
    for (unsigned n = 0; n < count; ++n) {
      BundleVm vm = small_vm(std::string(1, static_cast<char>('a' + n)), vcpus);
      vm.memory_bytes = memory_bytes;
      description.vms.push_back(vm);
    }
    bench.start(description);
  }

  std::uint64_t pages() const { return pages_; }
  static Gpa page(std::uint64_t number) { return Gpa{kBase + (kFirstPage + number) * kPageBytes}; }
  const VmSharing& sharing(unsigned vm) const { return bench.core->vm(vm).sharing; }
  std::uint64_t count(unsigned vm, SharingCounter counter) const { return sharing(vm)[counter]; }

  void publish(unsigned vm) {
    const abi::MemoryMapDescriptor descriptor = cooperative_map(kFirstPage, pages_);
    ASSERT_TRUE(store(vm, Gpa{kDescriptorAt}, &descriptor, sizeof descriptor));
    publish_map(bench, vm);
  }
  void set_map(unsigned vm, std::uint64_t number, bool free) {
    const MapEntry entry{free ? kFreeState : 0, 0};
    ASSERT_TRUE(store(vm, Gpa{kEntriesAt + number * sizeof entry}, &entry, sizeof entry));
  }

  // As the guest would: through stage two, with a fault where that says so. False: the VCPU waits for a
  // frame.
  bool store(unsigned vm, Gpa at, const void* from, std::size_t bytes) {
    for (unsigned tries = 0; tries < 3; ++tries) {
      const auto leaf = bench.core->vm(vm).table.leaf(bench.harts[0], at);
      if (leaf->right == LeafRight::write) {
        const std::uint64_t size = leaf->level == 1 ? 2u << 20 : kPageBytes;
        bench.harts[0].copy_out(leaf->frame + at.value % size, from, bytes);
        return true;
      }
      if (!fault(vm, at)) return false;
    }
    return false;
  }
  // Its store faults in stage two. False: it does not get to run.
  bool fault(unsigned vm, Gpa at) {
    if (!run(vm)) return false;
    bench.exit(*hart_of(vm), make_exit(23, at.value & 3, at.value >> 2));
    return true;
  }
  bool store(unsigned vm, Gpa at, std::uint64_t value) { return store(vm, at, &value, sizeof value); }
  std::uint64_t load(unsigned vm, Gpa at) {
    return bench.harts[0].read_word(bench.core->vm(vm).table.lookup(bench.harts[0], at)->at);
  }
  void fill(unsigned vm, std::uint64_t number, std::uint64_t value) {
    std::array<std::uint64_t, 512> words;
    words.fill(value);
    ASSERT_TRUE(store(vm, page(number), words.data(), sizeof words));
  }

  std::optional<unsigned> hart_of(unsigned vm) const {
    for (unsigned hart = 0; hart < bench.on.size(); ++hart)
      if (bench.on[hart] != nullptr && bench.on[hart]->vm == vm) return hart;
    return std::nullopt;
  }
  // Until a hart runs the VM; false: it does not get to run.
  bool run(unsigned vm) {
    for (unsigned tries = 0; tries < 64; ++tries) {
      if (hart_of(vm)) return true;
      pass(2000);
    }
    return false;
  }
  void pass(std::uint64_t microseconds) {
    bench.machine.ticks += 10 * microseconds;
    for (unsigned hart = 0; hart < bench.on.size(); ++hart)
      if (bench.on[hart] == nullptr)
        bench.interrupt_idle(hart);
      else
        bench.timer(hart);
  }
  void scan(unsigned steps = 64) {
    for (unsigned i = 0; i < steps; ++i) pass(100);
  }

  Bench bench;

 private:
  std::uint64_t pages_;
};

inline BundleDescription with_policy(SharingPolicy policy) {
  BundleDescription description;
  description.sharing.policy = policy;
  return description;
}

}  // namespace hv
