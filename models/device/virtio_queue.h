// One split virtqueue as the device sees it (virtio 1.2, section 2.7). The driver is not trusted: every
// index, address and length is checked before it is used, and no chain is longer than a queue can be.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/device/dma.h"

namespace hvsim::device {

struct VirtioSegment {
  isa::Hpa address{};
  std::uint32_t bytes = 0;
};

// A buffer that the driver made available: what the device may read, and then what it may write.
struct VirtioChain {
  std::uint16_t head = 0;
  std::vector<VirtioSegment> readable, writable;
  std::uint64_t readable_bytes = 0, writable_bytes = 0;
};

// Copies between a chain's segments, from `offset` bytes into them, and `data`. false: they are shorter.
bool gather(DmaPort& dma, std::span<const VirtioSegment> from, std::uint64_t offset,
            std::span<std::uint8_t> data);
bool scatter(DmaPort& dma, std::span<const VirtioSegment> to, std::uint64_t offset,
             std::span<const std::uint8_t> data);

struct VirtioQueueState {
  std::uint32_t size = 0;  // as the driver wrote it
  bool ready = false;
  std::uint64_t descriptors = 0, driver = 0, device = 0;  // addresses of the three areas
  std::uint16_t taken = 0;                                // available entries that the device has taken
  std::uint16_t used = 0;                                 // entries that it has given back
};

class VirtioQueue {
 public:
  static constexpr std::uint32_t kMaxSize = 1024;

  struct Options {
    bool indirect = false, event_index = false;  // features that the driver accepted
  };
  enum class Take : std::uint8_t { nothing, chain, broken };
  enum class Give : std::uint8_t { silent, interrupt, broken };

  // What the driver wrote makes a queue: size, alignments, areas inside RAM.
  bool well_formed(const DmaPort& dma) const;
  // The next buffer that the driver made available.
  Take take(DmaPort& dma, const Options& options, VirtioChain& chain);
  // Returns a buffer of which the first `written` writable bytes were written, and says whether the driver
  // wants an interrupt for it.
  Give give(DmaPort& dma, const Options& options, std::uint16_t head, std::uint32_t written);

  VirtioQueueState state;

 private:
  struct Descriptor {
    std::uint64_t address = 0;
    std::uint32_t bytes = 0;
    std::uint16_t flags = 0, next = 0;
  };

  bool collect(DmaPort& dma, const Options& options, VirtioChain& chain) const;
  bool collect_indirect(DmaPort& dma, const Descriptor& table, VirtioChain& chain, unsigned& count) const;
  static bool read_descriptor(DmaPort& dma, std::uint64_t table, std::uint32_t index, Descriptor& descriptor);
  static bool add_segment(const DmaPort& dma, const Descriptor& descriptor, VirtioChain& chain);
  std::uint64_t used_event() const { return state.driver + 4 + 2 * std::uint64_t{state.size}; }
  std::uint64_t available_event() const { return state.device + 4 + 8 * std::uint64_t{state.size}; }
};

}  // namespace hvsim::device
