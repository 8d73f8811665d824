// The field lists of devices.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "sim/config.h"
#include "sim/describe.h"

namespace hvsim::sim {

template <>
struct Named<device::DiskAccess> {
  using E = device::DiskAccess;
  static constexpr std::array choices{std::pair{E::overlay, "overlay"}, std::pair{E::read_only, "read_only"},
                                      std::pair{E::read_write, "read_write"}};
};

template <>
struct Described<BlockConfig> {
  using T = BlockConfig;
  static constexpr auto fields = std::tuple{
      Field{"file", &T::file, Unit::none, "raw image of the disk", Rule{.file = true, .required = true}},
      Field{
          "access", &T::access, Unit::none,
          "overlay: writes last as long as the run; read_only: they fail; read_write: they change the file"},
      Field{"latency_us", &T::latency_us, Unit::microseconds, "of each request", Rule{.max = 10'000'000}},
      Field{"megabytes_per_second", &T::megabytes_per_second, Unit::bytes_per_us,
            "rate at which data move, beside the latency", Rule{.min = 1, .max = 1'000'000}},
      Field{"serial", &T::serial, Unit::none, "what the disk says when asked for its ID, 20 bytes at most"}};
};

template <>
struct Described<TypingStep> {
  using T = TypingStep;
  static constexpr auto fields = std::tuple{
      Field{"expect", &T::expect, Unit::none, "text that the console must have shown since the step before"},
      Field{"after_us", &T::after_us, Unit::microseconds, "simulated time to wait then",
            Rule{.max = 1'000'000'000'000}},
      Field{"send", &T::send, Unit::none, "text to type", Rule{.required = true}}};
};

template <>
struct Described<TypingConfig> {
  using T = TypingConfig;
  static constexpr auto fields = std::tuple{
      Field{"input", &T::input, Unit::none, "text typed from the start, as fast as the guest reads"},
      Field{"input_file", &T::input_file, Unit::none, "the same from a file", Rule{.file = true}},
      Field{"script", &T::script, Unit::none, "what is typed when, one step after the other"}};
};

template <>
struct Described<VirtioConsoleConfig> {
  using T = VirtioConsoleConfig;
  static constexpr auto fields = std::tuple{
      Field{"present", &T::present, Unit::none,
            "a virtio console in the last slot; its log is console/virtio.log"},
      Field{"latency_us", &T::latency_us, Unit::microseconds, "of each buffer", Rule{.max = 10'000'000}},
      Field{"megabytes_per_second", &T::megabytes_per_second, Unit::bytes_per_us,
            "rate at which text moves, beside the latency", Rule{.min = 1, .max = 1'000'000}},
      Field{"typed", &T::typed, Unit::none, "its input"}};
};

template <>
struct Described<RtcConfig> {
  using T = RtcConfig;
  static constexpr auto fields = std::tuple{
      Field{"start_unix_seconds", &T::start_unix_seconds, Unit::none,
            "the clock's time when the run begins, in seconds since 1970; it goes on in simulated time",
            Rule{.max = 9'000'000'000}}};
};

template <>
struct Described<DevicesConfig> {
  using T = DevicesConfig;
  static constexpr auto fields =
      std::tuple{Field{"rtc", &T::rtc, Unit::none, "real-time clock"},
                 Field{"console", &T::console, Unit::none, "a second console beside the UART"},
                 Field{"block", &T::block, Unit::none, "disks: virtio block devices in the first slots",
                       Rule{.max = kVirtioSlots}}};
};

}  // namespace hvsim::sim
