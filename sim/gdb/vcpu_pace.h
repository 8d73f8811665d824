// Threads are VCPUs: all of them always go on together, for the hypervisor says who gets a hart. Those that
// were not let go pass breakpoints and watchpoints. A step of one is over when it has come to its next
// instruction, whatever the hypervisor did in between.
#pragma once

#include <optional>
#include <vector>

#include "sim/gdb/pace.h"
#include "sim/gdb/vcpu_target.h"

namespace hvsim::gdb {

class VcpuPace final : public Pace {
 public:
  explicit VcpuPace(VcpuTarget& target);

  bool stops_at_once() const override { return false; }  // but where the first guest begins
  std::optional<StopReport> before(unsigned) override { return std::nullopt; }
  Go next(unsigned hart) const override { return harts_[hart]; }
  std::optional<StopReport> ran(unsigned hart, cpu::Stop why) override;
  ThreadId present(unsigned hart) const override;
  std::optional<StopReport> go(const std::vector<Go>& threads) override;
  void release() override;

 private:
  struct Step {
    unsigned vcpu = 0;
    std::uint64_t pc = 0;  // where it began
  };
  std::optional<StopReport> step_in_place(unsigned hart);
  void wait_for_step();
  std::optional<StopReport> came_back(unsigned hart);
  bool held(unsigned vcpu) const;

  VcpuTarget& target_;
  std::vector<Go> harts_, threads_;  // what harts do, and what was asked of threads
  std::optional<Step> step_;
};

}  // namespace hvsim::gdb
