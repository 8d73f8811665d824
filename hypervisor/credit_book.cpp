// The credit scheduler's books: what each VM may have of the harts, and how far those that compete have come.
#include "hypervisor/credit_book.h"

#include <algorithm>

#include "hypervisor/bits.h"

namespace hv {

void CreditBook::configure(const SchedulerSettings& settings) {
  settings_ = settings;
  find_granule();
}

void CreditBook::set_share(std::uint16_t vm, const SchedulerShare& share) {
  vms_[vm].share = share;
  vms_[vm].budget = quota(vms_[vm]);
  find_granule();
}

void CreditBook::add_vcpu(std::uint16_t vm) {
  ++vms_[vm].vcpus;
  find_granule();
}

void CreditBook::find_granule() {
  granule_ = 0;
  for (std::uint16_t vm = 0; vm < kMaxVms; ++vm)
    if (vms_[vm].vcpus != 0) granule_ = std::max(granule_, weigh(vm, vms_[vm].vcpus, settings_.slice_ticks));
}

// The groups that it connects become one, which goes by the clock that is furthest.
void CreditBook::join(std::uint64_t harts) {
  const auto clock = static_cast<std::uint8_t>(lowest_bit(harts));
  std::uint64_t members = harts;
  for (unsigned hart = 0; hart < kMaxHarts; ++hart) {
    if (((harts & known_harts_) >> hart & 1) == 0) continue;
    for (unsigned other = 0; other < kMaxHarts; ++other)
      if ((known_harts_ >> other & 1) != 0 && clock_of_[other] == clock_of_[hart])
        members |= std::uint64_t{1} << other;
  }
  Spent furthest = 0;
  for (unsigned hart = 0; hart < kMaxHarts; ++hart)
    if (((members & known_harts_) >> hart & 1) != 0) furthest = std::max(furthest, clocks_[clock_of_[hart]]);
  for (unsigned hart = 0; hart < kMaxHarts; ++hart)
    if ((members >> hart & 1) != 0) clock_of_[hart] = clock;
  clocks_[clock] = furthest;
  known_harts_ |= members;
}

CreditBook::Spent CreditBook::weigh(std::uint16_t vm, unsigned active, std::uint64_t ticks) const {
  return ticks * std::max(active, 1u) * kUnit / vms_[vm].share.weight;
}

CreditBook::Spent CreditBook::behind(std::uint64_t harts, Spent distance) const {
  const Spent clock = clocks_[clock_of_[lowest_bit(harts)]];
  return clock > distance ? clock - distance : 0;
}

CreditBook::Spent CreditBook::floor_of_woken(std::uint16_t vm, unsigned active, std::uint64_t harts) const {
  return behind(harts, weigh(vm, active, settings_.slice_ticks));
}

CreditBook::Spent CreditBook::floor(std::uint64_t harts) const { return behind(harts, 2 * granule_); }

void CreditBook::advance(unsigned hart, Spent spent) {
  Spent& clock = clocks_[clock_of_[hart]];
  clock = std::max(clock, spent);
}

void CreditBook::consume(std::uint16_t vm, std::uint64_t now, std::uint64_t ticks) {
  if (!capped(vm)) return;
  refill(vms_[vm], now);
  vms_[vm].budget -= static_cast<std::int64_t>(ticks);
}

// No slice is so short that the hart does nothing but switch; what is too much then is taken off the next
// period.
std::uint64_t CreditBook::allowance(std::uint16_t vm, std::uint64_t now) {
  if (!capped(vm)) return settings_.slice_ticks;
  refill(vms_[vm], now);
  if (vms_[vm].budget <= 0) return 0;
  const auto left = static_cast<std::uint64_t>(vms_[vm].budget);
  return std::clamp(left, (settings_.slice_ticks + 7) / 8, settings_.slice_ticks);
}

std::uint64_t CreditBook::next_period(std::uint64_t now) const {
  return (now / settings_.cap_period_ticks + 1) * settings_.cap_period_ticks;
}

std::int64_t CreditBook::quota(const Vm& vm) const {
  return static_cast<std::int64_t>(settings_.cap_period_ticks * vm.share.cap_percent / 100);
}

// What a period leaves over is lost: a cap is a limit, not a savings account.
void CreditBook::refill(Vm& vm, std::uint64_t now) const {
  const std::uint64_t period = now / settings_.cap_period_ticks;
  if (period <= vm.period) return;
  const std::uint64_t passed = std::min<std::uint64_t>(period - vm.period, 1'000'000);
  vm.budget = std::min(vm.budget + static_cast<std::int64_t>(passed) * quota(vm), quota(vm));
  vm.period = period;
}

}  // namespace hv
