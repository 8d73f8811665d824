// Registers, FIFO and interrupts of the 16550A.
#include "models/device/uart16550.h"

namespace hvsim::device {
namespace {

using Byte = std::uint8_t;

namespace ier {
constexpr Byte received = 0x01, transmitter_empty = 0x02, line_status = 0x04, modem_status = 0x08, all = 0x0F;
}
namespace iir {
constexpr Byte none = 0x01, line_status = 0x06, received = 0x04, timeout = 0x0C, transmitter_empty = 0x02,
               modem_status = 0x00, fifo_enabled = 0xC0;
}
namespace fcr {
constexpr Byte enable = 0x01, clear_receiver = 0x02, clear_transmitter = 0x04, trigger_mask = 0xC0;
constexpr unsigned trigger_shift = 6;
}  // namespace fcr
namespace lcr {
constexpr Byte divisor_latch = 0x80;
}
namespace mcr {
constexpr Byte dtr = 0x01, rts = 0x02, out1 = 0x04, out2 = 0x08, loop = 0x10, all = 0x1F;
}
namespace lsr {
constexpr Byte data_ready = 0x01, overrun = 0x02, transmitter_holding_empty = 0x20, transmitter_empty = 0x40;
}
namespace msr {
constexpr Byte trailing_ring = 0x04, cts = 0x10, dsr = 0x20, ring = 0x40, dcd = 0x80;
}

constexpr std::size_t kTriggerLevels[] = {1, 4, 8, 14};

}  // namespace

Uart16550::Uart16550(Output output, irq::Sink& interrupt, unsigned interrupt_line)
    : output_(std::move(output)), interrupt_(interrupt), interrupt_line_(interrupt_line) {}

// Registers are one byte wide; as on `virt`, wider accesses reach the register at their offset only.
bool Uart16550::read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) {
  if (offset > kScr || bytes > 4) return false;
  value = read_register(offset);
  drive_interrupt();
  return true;
}

bool Uart16550::write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (offset > kScr || bytes > 4) return false;
  write_register(offset, static_cast<Byte>(value));
  drive_interrupt();
  return true;
}

void Uart16550::push(std::span<const std::uint8_t> bytes) {
  state_.line.insert(state_.line.end(), bytes.begin(), bytes.end());
  receive_from_line();
  drive_interrupt();
}

void Uart16550::push(std::string_view text) {
  push(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void Uart16550::restore(const UartState& state) {
  state_ = state;
  interrupt_high_ = (interrupt_identification() & iir::none) == 0;
  interrupt_.set_level(interrupt_line_, interrupt_high_);
}

void Uart16550::reset() {
  UartState fresh;
  fresh.line = std::move(state_.line);
  restore(fresh);
  receive_from_line();
}

std::uint8_t Uart16550::read_register(std::uint64_t offset) {
  switch (offset) {
    case kRbrThr:
      return divisor_latch() ? state_.dll : read_rbr();
    case kIer:
      return divisor_latch() ? state_.dlm : state_.ier;
    case kIirFcr:
      return read_iir();
    case kLcr:
      return state_.lcr;
    case kMcr:
      return state_.mcr;
    case kLsr:
      return read_lsr();
    case kMsr:
      return read_msr();
    default:
      return state_.scr;
  }
}

void Uart16550::write_register(std::uint64_t offset, std::uint8_t value) {
  switch (offset) {
    case kRbrThr:
      divisor_latch() ? static_cast<void>(state_.dll = value) : write_thr(value);
      break;
    case kIer:
      divisor_latch() ? static_cast<void>(state_.dlm = value) : write_ier(value);
      break;
    case kIirFcr:
      write_fcr(value);
      break;
    case kLcr:
      state_.lcr = value;
      break;
    case kMcr:
      write_mcr(value);
      break;
    case kScr:
      state_.scr = value;
      break;
    default:
      break;  // LSR and MSR are for reading
  }
}

std::uint8_t Uart16550::read_rbr() {
  if (state_.receive_fifo.empty()) return 0;
  const Byte value = state_.receive_fifo.front();
  state_.receive_fifo.pop_front();
  receive_from_line();
  return value;
}

// Reading IIR clears the transmitter-empty interrupt if that is what it shows.
std::uint8_t Uart16550::read_iir() {
  const Byte source = interrupt_identification();
  if (source == iir::transmitter_empty) state_.thre_pending = false;
  return fifo_enabled() ? source | iir::fifo_enabled : source;
}

std::uint8_t Uart16550::read_lsr() {
  const Byte ready = state_.receive_fifo.empty() ? Byte{0} : lsr::data_ready;
  const Byte errors = state_.lsr_errors;
  state_.lsr_errors = 0;
  return ready | errors | lsr::transmitter_holding_empty | lsr::transmitter_empty;
}

std::uint8_t Uart16550::read_msr() {
  const Byte deltas = state_.msr_deltas;
  state_.msr_deltas = 0;
  return modem_inputs() | deltas;
}

// The character leaves at once, so the transmitter is empty again before the guest can look.
void Uart16550::write_thr(std::uint8_t value) {
  loopback() ? receive(value) : output_(value);
  state_.thre_pending = true;
}

// Enabling the transmitter-empty interrupt while the transmitter is empty requests it.
void Uart16550::write_ier(std::uint8_t value) {
  const Byte enabled = static_cast<Byte>(value & ~state_.ier & ier::all);
  state_.ier = value & ier::all;
  if ((enabled & ier::transmitter_empty) != 0) state_.thre_pending = true;
}

// Other bits count only while FIFOs are enabled; switching them on or off empties them.
void Uart16550::write_fcr(std::uint8_t value) {
  const bool toggled = ((value ^ state_.fcr) & fcr::enable) != 0;
  const bool cleared = (value & fcr::enable) != 0 && (value & fcr::clear_receiver) != 0;
  if (toggled || cleared) state_.receive_fifo.clear();
  // Emptying the transmitter requests its interrupt, as on `virt`.
  const bool transmitter = (value & fcr::enable) != 0 && (value & fcr::clear_transmitter) != 0;
  if (toggled || transmitter) state_.thre_pending = true;
  state_.fcr = (value & fcr::enable) != 0 ? value & (fcr::enable | fcr::trigger_mask) : 0;
  receive_from_line();
}

void Uart16550::write_mcr(std::uint8_t value) {
  const Byte before = modem_inputs();
  state_.mcr = value & mcr::all;
  const Byte after = modem_inputs();
  const Byte changed = static_cast<Byte>((before ^ after) & (msr::cts | msr::dsr | msr::dcd));
  state_.msr_deltas |= static_cast<Byte>(changed >> 4);
  if ((before & ~after & msr::ring) != 0) state_.msr_deltas |= msr::trailing_ring;
  receive_from_line();
}

bool Uart16550::divisor_latch() const { return (state_.lcr & lcr::divisor_latch) != 0; }
bool Uart16550::loopback() const { return (state_.mcr & mcr::loop) != 0; }
bool Uart16550::fifo_enabled() const { return (state_.fcr & fcr::enable) != 0; }

std::size_t Uart16550::trigger_level() const {
  return fifo_enabled() ? kTriggerLevels[state_.fcr >> fcr::trigger_shift] : 1;
}

// Outside, a terminal that is always there; in loopback, the modem control outputs.
std::uint8_t Uart16550::modem_inputs() const {
  if (!loopback()) return msr::cts | msr::dsr | msr::dcd;
  Byte inputs = 0;
  if ((state_.mcr & mcr::rts) != 0) inputs |= msr::cts;
  if ((state_.mcr & mcr::dtr) != 0) inputs |= msr::dsr;
  if ((state_.mcr & mcr::out1) != 0) inputs |= msr::ring;
  if ((state_.mcr & mcr::out2) != 0) inputs |= msr::dcd;
  return inputs;
}

// The highest of the enabled interrupts (data sheet, "Interrupt Control Functions").
std::uint8_t Uart16550::interrupt_identification() const {
  const auto enabled = [this](Byte source) { return (state_.ier & source) != 0; };
  if (enabled(ier::line_status) && state_.lsr_errors != 0) return iir::line_status;
  if (enabled(ier::received) && !state_.receive_fifo.empty())
    return state_.receive_fifo.size() >= trigger_level() ? iir::received : iir::timeout;
  if (enabled(ier::transmitter_empty) && state_.thre_pending) return iir::transmitter_empty;
  if (enabled(ier::modem_status) && state_.msr_deltas != 0) return iir::modem_status;
  return iir::none;
}

// A full FIFO keeps what it has and loses the new character; a single RBR is overwritten
// (data sheet, LSR bit 1).
void Uart16550::receive(std::uint8_t value) {
  if (state_.receive_fifo.size() >= capacity()) {
    state_.lsr_errors |= lsr::overrun;
    if (fifo_enabled()) return;
    state_.receive_fifo.pop_back();
  }
  state_.receive_fifo.push_back(value);
}

// In loopback the receiver is disconnected from the line.
void Uart16550::receive_from_line() {
  while (!loopback() && !state_.line.empty() && state_.receive_fifo.size() < capacity()) {
    state_.receive_fifo.push_back(state_.line.front());
    state_.line.pop_front();
  }
}

void Uart16550::drive_interrupt() {
  const bool high = (interrupt_identification() & iir::none) == 0;
  if (high == interrupt_high_) return;
  interrupt_high_ = high;
  interrupt_.set_level(interrupt_line_, high);
}

}  // namespace hvsim::device
