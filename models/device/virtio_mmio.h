// The virtio-mmio transport, version 2 (virtio 1.2, section 4.2), as QEMU's `virt` has eight of. Without a
// device behind it the slot says so by device ID 0.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/device/device.h"
#include "models/device/virtio_device.h"
#include "models/device/worker.h"
#include "models/irq/sink.h"
#include "models/state/archive_forward.h"

namespace hvsim::device {

namespace virtio {

// Register offsets.
inline constexpr std::uint64_t kMagicValue = 0x000, kVersion = 0x004, kDeviceId = 0x008, kVendorId = 0x00C,
                               kDeviceFeatures = 0x010, kDeviceFeaturesSelect = 0x014,
                               kDriverFeatures = 0x020, kDriverFeaturesSelect = 0x024, kQueueSelect = 0x030,
                               kQueueSizeMax = 0x034, kQueueSize = 0x038, kQueueReady = 0x044,
                               kQueueNotify = 0x050, kInterruptStatus = 0x060, kInterruptAcknowledge = 0x064,
                               kStatus = 0x070, kQueueDescriptors = 0x080, kQueueDriver = 0x090,
                               kQueueDevice = 0x0A0, kSharedMemoryLength = 0x0B0, kSharedMemoryBase = 0x0B8,
                               kConfigGeneration = 0x0FC, kConfig = 0x100;
// Device status.
inline constexpr std::uint8_t kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8, kNeedsReset = 64,
                              kFailed = 128;
// Interrupt status.
inline constexpr std::uint32_t kUsedBuffer = 1, kConfigChange = 2;
// Features of the transport and its queues.
inline constexpr std::uint64_t kIndirectDescriptors = std::uint64_t{1} << 28,
                               kEventIndex = std::uint64_t{1} << 29, kVersion1 = std::uint64_t{1} << 32;

inline constexpr std::uint32_t kMagic = 0x7472'6976;   // "virt"
inline constexpr std::uint32_t kVendor = 0x554D'4551;  // "QEMU", which teaching kernels insist on

}  // namespace virtio

struct VirtioMmioState {
  std::uint8_t status = 0;
  std::uint32_t interrupts = 0;
  std::uint64_t driver_features = 0;
  std::uint32_t device_features_select = 0, driver_features_select = 0, queue_select = 0;
};

class VirtioMmio final : public RegisterWindow, public Worker, private VirtioPort {
 public:
  static constexpr std::uint64_t kBytes = 0x200;

  // `device` may be null: an empty slot.
  VirtioMmio(VirtioDevice* device, DmaPort& dma, irq::Sink& interrupt, unsigned interrupt_line,
             WorkAvailable work_available);

  bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) override;
  bool write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;

  std::optional<std::uint64_t> begin() override;
  void finish() override;

  void reset();
  void persist(state::Archive& archive);  // the device behind it too

  const VirtioMmioState& state() const { return state_; }
  const VirtioQueue& queue(unsigned number) const { return queues_[number]; }

 private:
  std::uint32_t read_register(std::uint64_t offset) const;
  std::uint32_t read_queue_register(std::uint64_t offset) const;
  std::uint64_t read_config(std::uint64_t offset, unsigned bytes) const;
  void write_register(std::uint64_t offset, std::uint32_t value);
  void write_queue_register(std::uint64_t offset, std::uint32_t value);
  void write_driver_features(std::uint32_t value);
  void write_status(std::uint8_t value);
  void write_queue_ready(VirtioQueue& queue, bool ready);
  void notify(std::uint32_t queue);
  void interrupt(std::uint32_t reason);
  void drive_interrupt();

  // VirtioPort
  std::optional<VirtioChain> take(unsigned queue) override;
  void give(unsigned queue, std::uint16_t head, std::uint32_t written) override;
  void need_reset() override;
  bool accepted(std::uint64_t feature) const override {
    return (state_.driver_features & feature) == feature;
  }
  DmaPort& dma() override { return dma_; }

  std::uint64_t offered() const;
  VirtioQueue::Options queue_options() const;
  bool running() const {
    return (state_.status & (virtio::kDriverOk | virtio::kNeedsReset)) == virtio::kDriverOk;
  }

  VirtioDevice* device_;
  DmaPort& dma_;
  irq::Sink& interrupt_;
  unsigned interrupt_line_;
  WorkAvailable work_available_;
  bool interrupt_high_ = false;
  std::vector<VirtioQueue> queues_;
  VirtioMmioState state_;
};

}  // namespace hvsim::device
