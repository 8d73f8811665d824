// The test finisher of `virt` (SiFive "test"): software ends or resets the machine by writing a word.
#pragma once

#include <cstdint>
#include <functional>

#include "models/device/device.h"

namespace hvsim::device {

struct FinishRequest {
  enum class Kind : std::uint8_t { pass, fail, reset };
  Kind kind{};
  std::uint16_t code = 0;  // of fail
};

class TestFinisher final : public RegisterWindow {
 public:
  static constexpr std::uint64_t kBytes = 0x1000;
  static constexpr std::uint16_t kPass = 0x5555, kFail = 0x3333, kReset = 0x7777;

  using Finish = std::function<void(FinishRequest)>;
  explicit TestFinisher(Finish finish) : finish_(std::move(finish)) {}

  bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) override;
  bool write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;

 private:
  Finish finish_;
};

}  // namespace hvsim::device
