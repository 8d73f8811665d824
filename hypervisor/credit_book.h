// The credit scheduler's books: what each VM may have of the harts, and how far those that compete have come.
//
// A VCPU's time counts by weight: an hour of a VM with weight 512 is half of one of a VM with weight 256, and
// the VCPUs of one VM that want to run share its weight. Who has `spent` least so far goes first. A clock
// for each group of harts that VCPUs compete for follows those that are let in. Who wakes up is put at most
// one slice of its own behind it: a sleeper saves nothing for later. Who never sleeps may lie further behind,
// by two slices of the lightest VCPU: that much a VCPU whose share is a whole hart needs, so that others,
// whose slices are coarser by weight, do not push it aside. More would let one whose weight is beyond a whole
// hart save for later, too.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/limits.h"
#include "hypervisor/scheduling.h"

namespace hv {

class CreditBook {
 public:
  using Spent = std::uint64_t;  // ticks of a hart times kUnit / weight

  void configure(const SchedulerSettings& settings);
  void set_share(std::uint16_t vm, const SchedulerShare& share);
  void add_vcpu(std::uint16_t vm);
  // VCPUs that may run on `harts` compete with all that may run on any of them.
  void join(std::uint64_t harts);

  // `ticks` of hart time of a VCPU whose VM has `active` VCPUs that run or want to.
  Spent weigh(std::uint16_t vm, unsigned active, std::uint64_t ticks) const;
  // What a VCPU has spent at least, by the clock of the harts where it may run: one that wakes up, and one
  // that wanted to run all the time.
  Spent floor_of_woken(std::uint16_t vm, unsigned active, std::uint64_t harts) const;
  Spent floor(std::uint64_t harts) const;
  // A VCPU that has spent so much is let in on `hart`.
  void advance(unsigned hart, Spent spent);

  bool capped(std::uint16_t vm) const { return vms_[vm].share.cap_percent != 0; }
  void consume(std::uint16_t vm, std::uint64_t now, std::uint64_t ticks);
  // What its cap leaves it now, at most a slice. 0: it must wait until next_period().
  std::uint64_t allowance(std::uint16_t vm, std::uint64_t now);
  std::uint64_t next_period(std::uint64_t now) const;

 private:
  static constexpr std::uint64_t kUnit = 65536;

  struct Vm {
    SchedulerShare share;
    std::int64_t budget = 0;   // ticks left in this period; less than none is taken off the next
    std::uint64_t period = 0;  // which one the budget is of
    unsigned vcpus = 0;
  };
  void refill(Vm& vm, std::uint64_t now) const;
  std::int64_t quota(const Vm& vm) const;
  void find_granule();
  Spent behind(std::uint64_t harts, Spent distance) const;

  SchedulerSettings settings_{};
  std::array<Vm, kMaxVms> vms_{};
  std::array<std::uint8_t, kMaxHarts> clock_of_{};  // which clock a hart goes by
  std::array<Spent, kMaxHarts> clocks_{};
  std::uint64_t known_harts_ = 0;
  Spent granule_ = 0;  // a slice of the lightest VCPU
};

}  // namespace hv
