// What is behind a virtio transport: a device type with its features, configuration and use of queues.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "models/device/virtio_queue.h"
#include "models/state/archive_forward.h"

namespace hvsim::device {

// The transport as a device sees it.
class VirtioPort {
 public:
  virtual ~VirtioPort() = default;
  // The next buffer of a queue, if the driver has set the device going and offers one.
  virtual std::optional<VirtioChain> take(unsigned queue) = 0;
  virtual void give(unsigned queue, std::uint16_t head, std::uint32_t written) = 0;
  // The driver broke the rules; nothing works until it resets the device (section 2.1.2).
  virtual void need_reset() = 0;
  virtual bool accepted(std::uint64_t feature) const = 0;
  virtual DmaPort& dma() = 0;
};

class VirtioDevice {
 public:
  virtual ~VirtioDevice() = default;
  virtual std::uint32_t device_id() const = 0;
  virtual std::uint64_t features() const = 0;  // of the type; the transport adds its own
  virtual unsigned queues() const = 0;
  virtual std::span<const std::uint8_t> config() const = 0;  // what the driver can read, zeros behind it
  // Forgets whatever is under way, in one queue or altogether.
  virtual void cancel(unsigned queue) = 0;
  // As Worker.
  virtual std::optional<std::uint64_t> begin(VirtioPort& port) = 0;
  virtual void finish(VirtioPort& port) = 0;
  virtual void persist(state::Archive& archive) = 0;
};

}  // namespace hvsim::device
