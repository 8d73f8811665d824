// The goldfish real-time clock of `virt`: nanoseconds since 1970, and an alarm. It knows no time of its own:
// it asks what the time is and to be called at another.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "models/device/device.h"
#include "models/irq/sink.h"
#include "models/state/archive_forward.h"

namespace hvsim::device {

struct GoldfishRtcState {
  std::uint64_t offset_ns = 0;  // of the clock from the machine's time
  std::uint64_t alarm_ns = 0;   // by the clock
  std::uint32_t latched_high = 0;
  bool alarm_running = false, pending = false, enabled = false;
};

// Times of the machine, from its start.
struct GoldfishRtcWiring {
  std::function<std::uint64_t()> now_ns;
  std::function<void(std::optional<std::uint64_t> ns)> call_at;  // expire(), or never
};

class GoldfishRtc final : public RegisterWindow {
 public:
  static constexpr std::uint64_t kBytes = 0x24;
  static constexpr std::uint64_t kTimeLow = 0x00, kTimeHigh = 0x04, kAlarmLow = 0x08, kAlarmHigh = 0x0C,
                                 kInterruptEnabled = 0x10, kClearAlarm = 0x14, kAlarmStatus = 0x18,
                                 kClearInterrupt = 0x1C;

  GoldfishRtc(std::uint64_t start_ns, GoldfishRtcWiring wiring, irq::Sink& interrupt,
              unsigned interrupt_line);

  bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) override;
  bool write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;

  void expire();
  void reset();  // alarm and interrupt; the clock goes on

  void persist(state::Archive& archive);

  const GoldfishRtcState& state() const { return state_; }

 private:
  std::uint64_t time() const { return state_.offset_ns + wiring_.now_ns(); }
  void set_time(std::uint64_t time);
  void set_alarm();
  void clear_alarm();
  void drive_interrupt();

  GoldfishRtcWiring wiring_;
  irq::Sink& interrupt_;
  unsigned interrupt_line_;
  bool interrupt_high_ = false;
  GoldfishRtcState state_;
};

}  // namespace hvsim::device
