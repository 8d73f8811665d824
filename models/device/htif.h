// The host-target interface of Berkeley's tools, as riscv-tests, riscv-arch-test and their kin use it:
// software writes a command to the doubleword `tohost` in its own memory and reads the answer from
// `fromhost`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "models/cpu/isa/types.h"
#include "models/device/dma.h"
#include "models/device/test_finisher.h"

namespace hvsim::device {

struct HtifWiring {
  DmaPort& memory;
  std::function<void(std::uint8_t)> console;
  std::function<void(FinishRequest)> finish;
};

class Htif {
 public:
  static constexpr std::uint64_t kBytes = 8;  // of each doubleword

  Htif(isa::Hpa to_host, std::optional<isa::Hpa> from_host, HtifWiring wiring);

  // Software may have written to `tohost`: does what it asks for. There is no input: who asks for a character
  // never gets one.
  void look();
  isa::Hpa to_host() const { return to_host_; }
  std::optional<isa::Hpa> from_host() const { return from_host_; }

 private:
  void call(isa::Hpa arguments);  // system calls by proxy: exit, and write to the console
  std::uint64_t write(isa::Hpa from, std::uint64_t bytes);
  void end(std::uint64_t code);
  std::uint64_t load(isa::Hpa from);
  void store(isa::Hpa to, std::uint64_t value);

  isa::Hpa to_host_;
  std::optional<isa::Hpa> from_host_;
  HtifWiring wiring_;
};

}  // namespace hvsim::device
