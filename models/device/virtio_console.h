// virtio-console with its one port: a queue to receive from and one to transmit through (virtio 1.2,
// section 5.3).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "models/device/virtio_device.h"
#include "models/state/archive_forward.h"

namespace hvsim::device {

class VirtioConsole final : public VirtioDevice {
 public:
  static constexpr unsigned kReceive = 0, kTransmit = 1;
  using Output = std::function<void(std::span<const std::uint8_t>)>;

  explicit VirtioConsole(Output output) : output_(std::move(output)) {}

  // Input from outside, which waits for the driver's buffers. There may be work then.
  void push(std::string_view text) { input_ += text; }

  std::uint32_t device_id() const override { return 3; }
  std::uint64_t features() const override { return 0; }
  unsigned queues() const override { return 2; }
  std::span<const std::uint8_t> config() const override { return config_; }
  void cancel(unsigned queue) override;
  std::optional<std::uint64_t> begin(VirtioPort& port) override;
  void finish(VirtioPort& port) override;
  void persist(state::Archive& archive) override;

 private:
  static constexpr std::size_t kConfigBytes = 12;
  static constexpr std::uint64_t kPieceBytes = 4096;  // moved at once

  std::uint64_t transmit_piece() const;
  std::uint64_t receive_piece() const;
  void transmit(VirtioPort& port);
  void receive(VirtioPort& port);

  Output output_;
  std::array<std::uint8_t, kConfigBytes> config_{};
  std::string input_;
  std::optional<VirtioChain> transmitting_, receiving_;
  std::uint64_t transmitted_ = 0;  // of the chain under way
};

}  // namespace hvsim::device
