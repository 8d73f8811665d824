// A VM's 16550: what it sends goes to the VM's console; nothing is ever typed.
#pragma once

#include <cstdint>
#include <optional>

namespace hv {

class VirtualUart {
 public:
  static constexpr std::uint64_t kBytes = 0x100;

  // Registers 0..7, a byte each; others read as zero and ignore writes.
  std::uint8_t read(std::uint64_t reg);
  std::optional<char> write(std::uint64_t reg, std::uint8_t value);  // a character that was sent
  bool interrupting() const;

 private:
  bool divisor_latch() const;
  bool loops() const;
  std::uint8_t interrupt_identification();
  std::uint8_t modem_status() const;
  std::optional<char> transmit(std::uint8_t value);

  std::uint8_t interrupt_enable_ = 0, fifo_control_ = 0, line_control_ = 0, modem_control_ = 0, scratch_ = 0;
  std::uint8_t divisor_[2] = {12, 0};
  std::uint8_t received_ = 0;
  bool has_received_ = false;          // only ever its own, in loopback mode
  bool transmitter_interrupt_ = true;  // the holding register became empty and nobody has noticed
};

}  // namespace hv
