// Where whoever looks in from outside (a debugger) finds VMs, their queues and VCPUs: the hypervisor fills in
// one of these when its VMs are built, and never looks at it again. Only plain numbers, so that both builds
// lay it out alike.
#pragma once

#include <cstdint>

namespace hv {

// Of a stage-two leaf that is read-only: the frame behind it is others', too. RSW: bits 9:8 are software's.
inline constexpr std::uint64_t kSharedLeaf = std::uint64_t{1} << 8;

struct Inspection {
  static constexpr std::uint64_t kMark = 0x5055'4356'4D49'5348;  // "HSIMVCUP": the rest is filled in
  static constexpr std::uint32_t kVersion = 2;  // counts changes of this struct and its meaning

  // One member of each element of an array.
  struct Column {
    std::uint64_t address = 0;  // of the first element's
    std::uint32_t stride = 0;
    std::uint32_t count = 0;
    std::uint64_t at(std::uint64_t index) const { return address + index * stride; }
  };

  // As the scheduler has it.
  enum class VcpuState : std::uint8_t { stopped, ready, running, blocking, blocked, stopping, parked };

  // Where the parts of a DlhQueue are, from its first byte. What waits in it are the calls with the tickets
  // from `finished` up to `appended`, each at its ticket modulo the capacity.
  struct QueueLayout {
    std::uint32_t calls = 0;     // abi::Notification
    std::uint32_t owners = 0;    // u16: VM
    std::uint32_t capacity = 0;  // u32
    std::uint32_t appended = 0;  // u64
    std::uint32_t finished = 0;  // u64
    std::uint32_t draining = 0;  // bool
  };

  std::uint64_t mark = 0;  // kMark: boot is over
  std::uint32_t version = kVersion;
  std::uint32_t vcpu_bytes = 0;  // sizeof(Vcpu), which whoever reads must have the same of
  Column vcpus;                  // hv::Vcpu, by VcpuId; only those that exist
  Column vcpu_states;            // VcpuState, by VcpuId
  Column loaded;                 // VcpuId, by hart: whose VS registers its CSRs hold
  Column vm_states;              // Vm::State, by VM; only those that exist
  Column vm_roots;               // physical address of the stage-two root table, likewise
  Column vm_shared_pages;        // physical address of its abi::SharedPage, likewise
  Column vm_completed;           // deferrable calls that have run, likewise
  Column vm_deferred;            // of delivery `softirq`: its calls in queues of harts, likewise
  Column vm_queues;              // DlhQueue, likewise
  Column hart_queues;            // DlhQueue, by hart: of delivery `softirq`
  QueueLayout queue;
  std::uint64_t zero_block = 0;  // physical address of the frames behind pages that are shared as free
  std::uint64_t zero_bytes = 0;  // of them; 0: there are none
};
static_assert(sizeof(Inspection) == 216);

}  // namespace hv
