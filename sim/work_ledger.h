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

  // Stays where it is until the next reset().
  Row& row(const cpu::CellKey& of) {
    return rows_[{of.in_exit, of.in_exit ? of.cause : cpu::ExitCause{}, of.phase}];
  }
  const std::map<Key, Row>& rows() const { return rows_; }
  // Not while a hart is in the hypervisor but for marks, behind which it looks its row up anew.
  void reset() { rows_.clear(); }
  void persist(state::Archive& archive);

 private:
  std::map<Key, Row> rows_;
};

}  // namespace hvsim::sim
