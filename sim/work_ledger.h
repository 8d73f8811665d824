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
    const Key key{of.in_exit, of.in_exit ? of.cause : cpu::ExitCause{}, of.phase};
    const std::uint64_t mixed = static_cast<std::uint64_t>(key.phase) * 256 + key.cause.code +
                                (key.cause.function << 16) + (key.cause.extension << 32) +
                                (key.cause.interrupt ? 128 : 0) + (key.in_exit ? 64 : 0);
    Found& found = found_[mixed * 0x9E37'79B9'7F4A'7C15 >> (64 - kFoundBits)];  // Fibonacci hashing
    if (found.row == nullptr || found.key != key) found = {key, &rows_[key]};
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
    Key key{};
    Row* row = nullptr;
  };
  static constexpr unsigned kFoundBits = 8;

  std::map<Key, Row> rows_;
  std::array<Found, std::size_t{1} << kFoundBits> found_{};
};

}  // namespace hvsim::sim
