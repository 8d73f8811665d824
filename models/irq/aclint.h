// The core-local interruptor: software interrupts, timer compare registers and the time of day of all harts,
// with the register map of SiFive's CLINT (ACLINT specification, "Backward Compatibility With SiFive CLINT").
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "models/device/device.h"
#include "models/irq/sink.h"
#include "models/state/archive_forward.h"

namespace hvsim::irq {

inline constexpr unsigned kMaxHarts = 64;

// What the CLINT is wired to. Harts keep time and compare it with their own mtimecmp.
struct AclintWiring {
  std::function<std::uint64_t()> now;  // mtime
  std::function<void(std::uint64_t mtime)> set_mtime;
  std::function<void(unsigned hart, std::uint64_t mtimecmp)> set_mtimecmp;
  std::vector<Sink*> harts;  // by hart ID; line isa::Interrupt::machine_software
};

struct AclintState {
  std::array<bool, kMaxHarts> msip{};
  std::array<std::uint64_t, kMaxHarts> mtimecmp{};
};

class Aclint final : public device::RegisterWindow {
 public:
  static constexpr std::uint64_t kBytes = 0x10000;
  static constexpr std::uint64_t kMsip = 0x0, kMtimecmp = 0x4000, kMtime = 0xBFF8;

  explicit Aclint(AclintWiring wiring);

  bool read(std::uint64_t offset, unsigned bytes, std::uint64_t& value) override;
  bool write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override;

  const AclintState& state() const { return state_; }
  // Restores and drives all outputs again.
  void restore(const AclintState& state);
  void reset();
  void persist(state::Archive& archive);

 private:
  void set_msip(unsigned hart, bool high);
  void set_mtimecmp(unsigned hart, std::uint64_t value);
  unsigned harts() const { return static_cast<unsigned>(wiring_.harts.size()); }

  AclintWiring wiring_;
  AclintState state_;
};

}  // namespace hvsim::irq
