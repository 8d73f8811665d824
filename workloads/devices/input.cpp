// Reads lines from the UART by its interrupts, and waits for the real-time clock's alarm: the same on QEMU
// and here.
#include "workloads/bench/bench.h"
#include "workloads/devices/virtio.h"

namespace {

using namespace devices;

constexpr unsigned kUartSource = 10, kRtcSource = 11;
constexpr std::uintptr_t kUart = 0x1000'0000, kRtc = 0x0010'1000;
constexpr std::uint8_t kReceived = 0x04, kTimeout = 0x0C, kNone = 0x01;

volatile std::uint8_t& uart(unsigned offset) { return bare::device_register<std::uint8_t>(kUart + offset); }
volatile std::uint32_t& rtc(unsigned offset) { return bare::device_register<std::uint32_t>(kRtc + offset); }

char text[64];
unsigned length = 0;

// Characters until the end of a line, each after an interrupt that says why it came.
void read_line() {
  for (length = 0; length < sizeof text;) {
    const std::uint32_t source = plic::wait();
    const auto cause = static_cast<std::uint8_t>(uart(2) & 0x0F);
    // None: QEMU's PLIC forwards once more what came in while the last interrupt was served.
    if (source != kUartSource || (cause != kReceived && cause != kTimeout && cause != kNone))
      line("odd interrupt", source, cause);
    bool ended = false;
    while (!ended && (uart(5) & 1) != 0) {
      text[length] = static_cast<char>(uart(0));
      ended = text[length] == '\n';
      length += ended ? 0 : 1;
    }
    plic::complete(source);
    if (ended) return;
  }
}

std::uint64_t time() {
  const std::uint64_t low = rtc(0x00);
  return std::uint64_t{rtc(0x04)} << 32 | low;
}

void set_alarm(std::uint64_t at) {
  rtc(0x0C) = static_cast<std::uint32_t>(at >> 32);
  rtc(0x08) = static_cast<std::uint32_t>(at);
  rtc(0x10) = 1;
}

void alarm() {
  plic::enable(kRtcSource);
  const std::uint64_t begin = time();
  line("after 2025", begin > 1'735'689'600'000'000'000);
  constexpr std::uint64_t kDelay = 3'000'000;
  set_alarm(begin + kDelay);
  line("alarm", rtc(0x18), rtc(0x10));
  const std::uint32_t source = plic::wait();
  line("rings", source, time() >= begin + kDelay, rtc(0x18));
  rtc(0x1C) = 1;
  plic::complete(source);
  set_alarm(begin);
  const std::uint32_t again = plic::wait();
  line("in the past", again, rtc(0x18));
  rtc(0x1C) = 1;
  plic::complete(again);
  set_alarm(time() + 1'000'000'000'000);
  rtc(0x14) = 1;
  line("cleared", rtc(0x18));
}

// Enabling the interrupt of an empty transmitter requests it; reading its cause takes it back.
void transmitter() {
  uart(1) = 0x02;
  line("transmitter empty", uart(2) & 0x0F, uart(2) & 0x0F);
  uart(0) = '.';
  while ((uart(5) & 0x40) == 0) {
  }
  line("after a character", uart(2) & 0x0F, uart(2) & 0x0F);
  uart(1) = 0;
  uart(1) = 0x02;
  line("enabled again", uart(2) & 0x0F);
  uart(1) = 0;
}

}  // namespace

extern "C" void bench_main() {
  uart(2) = 0x81;  // FIFOs, and a trigger level of 8
  transmitter();
  plic::enable(kUartSource);
  uart(1) = 0x01;
  for (unsigned i = 0; i < 3; ++i) {
    print("name? ");
    read_line();
    print("hello ");
    print(std::string_view(text, length));
    print("\n");
  }
  uart(1) = 0;
  alarm();
  bench::done("input", 0);
}
