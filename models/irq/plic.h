// The platform-level interrupt controller (RISC-V PLIC specification 1.0.0), sized and wired as on `virt`:
// context 2h is hart h's M-mode, context 2h + 1 its S-mode.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/device/device.h"
#include "models/irq/sink.h"
#include "models/state/archive_forward.h"

namespace hvsim::irq {

struct PlicState {
  static constexpr unsigned kSources = 96;  // IDs 1..96
  static constexpr unsigned kWords = kSources / 32 + 1;
  using SourceBits = std::array<std::uint32_t, kWords>;

  struct Context {
    SourceBits enabled{};
    std::uint32_t threshold = 0;
  };

  std::array<std::uint8_t, kSources + 1> priority{};
  SourceBits level{};    // of the source lines
  SourceBits pending{};  // requests that wait to be claimed
  SourceBits claimed{};  // claimed and not yet completed: the gateway holds further requests back
  std::vector<Context> contexts;
};

// Source lines come in through set_level(source ID, level).
class Plic final : public device::RegisterWindow, public Sink {
 public:
  static constexpr std::uint64_t kBytes = 0x600000;
  static constexpr unsigned kMaxPriority = 7;
  static constexpr std::uint64_t kPriority = 0x0, kPending = 0x1000, kEnable = 0x2000, kEnableStride = 0x80,
                                 kContext = 0x200000, kContextStride = 0x1000;

  // `harts` by hart ID; lines isa::Interrupt::machine_external and supervisor_external.
  explicit Plic(std::vector<Sink*> harts);

  bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) override;
  bool write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;
  void set_level(unsigned source, bool high) override;

  const PlicState& state() const { return state_; }
  // Restores and drives all outputs again.
  void restore(const PlicState& state);
  void reset();  // lines stay as they are driven
  void persist(state::Archive& archive);

 private:
  std::uint32_t read_register(std::uint64_t offset);
  void write_register(std::uint64_t offset, std::uint32_t value);
  std::uint32_t claim(PlicState::Context& context);
  void complete(const PlicState::Context& context, std::uint32_t source);
  unsigned best_source(const PlicState::Context& context) const;
  void forward_requests();
  void drive_outputs();
  void drive(std::size_t context, bool high);

  std::vector<Sink*> harts_;
  PlicState state_;
  std::vector<bool> outputs_;  // by context
};

}  // namespace hvsim::irq
