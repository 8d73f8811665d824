// One virtual machine: its memory, queue, console, counters and what its configuration allows.
#pragma once

#include <cstdint>
#include <string_view>

#include "arch.h"
#include "hypervisor/atomics.h"
#include "hypervisor/dlh_queue.h"
#include "hypervisor/limits.h"
#include "hypervisor/page_hints.h"
#include "hypervisor/sharing/vm_sharing.h"
#include "hypervisor/stage_two_table.h"
#include "hypervisor/statistics.h"
#include "hypervisor/virtual_console.h"
#include "hypervisor/virtual_disk.h"
#include "hypervisor/virtual_plic.h"
#include "hypervisor/virtual_uart.h"

namespace hv {

struct Vm {
  enum class State : std::uint8_t { absent, alive, off };

  std::uint16_t id = 0;
  std::uint16_t vmid = 0;
  State state = State::absent;
  bool sstc = false;
  char name_characters[kMaxNameBytes + 1] = {};
  std::uint64_t harts = 0;  // where its VCPUs may run
  VcpuId first_vcpu = 0;    // its VCPUs are consecutive
  std::uint16_t vcpus = 0;
  std::uint64_t memory_bytes = 0;  // mapped from abi::kGuestMemoryBase up
  StageTwoTable table;             // changed under sharing.lock
  VmSharing sharing;
  struct Boot {
    std::uint64_t entry = 0, argument = 0;  // pc and a1 of VCPU 0
  } boot;
  Hpa shared_page{};  // of abi::SharedPage

  // Queues in guest memory, one per VCPU. Nothing in them is trusted and nothing is read twice.
  struct Rings {
    std::uint32_t capacity = 0;  // entries of each; 0: there are none
    std::uint32_t pages_each = 0;
    std::array<Hpa, abi::kMaxRings * kMaxRingPages> pages{};
    std::array<std::uint64_t, abi::kMaxRings> heads{};  // entries taken over; for the holder of the drain
  } rings;

  DlhQueue queue;
  VirtualConsole console;
  bool has_devices = false, has_disk = false;
  VirtualPlic plic;
  VirtualUart uart;
  VirtualDisk disk;
  PageHints hints;
  VmStatistics statistics;
  std::uint64_t completed = 0;   // deferrable calls that have run
  std::uint64_t deferred = 0;    // atomic: calls in queues, of this VM or of harts, that have not run
  bool counted_by_many = false;  // several harts may count for this VM at once
  std::uint64_t timer_slack_ticks = 0;
  std::uint32_t exit_code = 0;
  std::uint32_t exit_recorded = 0;  // atomic: the first VCPU to end the VM says how
  std::uint64_t last_routine = 0;   // what the last `routine` came to; keeps it from being optimised away
  Arch::Lock device_lock{};
  Arch::Lock memory_lock{};  // writes into its memory by other VMs, the completion count, starting VCPUs

  std::uint64_t own_pages = 2;  // its last ones: rings, BootInfo and SharedPage; never shared
  bool has_memory(Gpa at) const {
    return at.value >= abi::kGuestMemoryBase && at.value - abi::kGuestMemoryBase < memory_bytes;
  }
  // Pages from abi::kGuestMemoryBase that may be shared or given back.
  std::uint64_t guest_pages() const { return memory_bytes / hvsim::isa::kPageBytes - own_pages; }

  std::string_view name() const { return name_characters; }
  std::uint64_t hgatp() const { return table.hgatp(vmid); }

  // Adds to one of this VM's counters; the new value. Atomic only where it must be.
  std::uint64_t count(std::uint64_t& counter, std::uint64_t amount = 1) {
    if (counted_by_many) return add(counter, amount);
    return counter += amount;
  }
};

}  // namespace hv
