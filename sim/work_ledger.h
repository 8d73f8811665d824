// How much of each kind of work the natively running hypervisor did, by exit cause and phase.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>

#include "hypervisor/arch/host/cost_model.h"
#include "models/cpu/accountant.h"
#include "models/cpu/isa/mark.h"
#include "models/state/archive_forward.h"

namespace hvsim::sim {

class WorkLedger {
 public:
  using Row = std::array<std::uint64_t, hv::kWorks>;  // units, by hv::Work
  struct Key {
    bool in_exit = false;  // then `cause` counts
    cpu::ExitCause cause{};
    isa::HypervisorPhase phase = isa::HypervisorPhase::none;
    friend constexpr auto operator<=>(const Key&, const Key&) = default;
    void persist(state::Archive& archive);
  };

  // Of the work that this accountant's present row takes. Stays where it is until the next reset(), which
  // comes with those of the accountants: until then each of their rows stands for one key of ours.
  Row& row(cpu::Accountant& by) {
    const cpu::ComponentCycles* const of = &by.row();
    Found& found = found_[reinterpret_cast<std::uintptr_t>(of) * kGolden >> (64 - kFoundBits)];
    if (found.of != of) [[unlikely]]
      found = {of, &row_of(by.now())};
    return *found.row;
  }
  const std::map<Key, Row>& rows() const { return rows_; }
  // Not while a hart is in the hypervisor but for marks, behind which it looks its row up anew.
  void reset() {
    rows_.clear();
    found_.fill({});
  }
  void persist(state::Archive& archive);

 private:
  // Rows where they were found last time: exits come back to the same few.
  struct Found {
    const cpu::ComponentCycles* of = nullptr;
    Row* row = nullptr;
  };
  static constexpr unsigned kFoundBits = 8;
  static constexpr std::uint64_t kGolden = 0x9E37'79B9'7F4A'7C15;  // Fibonacci hashing

  Row& row_of(const cpu::CellKey& cell) {
    return rows_[{cell.in_exit, cell.in_exit ? cell.cause : cpu::ExitCause{}, cell.phase}];
  }

  std::map<Key, Row> rows_;
  std::array<Found, std::size_t{1} << kFoundBits> found_{};
};

}  // namespace hvsim::sim
