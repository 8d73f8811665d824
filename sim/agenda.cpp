// Appointments of devices.
#include "sim/agenda.h"

#include <algorithm>

namespace hvsim::sim {

unsigned Agenda::add(Action action) {
  appointments_.push_back({kNever, std::move(action)});
  return static_cast<unsigned>(appointments_.size() - 1);
}

// An action makes its next appointment for later than its own time, so that time goes on.
void Agenda::arm(unsigned entry, isa::Cycles at) {
  appointments_[entry].at = acting_ ? std::max(at, *acting_ + 1) : at;
  find_next();
  if (acting_) return;
  for (const auto& changed : changed_) changed();
}

void Agenda::run_due(isa::Cycles now) {
  if (acting_) return;
  while (next() <= now) {
    Appointment& due = appointments_[earliest()];
    acting_ = due.at;
    due.at = kNever;
    find_next();
    due.action();
    acting_.reset();
  }
}

std::size_t Agenda::earliest() const {
  const auto found = std::ranges::min_element(appointments_, {}, &Appointment::at);
  return static_cast<std::size_t>(found - appointments_.begin());
}

}  // namespace hvsim::sim
