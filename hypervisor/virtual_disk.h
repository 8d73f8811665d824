// A VM's disk: virtio-mmio version 2 with one queue; the content lies in the hypervisor's memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "arch.h"
#include "hypervisor/page_pool.h"
#include "hypervisor/stage_two_table.h"

namespace hv {

class GuestMemory;

class VirtualDisk {
 public:
  static constexpr std::uint64_t kBytes = 0x200;  // of its register window

  // Takes memory for `content` and copies it there. False: not enough.
  bool create(Arch& arch, PagePool& pool, std::span<const std::byte> content);
  void release(Arch& arch, PagePool& pool) { content_.release(arch, pool); }
  std::uint64_t pages(Arch& arch) const;  // 4 KiB pages that the content takes, with the table of them

  std::uint32_t read(std::uint64_t offset) const;
  // `memory` is the guest's. Requests run to their end before a notification returns;
  // if the guest's memory was starved, the one that was is still to be done by the same write, later.
  void write(Arch& arch, GuestMemory& memory, std::uint64_t offset, std::uint32_t value);
  bool interrupting() const { return interrupt_status_ != 0; }

 private:
  static constexpr std::uint32_t kQueueSize = 16;

  // So that no guest holds the hart, and the VM's lock, for long: what the driver is told of a request
  // (size_max and seg_max, section 5.2.4), and what fits into the queue at once if it keeps to that. Each
  // request takes two descriptors besides its segments, so three requests fill the queue best. Descriptors
  // that several requests name, or larger ones, would ask for more: such a driver is broken off.
  static constexpr std::uint32_t kMaxSegmentBytes = 16u << 10, kMaxSegments = 4;
  static constexpr std::uint64_t kMaxRequestBytes = kMaxSegments * kMaxSegmentBytes;
  static constexpr std::uint64_t kMaxNotificationBytes = (kQueueSize - 2 * 3) * kMaxSegmentBytes;

  struct Descriptor {
    std::uint64_t at;
    std::uint32_t bytes;
    std::uint16_t flags, next;
  };
  struct Request;

  void reset();
  void set_status(std::uint32_t value);
  void run_queue(Arch& arch, GuestMemory& memory);
  bool run_chain(Arch& arch, GuestMemory& memory, std::uint16_t head, std::uint64_t& budget,
                 std::uint32_t& written);
  bool follow(Arch& arch, GuestMemory& memory, std::uint16_t head, Request& request) const;
  std::uint8_t perform(Arch& arch, GuestMemory& memory, const Request& request, std::uint32_t& written);
  bool transfer(Arch& arch, GuestMemory& memory, const Descriptor& part, std::uint64_t at);
  void break_down(const GuestMemory& memory);

  StageTwoTable content_;  // byte `n` of the disk is where this maps address n
  std::uint64_t sectors_ = 0;
  std::uint32_t status_ = 0, interrupt_status_ = 0;
  std::uint32_t feature_word_ = 0, driver_feature_word_ = 0;
  std::array<std::uint32_t, 2> driver_features_{};
  std::uint32_t selected_queue_ = 0;
  std::uint32_t queue_size_ = kQueueSize, queue_ready_ = 0;
  std::uint64_t descriptors_ = 0, available_ = 0, used_ = 0;  // guest-physical
  std::uint16_t taken_ = 0, given_ = 0;                       // indices into the two rings
};

}  // namespace hv
