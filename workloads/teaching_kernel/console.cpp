// A 16550 UART driven by interrupts: one character goes out per interrupt, what comes in waits in a ring.
#include "workloads/teaching_kernel/console.h"

#include "workloads/teaching_kernel/panic.h"
#include "workloads/teaching_kernel/process.h"

namespace kernel {
namespace {

constexpr unsigned kData = 0, kInterruptEnable = 1, kFifoControl = 2, kInterruptCause = 2, kLineControl = 3,
                   kLineStatus = 5;
constexpr std::uint8_t kReceived = 1, kTransmitterEmpty = 2;     // interrupts
constexpr std::uint8_t kDataReady = 0x01, kHoldingEmpty = 0x20;  // line status
constexpr std::uint8_t kDivisorLatch = 0x80, kEightBits = 0x03;  // line control
constexpr std::uint8_t kFifos = 0x01, kClearFifos = 0x06;

volatile std::uint8_t& uart(unsigned offset) { return device_register<std::uint8_t>(kUart + offset); }

Spinlock lock;
bool sending;        // a character is on its way; its interrupt will say that it left
bool being_written;  // somebody's text; others wait for its end

char input[256];
unsigned received, consumed;  // counts of characters; the ring's places are these modulo its size

void send(char character) {
  while (sending) sleep(&sending, lock);
  sending = true;
  uart(kData) = static_cast<std::uint8_t>(character);
}

void receive(char character) {
  if (received - consumed == sizeof input) return;  // nobody reads: lost
  input[received++ % sizeof input] = character == '\r' ? '\n' : character;
}

char next_character() {
  while (received == consumed) sleep(&received, lock);
  return input[consumed++ % sizeof input];
}

}  // namespace

void console_start() {
  uart(kInterruptEnable) = 0;
  uart(kLineControl) = kDivisorLatch;
  uart(0) = 3;  // divisor for 38,400 baud
  uart(1) = 0;
  uart(kLineControl) = kEightBits;
  uart(kFifoControl) = kFifos | kClearFifos;
  uart(kInterruptEnable) = kReceived | kTransmitterEmpty;
}

void console_interrupt() {
  const Holding holding(lock);
  [[maybe_unused]] const std::uint8_t cause = uart(kInterruptCause);  // reading takes back the transmitter's
  if ((uart(kLineStatus) & kHoldingEmpty) != 0) {
    sending = false;
    wake(&sending);
  }
  while ((uart(kLineStatus) & kDataReady) != 0) receive(static_cast<char>(uart(kData)));
  wake(&received);
}

void console_write(std::string_view text) {
  const Holding holding(lock);
  while (being_written) sleep(&being_written, lock);
  being_written = true;
  for (const char character : text) send(character);
  being_written = false;
  wake(&being_written);
}

// Characters are echoed when they are read, not when they come: so a transcript does not depend on how early
// somebody typed.
std::size_t console_read(std::span<char> to) {
  const Holding holding(lock);
  std::size_t length = 0;
  while (length < to.size()) {
    const char character = next_character();
    send(character);
    to[length++] = character;
    if (character == '\n') break;
  }
  return length;
}

void console_write_now(std::string_view text) {
  for (const char character : text) {
    while ((uart(kLineStatus) & kHoldingEmpty) == 0) {
    }
    uart(kData) = static_cast<std::uint8_t>(character);
  }
}

void power_off(unsigned status) {
  constexpr std::uint32_t kPass = 0x5555, kFail = 0x3333;
  device_register<std::uint32_t>(kFinisher) = status == 0 ? kPass : (status & 0xFFFF) << 16 | kFail;
  while (true) guest::wait_for_interrupt();
}

void panic(std::string_view why) {
  console_write_now("panic: ");
  console_write_now(why);
  console_write_now("\n");
  power_off(0xFF);
}

}  // namespace kernel
