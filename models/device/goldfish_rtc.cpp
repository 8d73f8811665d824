// Registers of the goldfish clock (Android's GOLDFISH-VIRTUAL-HARDWARE, "Goldfish Timer", as Linux'
// rtc-goldfish and QEMU read it).
#include "models/device/goldfish_rtc.h"

namespace hvsim::device {
namespace {

constexpr std::uint64_t with_low(std::uint64_t whole, std::uint32_t low) { return (whole >> 32 << 32) | low; }
constexpr std::uint64_t with_high(std::uint64_t whole, std::uint32_t high) {
  return std::uint64_t{high} << 32 | static_cast<std::uint32_t>(whole);
}

}  // namespace

GoldfishRtc::GoldfishRtc(std::uint64_t start_ns, GoldfishRtcWiring wiring, irq::Sink& interrupt,
                         unsigned interrupt_line)
    : wiring_(std::move(wiring)), interrupt_(interrupt), interrupt_line_(interrupt_line) {
  state_.offset_ns = start_ns;
}

// Reading the lower half of the time keeps the upper one for the read that follows.
bool GoldfishRtc::read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) {
  if (bytes != 4) return false;
  value = 0;
  switch (offset) {
    case kTimeLow: {
      const std::uint64_t now = time();
      state_.latched_high = static_cast<std::uint32_t>(now >> 32);
      value = static_cast<std::uint32_t>(now);
      break;
    }
    case kTimeHigh:
      value = state_.latched_high;
      break;
    case kAlarmLow:
      value = static_cast<std::uint32_t>(state_.alarm_ns);
      break;
    case kAlarmHigh:
      value = state_.alarm_ns >> 32;
      break;
    case kInterruptEnabled:
      value = state_.enabled;
      break;
    case kAlarmStatus:
      value = state_.alarm_running;
      break;
    default:
      break;
  }
  return true;
}

// An alarm is set by its lower half, so drivers write the upper one first.
bool GoldfishRtc::write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (bytes != 4) return false;
  const auto word = static_cast<std::uint32_t>(value);
  switch (offset) {
    case kTimeLow:
      set_time(with_low(time(), word));
      break;
    case kTimeHigh:
      set_time(with_high(time(), word));
      break;
    case kAlarmLow:
      state_.alarm_ns = with_low(state_.alarm_ns, word);
      set_alarm();
      break;
    case kAlarmHigh:
      state_.alarm_ns = with_high(state_.alarm_ns, word);
      break;
    case kInterruptEnabled:
      state_.enabled = (word & 1) != 0;
      break;
    case kClearAlarm:
      clear_alarm();
      break;
    case kClearInterrupt:
      state_.pending = false;
      break;
    default:
      break;
  }
  drive_interrupt();
  return true;
}

void GoldfishRtc::expire() {
  if (!state_.alarm_running) return;
  state_.alarm_running = false;
  state_.pending = true;
  drive_interrupt();
}

void GoldfishRtc::reset() {
  clear_alarm();
  state_ = {.offset_ns = state_.offset_ns};
  drive_interrupt();
}

void GoldfishRtc::set_time(std::uint64_t time_ns) {
  state_.offset_ns = time_ns - wiring_.now_ns();
  if (state_.alarm_running) set_alarm();
}

// One that lies in the past goes off at once.
void GoldfishRtc::set_alarm() {
  const std::uint64_t now = time();
  state_.alarm_running = true;
  if (state_.alarm_ns <= now) {
    wiring_.call_at(std::nullopt);
    expire();
  } else {
    const std::uint64_t from_start = wiring_.now_ns() + (state_.alarm_ns - now);
    const bool ever = from_start >= state_.alarm_ns - now;  // or the machine's time has no such moment
    wiring_.call_at(ever ? std::optional(from_start) : std::nullopt);
  }
}

void GoldfishRtc::clear_alarm() {
  state_.alarm_running = false;
  wiring_.call_at(std::nullopt);
}

void GoldfishRtc::drive_interrupt() {
  const bool high = state_.pending && state_.enabled;
  if (high == interrupt_high_) return;
  interrupt_high_ = high;
  interrupt_.set_level(interrupt_line_, high);
}

}  // namespace hvsim::device
