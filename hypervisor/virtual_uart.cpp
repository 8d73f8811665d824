// A VM's 16550: what it sends goes to the VM's console; nothing is ever typed.
#include "hypervisor/virtual_uart.h"

namespace hv {
namespace {

// Names as in the PC16550D data sheet.
enum Register : std::uint64_t { kData, kIer, kIirFcr, kLcr, kMcr, kLsr, kMsr, kScr };
constexpr std::uint8_t kIerReceived = 1, kIerTransmitter = 2, kIerMask = 0x0f;
constexpr std::uint8_t kIirNone = 1, kIirTransmitter = 2, kIirReceived = 4, kIirFifos = 0xc0;
constexpr std::uint8_t kFcrEnable = 1, kFcrClearReceiver = 2;
constexpr std::uint8_t kLcrDivisorLatch = 0x80;
constexpr std::uint8_t kMcrLoop = 0x10, kMcrMask = 0x1f;
constexpr std::uint8_t kLsrReceived = 1, kLsrEmpty = 0x60;  // holding register and transmitter
constexpr std::uint8_t kMsrConnected = 0xb0;                // DCD, DSR, CTS

}  // namespace

bool VirtualUart::divisor_latch() const { return (line_control_ & kLcrDivisorLatch) != 0; }
bool VirtualUart::loops() const { return (modem_control_ & kMcrLoop) != 0; }

bool VirtualUart::interrupting() const {
  return (has_received_ && (interrupt_enable_ & kIerReceived) != 0) ||
         (transmitter_interrupt_ && (interrupt_enable_ & kIerTransmitter) != 0);
}

// Reading it takes the transmitter's interrupt back if that is what it reports.
std::uint8_t VirtualUart::interrupt_identification() {
  const std::uint8_t fifos = (fifo_control_ & kFcrEnable) != 0 ? kIirFifos : 0;
  std::uint8_t source = kIirNone;
  if (has_received_ && (interrupt_enable_ & kIerReceived) != 0) {
    source = kIirReceived;
  } else if (transmitter_interrupt_ && (interrupt_enable_ & kIerTransmitter) != 0) {
    source = kIirTransmitter;
    transmitter_interrupt_ = false;
  }
  return static_cast<std::uint8_t>(fifos | source);
}

// In loopback mode the modem's inputs are its outputs: DTR, RTS, OUT1, OUT2 -> DSR, CTS, RI, DCD.
std::uint8_t VirtualUart::modem_status() const {
  if (!loops()) return kMsrConnected;
  const unsigned out = modem_control_;
  return static_cast<std::uint8_t>((out & 0x0c) << 4 | (out & 2) << 3 | (out & 1) << 5);
}

std::uint8_t VirtualUart::read(std::uint64_t reg) {
  switch (reg) {
    case kData:
      if (divisor_latch()) return divisor_[0];
      has_received_ = false;
      return received_;
    case kIer:
      return divisor_latch() ? divisor_[1] : interrupt_enable_;
    case kIirFcr:
      return interrupt_identification();
    case kLcr:
      return line_control_;
    case kMcr:
      return modem_control_;
    case kLsr:
      return static_cast<std::uint8_t>(kLsrEmpty | (has_received_ ? kLsrReceived : 0));
    case kMsr:
      return modem_status();
    case kScr:
      return scratch_;
    default:
      return 0;
  }
}

// A character leaves at once, so the holding register is empty again.
std::optional<char> VirtualUart::transmit(std::uint8_t value) {
  transmitter_interrupt_ = true;
  if (!loops()) return static_cast<char>(value);
  received_ = value;
  has_received_ = true;
  return std::nullopt;
}

std::optional<char> VirtualUart::write(std::uint64_t reg, std::uint8_t value) {
  switch (reg) {
    case kData:
      if (!divisor_latch()) return transmit(value);
      divisor_[0] = value;
      break;
    case kIer:
      if (divisor_latch()) {
        divisor_[1] = value;
        break;
      }
      // Enabling it while the register is empty interrupts at once.
      if ((value & ~interrupt_enable_ & kIerTransmitter) != 0) transmitter_interrupt_ = true;
      interrupt_enable_ = value & kIerMask;
      break;
    case kIirFcr:
      if ((value & kFcrClearReceiver) != 0) has_received_ = false;
      fifo_control_ = value;
      break;
    case kLcr:
      line_control_ = value;
      break;
    case kMcr:
      modem_control_ = value & kMcrMask;
      break;
    case kScr:
      scratch_ = value;
      break;
    default:
      break;
  }
  return std::nullopt;
}

}  // namespace hv
