// What devices will do later: appointments in simulated time, kept in their order. Plain C++; a SystemC shell
// lets the time pass.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/state/archive_forward.h"

namespace hvsim::sim {

class Agenda {
 public:
  static constexpr isa::Cycles kNever = ~isa::Cycles{0};
  using Action = std::function<void()>;

  // At most one appointment per entry.
  unsigned add(Action action);
  void arm(unsigned entry, isa::Cycles at);
  void disarm(unsigned entry) {
    appointments_[entry].at = kNever;
    find_next();
  }

  isa::Cycles next() const { return next_; }
  // Performs what is due, in order of time and then of entry. An action sees its own time, not `now`.
  void run_due(isa::Cycles now);
  // While an action runs: the time of its appointment.
  std::optional<isa::Cycles> acting() const { return acting_; }

  void persist(state::Archive& archive);

  // Called when somebody makes an appointment while none is being kept.
  void on_change(std::function<void()> changed) { changed_.push_back(std::move(changed)); }

 private:
  struct Appointment {
    isa::Cycles at = kNever;
    Action action;
  };

  std::size_t earliest() const;
  void find_next() { next_ = appointments_.empty() ? kNever : appointments_[earliest()].at; }

  std::vector<Appointment> appointments_;
  isa::Cycles next_ = kNever;  // of the earliest
  std::optional<isa::Cycles> acting_;
  std::vector<std::function<void()>> changed_;
};

}  // namespace hvsim::sim
