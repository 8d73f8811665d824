// Walking descriptors, taking available buffers, giving them back.
#include "models/device/virtio_queue.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hvsim::device {
namespace {

constexpr std::uint16_t kNext = 1, kWrite = 2, kIndirect = 4;  // descriptor flags
constexpr std::uint16_t kNoInterrupt = 1;                      // flags of the available ring
constexpr unsigned kDescriptorBytes = 16;

template <class T>
bool load(DmaPort& dma, std::uint64_t address, T& value) {
  std::uint8_t bytes[sizeof(T)];
  if (!dma.read(isa::Hpa{address}, bytes)) return false;
  std::memcpy(&value, bytes, sizeof(T));
  return true;
}

template <class T>
bool store(DmaPort& dma, std::uint64_t address, T value) {
  std::uint8_t bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  return dma.write(isa::Hpa{address}, bytes);
}

// Calls move(address, first byte of data, bytes) for each piece of a chain that `data_bytes` from `offset`
// cover.
template <class Move>
bool walk_segments(std::span<const VirtioSegment> segments, std::uint64_t offset, std::size_t data_bytes,
                   Move move) {
  std::size_t done = 0;
  for (const VirtioSegment& segment : segments) {
    if (done == data_bytes) break;
    if (offset >= segment.bytes) {
      offset -= segment.bytes;
      continue;
    }
    const auto piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(segment.bytes - offset, data_bytes - done));
    if (!move(segment.address + offset, done, piece)) return false;
    done += piece;
    offset = 0;
  }
  return done == data_bytes;
}

// virtio 1.2, section 2.7.10: has the index passed the event since it was `old_index`?
bool passed(std::uint16_t event, std::uint16_t new_index, std::uint16_t old_index) {
  return static_cast<std::uint16_t>(new_index - event - 1) <
         static_cast<std::uint16_t>(new_index - old_index);
}

}  // namespace

bool gather(DmaPort& dma, std::span<const VirtioSegment> from, std::uint64_t offset,
            std::span<std::uint8_t> data) {
  return walk_segments(from, offset, data.size(), [&](isa::Hpa at, std::size_t first, std::size_t bytes) {
    return dma.read(at, data.subspan(first, bytes));
  });
}

bool scatter(DmaPort& dma, std::span<const VirtioSegment> to, std::uint64_t offset,
             std::span<const std::uint8_t> data) {
  return walk_segments(to, offset, data.size(), [&](isa::Hpa at, std::size_t first, std::size_t bytes) {
    return dma.write(at, data.subspan(first, bytes));
  });
}

bool VirtioQueue::well_formed(const DmaPort& dma) const {
  const std::uint64_t size = state.size;
  if (size == 0 || size > kMaxSize || !std::has_single_bit(size)) return false;
  if (state.descriptors % 16 != 0 || state.driver % 2 != 0 || state.device % 4 != 0) return false;
  return dma.is_ram(isa::Hpa{state.descriptors}, kDescriptorBytes * size) &&
         dma.is_ram(isa::Hpa{state.driver}, 6 + 2 * size) && dma.is_ram(isa::Hpa{state.device}, 6 + 8 * size);
}

VirtioQueue::Take VirtioQueue::take(DmaPort& dma, const Options& options, VirtioChain& chain) {
  std::uint16_t available = 0;
  if (!load(dma, state.driver + 2, available)) return Take::broken;
  const auto waiting = static_cast<std::uint16_t>(available - state.taken);
  if (waiting == 0) return Take::nothing;
  if (waiting > state.size) return Take::broken;

  chain = {};
  if (!load(dma, state.driver + 4 + std::uint64_t{2} * (state.taken % state.size), chain.head))
    return Take::broken;
  if (chain.head >= state.size || !collect(dma, options, chain)) return Take::broken;
  ++state.taken;
  if (options.event_index && !store(dma, available_event(), state.taken)) return Take::broken;
  return Take::chain;
}

VirtioQueue::Give VirtioQueue::give(DmaPort& dma, const Options& options, std::uint16_t head,
                                    std::uint32_t written) {
  const std::uint64_t entry = state.device + 4 + std::uint64_t{8} * (state.used % state.size);
  const std::uint16_t before = state.used++;
  if (!store(dma, entry, std::uint32_t{head}) || !store(dma, entry + 4, written) ||
      !store(dma, state.device + 2, state.used))
    return Give::broken;

  std::uint16_t wish = 0;
  if (!load(dma, options.event_index ? used_event() : state.driver, wish)) return Give::broken;
  const bool wanted = options.event_index ? passed(wish, state.used, before) : (wish & kNoInterrupt) == 0;
  return wanted ? Give::interrupt : Give::silent;
}

// A chain has at most as many descriptors as the largest queue, so a loop among them ends.
bool VirtioQueue::collect(DmaPort& dma, const Options& options, VirtioChain& chain) const {
  std::uint32_t index = chain.head;
  for (unsigned count = 0; count < state.size;) {
    Descriptor descriptor;
    if (index >= state.size || !read_descriptor(dma, state.descriptors, index, descriptor)) return false;
    if ((descriptor.flags & kIndirect) != 0)
      return options.indirect && (descriptor.flags & kNext) == 0 &&
             collect_indirect(dma, descriptor, chain, count);
    if (!add_segment(dma, descriptor, chain)) return false;
    ++count;
    if ((descriptor.flags & kNext) == 0) return true;
    index = descriptor.next;
  }
  return false;
}

bool VirtioQueue::collect_indirect(DmaPort& dma, const Descriptor& table, VirtioChain& chain,
                                   unsigned& count) const {
  if (table.bytes == 0 || table.bytes % kDescriptorBytes != 0) return false;
  const std::uint32_t entries = table.bytes / kDescriptorBytes;
  std::uint32_t index = 0;
  for (; count < kMaxSize; ++count) {
    Descriptor descriptor;
    if (index >= entries || !read_descriptor(dma, table.address, index, descriptor)) return false;
    if ((descriptor.flags & kIndirect) != 0 || !add_segment(dma, descriptor, chain)) return false;
    if ((descriptor.flags & kNext) == 0) return true;
    index = descriptor.next;
  }
  return false;
}

bool VirtioQueue::read_descriptor(DmaPort& dma, std::uint64_t table, std::uint32_t index,
                                  Descriptor& descriptor) {
  static_assert(sizeof(Descriptor) == kDescriptorBytes);
  return load(dma, table + std::uint64_t{kDescriptorBytes} * index, descriptor);
}

// What the device reads comes before what it writes (section 2.7.4.2).
bool VirtioQueue::add_segment(const DmaPort& dma, const Descriptor& descriptor, VirtioChain& chain) {
  if (descriptor.bytes == 0) return true;
  const isa::Hpa address{descriptor.address};
  if (!dma.is_ram(address, descriptor.bytes)) return false;
  const bool write = (descriptor.flags & kWrite) != 0;
  if (!write && !chain.writable.empty()) return false;
  (write ? chain.writable : chain.readable).push_back({address, descriptor.bytes});
  (write ? chain.writable_bytes : chain.readable_bytes) += descriptor.bytes;
  return true;
}

}  // namespace hvsim::device
