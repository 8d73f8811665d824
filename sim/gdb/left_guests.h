// What a guest's registers were when a hart left it, until the hypervisor has saved them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/cpu/observer.h"
#include "sim/config.h"

namespace hvsim::gdb {

class LeftGuests final : public cpu::Observer {
 public:
  struct Left {
    std::array<std::uint64_t, 32> x{};
    std::uint64_t pc = 0;
    isa::Mode mode{};
  };

  // Passes everything on to `next`, which may be null.
  explicit LeftGuests(cpu::Observer* next) : next_(next) {}

  const Left& of(unsigned hart) const { return harts_[hart]; }

  void trapped(const cpu::HartState& hart, const cpu::TrapSeen& seen) override {
    if (seen.taken.from.virtualized && !seen.taken.to.virtualized) {
      Left& left = harts_[hart.hart_id];
      std::copy_n(hart.x.begin(), left.x.size(), left.x.begin());
      left.pc = seen.taken.epc;
      left.mode = seen.taken.from;
    }
    if (next_ != nullptr) next_->trapped(hart, seen);
  }
  bool steps() const override { return next_ != nullptr && next_->steps(); }
  bool begins(const cpu::HartState& hart, const cpu::StepSeen& seen) override {
    return next_->begins(hart, seen);
  }
  void retired(const cpu::HartState& hart) override { next_->retired(hart); }
  void abandoned(const cpu::HartState& hart) override { next_->abandoned(hart); }

 private:
  cpu::Observer* next_;
  std::array<Left, sim::kMaxHarts> harts_{};
};

}  // namespace hvsim::gdb
