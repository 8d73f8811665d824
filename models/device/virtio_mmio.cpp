// Registers of the virtio-mmio transport, and the order in which a driver may set a device up.
#include "models/device/virtio_mmio.h"

namespace hvsim::device {

using namespace virtio;

namespace {

constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

// One half of a 64-bit value that is written in two.
void write_half(std::uint64_t& whole, bool upper, std::uint32_t value) {
  const unsigned shift = upper ? 32 : 0;
  whole = (whole & ~(std::uint64_t{0xFFFF'FFFF} << shift)) | std::uint64_t{value} << shift;
}

// The 64-bit register pairs of the selected queue.
std::uint64_t* queue_area(VirtioQueueState& queue, std::uint64_t offset) {
  switch (offset & ~std::uint64_t{7}) {
    case kQueueDescriptors:
      return &queue.descriptors;
    case kQueueDriver:
      return &queue.driver;
    case kQueueDevice:
      return &queue.device;
    default:
      return nullptr;
  }
}

}  // namespace

VirtioMmio::VirtioMmio(VirtioDevice* device, DmaPort& dma, irq::Sink& interrupt, unsigned interrupt_line,
                       WorkAvailable work_available)
    : device_(device),
      dma_(dma),
      interrupt_(interrupt),
      interrupt_line_(interrupt_line),
      work_available_(std::move(work_available)),
      queues_(device != nullptr ? device->queues() : 0) {}

// Registers are words (section 4.2.2.2); other widths read zero and change nothing, as on `virt`.
bool VirtioMmio::read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) {
  if (offset >= kConfig)
    value = read_config(offset - kConfig, bytes);
  else
    value = bytes == 4 ? read_register(offset) : 0;
  return true;
}

// No device here has configuration that the driver may write.
bool VirtioMmio::write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (bytes == 4 && offset < kConfig && device_ != nullptr) write_register(offset, low(value));
  return true;
}

std::uint32_t VirtioMmio::read_register(std::uint64_t offset) const {
  switch (offset) {
    case kMagicValue:
      return kMagic;
    case kVersion:
      return 2;
    case kVendorId:
      return kVendor;
    default:
      break;
  }
  if (device_ == nullptr) return 0;
  switch (offset) {
    case kDeviceId:
      return device_->device_id();
    case kDeviceFeatures:
      if (state_.device_features_select > 1) return 0;
      return state_.device_features_select == 0 ? low(offered()) : high(offered());
    case kInterruptStatus:
      return state_.interrupts;
    case kStatus:
      return state_.status;
    case kSharedMemoryLength:
    case kSharedMemoryLength + 4:
    case kSharedMemoryBase:
    case kSharedMemoryBase + 4:
      return ~std::uint32_t{0};  // no shared memory region (section 4.2.2)
    default:
      return read_queue_register(offset);
  }
}

std::uint32_t VirtioMmio::read_queue_register(std::uint64_t offset) const {
  if (state_.queue_select >= queues_.size()) return 0;
  switch (offset) {
    case kQueueSizeMax:
      return VirtioQueue::kMaxSize;
    case kQueueReady:
      return queues_[state_.queue_select].state.ready;
    default:
      return 0;  // for writing only, reserved, or a generation that never changes
  }
}

std::uint64_t VirtioMmio::read_config(std::uint64_t offset, unsigned bytes) const {
  if (device_ == nullptr) return 0;
  const auto config = device_->config();
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes && offset + i < config.size(); ++i)
    value |= std::uint64_t{config[offset + i]} << (8 * i);
  return value;
}

void VirtioMmio::write_register(std::uint64_t offset, std::uint32_t value) {
  switch (offset) {
    case kDeviceFeaturesSelect:
      state_.device_features_select = value;
      break;
    case kDriverFeatures:
      write_driver_features(value);
      break;
    case kDriverFeaturesSelect:
      state_.driver_features_select = value;
      break;
    case kQueueSelect:
      state_.queue_select = value;
      break;
    case kQueueNotify:
      notify(value);
      break;
    case kInterruptAcknowledge:
      state_.interrupts &= ~value;
      drive_interrupt();
      break;
    case kStatus:
      write_status(static_cast<std::uint8_t>(value));
      break;
    default:
      write_queue_register(offset, value);
      break;
  }
}

// A queue in use keeps its size and places.
void VirtioMmio::write_queue_register(std::uint64_t offset, std::uint32_t value) {
  if (state_.queue_select >= queues_.size()) return;
  VirtioQueue& queue = queues_[state_.queue_select];
  if (offset == kQueueReady) {
    write_queue_ready(queue, (value & 1) != 0);
  } else if (!queue.state.ready) {
    if (offset == kQueueSize) queue.state.size = value;
    if (std::uint64_t* area = queue_area(queue.state, offset)) write_half(*area, (offset & 4) != 0, value);
  }
}

void VirtioMmio::write_queue_ready(VirtioQueue& queue, bool ready) {
  if (ready == queue.state.ready) return;
  queue.state.taken = queue.state.used = 0;
  queue.state.ready = ready;
  if (!ready) device_->cancel(state_.queue_select);
  if (ready && !queue.well_formed(dma_)) need_reset();
}

void VirtioMmio::write_driver_features(std::uint32_t value) {
  const bool decided = (state_.status & kFeaturesOk) != 0;
  if (!decided && state_.driver_features_select < 2)
    write_half(state_.driver_features, state_.driver_features_select == 1, value);
}

// Bits are only ever added, but for the reset by zero. Features stand once they are accepted: without
// VERSION_1 too, since small kernels leave the upper half alone and mean the same layout. What comes out of
// order is not taken (section 3.1.1).
void VirtioMmio::write_status(std::uint8_t value) {
  if (value == 0) return reset();
  constexpr std::uint8_t kKnown = kAcknowledge | kDriver;
  auto added = static_cast<std::uint8_t>(value & ~state_.status & ~kNeedsReset);
  const auto after = static_cast<std::uint8_t>(state_.status | added);
  const bool acceptable = (state_.driver_features & ~offered()) == 0 && (after & kKnown) == kKnown;
  const bool features_ok = (state_.status & kFeaturesOk) != 0 || ((added & kFeaturesOk) != 0 && acceptable);
  if (!features_ok) added &= static_cast<std::uint8_t>(~(kFeaturesOk | kDriverOk));
  state_.status |= added;
  if ((added & kDriverOk) != 0) work_available_();
}

void VirtioMmio::notify(std::uint32_t queue) {
  if (queue < queues_.size() && running()) work_available_();
}

void VirtioMmio::reset() {
  for (unsigned i = 0; i < queues_.size(); ++i) {
    device_->cancel(i);
    queues_[i].state = {};
  }
  state_ = {};
  drive_interrupt();
}

void VirtioMmio::interrupt(std::uint32_t reason) {
  state_.interrupts |= reason;
  drive_interrupt();
}

void VirtioMmio::drive_interrupt() {
  const bool high_now = state_.interrupts != 0;
  if (high_now == interrupt_high_) return;
  interrupt_high_ = high_now;
  interrupt_.set_level(interrupt_line_, high_now);
}

std::optional<std::uint64_t> VirtioMmio::begin() {
  return device_ != nullptr && running() ? device_->begin(*this) : std::nullopt;
}

void VirtioMmio::finish() {
  if (device_ != nullptr && running()) device_->finish(*this);
}

std::optional<VirtioChain> VirtioMmio::take(unsigned number) {
  VirtioQueue& queue = queues_[number];
  if (!running() || !queue.state.ready) return std::nullopt;
  VirtioChain chain;
  const auto taken = queue.take(dma_, queue_options(), chain);
  if (taken == VirtioQueue::Take::broken) need_reset();
  if (taken != VirtioQueue::Take::chain) return std::nullopt;
  return chain;
}

void VirtioMmio::give(unsigned number, std::uint16_t head, std::uint32_t written) {
  VirtioQueue& queue = queues_[number];
  if (!running() || !queue.state.ready) return;
  const auto given = queue.give(dma_, queue_options(), head, written);
  if (given == VirtioQueue::Give::broken) need_reset();
  if (given == VirtioQueue::Give::interrupt) interrupt(kUsedBuffer);
}

// The driver is told only once it drives the device (section 2.1.2).
void VirtioMmio::need_reset() {
  const bool driven = (state_.status & kDriverOk) != 0;
  state_.status |= kNeedsReset;
  if (driven) interrupt(kConfigChange);
}

std::uint64_t VirtioMmio::offered() const {
  return device_->features() | kIndirectDescriptors | kEventIndex | kVersion1;
}

VirtioQueue::Options VirtioMmio::queue_options() const {
  return {.indirect = accepted(kIndirectDescriptors), .event_index = accepted(kEventIndex)};
}

}  // namespace hvsim::device
