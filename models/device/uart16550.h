// The 16550A UART (TI/National PC16550D data sheet). It knows no time: a character is sent at once, and the
// four idle character times after which the receiver FIFO reports a timeout are always over.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string_view>

#include "models/device/device.h"
#include "models/irq/sink.h"
#include "models/state/archive_forward.h"

namespace hvsim::device {

struct UartState {
  std::uint8_t ier = 0, fcr = 0, lcr = 0, mcr = 0, scr = 0;
  std::uint8_t lsr_errors = 0;  // sticky until LSR is read
  std::uint8_t msr_deltas = 0;  // sticky until MSR is read
  std::uint8_t dll = 0x0C, dlm = 0;
  bool thre_pending = false;  // the transmitter-empty interrupt, until IIR shows it or THR is written
  std::deque<std::uint8_t> receive_fifo;
  std::deque<std::uint8_t> line;  // input that the receiver has no room for yet
};

class Uart16550 final : public RegisterWindow {
 public:
  static constexpr std::uint64_t kBytes = 0x100;
  static constexpr std::size_t kFifoBytes = 16;
  // Register offsets; DLL and DLM replace the first two while LCR.DLAB is set.
  static constexpr std::uint64_t kRbrThr = 0, kIer = 1, kIirFcr = 2, kLcr = 3, kMcr = 4, kLsr = 5, kMsr = 6,
                                 kScr = 7;

  using Output = std::function<void(std::uint8_t)>;
  Uart16550(Output output, irq::Sink& interrupt, unsigned interrupt_line);

  bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) override;
  bool write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;

  // Input from outside. The sender waits while the receiver is full, so nothing overruns.
  void push(std::span<const std::uint8_t> bytes);
  void push(std::string_view text);

  const UartState& state() const { return state_; }
  // Restores and drives the interrupt line again.
  void restore(const UartState& state);
  void reset();  // input that waits outside goes on waiting
  void persist(state::Archive& archive);

 private:
  std::uint8_t read_register(std::uint64_t offset);
  void write_register(std::uint64_t offset, std::uint8_t value);
  std::uint8_t read_rbr();
  std::uint8_t read_iir();
  std::uint8_t read_lsr();
  std::uint8_t read_msr();
  void write_thr(std::uint8_t value);
  void write_ier(std::uint8_t value);
  void write_fcr(std::uint8_t value);
  void write_mcr(std::uint8_t value);

  bool divisor_latch() const;
  bool loopback() const;
  bool fifo_enabled() const;
  std::size_t capacity() const { return fifo_enabled() ? kFifoBytes : 1; }
  std::size_t trigger_level() const;
  std::uint8_t modem_inputs() const;
  std::uint8_t interrupt_identification() const;
  void receive(std::uint8_t value);
  void receive_from_line();
  void drive_interrupt();

  Output output_;
  irq::Sink& interrupt_;
  unsigned interrupt_line_;
  bool interrupt_high_ = false;
  UartState state_;
};

}  // namespace hvsim::device
