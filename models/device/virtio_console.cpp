// Characters between a virtio console's queues and the world.
#include "models/device/virtio_console.h"

#include <algorithm>
#include <vector>

namespace hvsim::device {

void VirtioConsole::cancel(unsigned queue) { (queue == kTransmit ? transmitting_ : receiving_).reset(); }

// Output goes first, so that an answer does not overtake its question.
std::optional<std::uint64_t> VirtioConsole::begin(VirtioPort& port) {
  if (!transmitting_) {
    transmitting_ = port.take(kTransmit);
    transmitted_ = 0;
  }
  if (transmitting_) return transmit_piece();
  if (!receiving_ && !input_.empty()) receiving_ = port.take(kReceive);
  if (receiving_) return receive_piece();
  return std::nullopt;
}

void VirtioConsole::finish(VirtioPort& port) {
  if (transmitting_)
    transmit(port);
  else if (receiving_)
    receive(port);
}

std::uint64_t VirtioConsole::transmit_piece() const {
  return std::min(transmitting_->readable_bytes - transmitted_, kPieceBytes);
}

std::uint64_t VirtioConsole::receive_piece() const {
  return std::min({std::uint64_t{input_.size()}, receiving_->writable_bytes, kPieceBytes});
}

void VirtioConsole::transmit(VirtioPort& port) {
  std::vector<std::uint8_t> piece(transmit_piece());
  if (!gather(port.dma(), transmitting_->readable, transmitted_, piece)) return port.need_reset();
  output_(piece);
  transmitted_ += piece.size();
  if (transmitted_ < transmitting_->readable_bytes) return;
  const std::uint16_t head = transmitting_->head;
  transmitting_.reset();
  port.give(kTransmit, head, 0);
}

void VirtioConsole::receive(VirtioPort& port) {
  const auto bytes = static_cast<std::size_t>(receive_piece());
  const std::span piece(reinterpret_cast<const std::uint8_t*>(input_.data()), bytes);
  if (!scatter(port.dma(), receiving_->writable, 0, piece)) return port.need_reset();
  input_.erase(0, bytes);
  const std::uint16_t head = receiving_->head;
  receiving_.reset();
  port.give(kReceive, head, static_cast<std::uint32_t>(bytes));
}

}  // namespace hvsim::device
