// Threads are harts, so that each does as it is told.
#pragma once

#include <optional>
#include <vector>

#include "sim/gdb/hart_target.h"
#include "sim/gdb/pace.h"

namespace hvsim::gdb {

class HartPace final : public Pace {
 public:
  explicit HartPace(HartTarget& target) : target_(target), harts_(target.machine().harts(), Go::run) {}

  bool stops_at_once() const override { return true; }
  std::optional<StopReport> before(unsigned hart) override;
  Go next(unsigned hart) const override { return harts_[hart]; }
  std::optional<StopReport> ran(unsigned hart, cpu::Stop why) override;
  ThreadId present(unsigned hart) const override { return HartTarget::thread_of(hart); }
  std::optional<StopReport> go(const std::vector<Go>& threads) override;
  void release() override;

 private:
  std::optional<StopReport> step_in_place(const std::vector<Go>& harts);
  void let_go(const std::vector<Go>& harts);

  HartTarget& target_;
  std::vector<Go> harts_;
  std::optional<unsigned> over_hypervisor_;  // a hart whose step ends when the host hypervisor is done
};

}  // namespace hvsim::gdb
