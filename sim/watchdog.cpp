// Comparing hart states, and the proof.
#include "sim/watchdog.h"

#include <cstdio>
#include <cstring>
#include <type_traits>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/persist.h"
#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

constexpr isa::Cycles kFarAway = isa::Cycles{1} << 42;  // as the harts' shells see timers
constexpr std::uint64_t kCounterOverflow = 1 << 13;     // mie.LCOFIE (Sscofpmf)
constexpr std::uint64_t kMostRuns = 4096;               // of a hart in one proof

static_assert(std::is_trivially_copyable_v<cpu::HartState>);

// Bytes are copied and compared, padding included: it never changes, and a new field cannot be forgotten.
void remember(cpu::HartState& to, const cpu::HartState& from) {
  std::memcpy(static_cast<void*>(&to), &from, sizeof to);
  to.cycle = to.retired = 0;
  to.x[cpu::HartState::kSink] = 0;
}

bool same(const cpu::HartState& reference, const cpu::HartState& state) {
  if (state.pc != reference.pc) return false;
  cpu::HartState now;
  remember(now, state);
  return std::memcmp(&now, &reference, sizeof now) == 0;
}

}  // namespace

bool Watchdog::ran(unsigned hart, cpu::Stop why) {
  if (period_ == 0) return false;
  const isa::Cycles now = machine_.hart(hart).hart_state().cycle;
  if (active(why) || (phase_ == Phase::proof && witness_.progress())) {
    quiet_since_ = now;
    retreat();
    return false;
  }
  if (now < quiet_since_ + period_) return false;
  if (phase_ == Phase::quiet) phase_ = Phase::suspicion;
  compare(hart);
  if (tracks_[hart].runs > kMostRuns && phase_ == Phase::proof) {
    quiet_since_ = now;
    retreat();
    return false;
  }
  if (!all_come_back()) return false;
  if (something_is_due()) {
    quiet_since_ = now;
    retreat();
    return false;
  }
  if (phase_ == Phase::proof) return true;
  begin_proof();
  return false;
}

bool Watchdog::active(cpu::Stop why) {
  std::uint64_t events = 0;
  for (unsigned i = 0; i < machine_.harts(); ++i) {
    const cpu::HartCounters& counters = machine_.hart(i).counters();
    events += counters.device_accesses + counters.interrupts;
  }
  const bool changed = events != events_ || why == cpu::Stop::hypervisor;
  events_ = events;
  return changed;
}

bool Watchdog::something_is_due() const {
  if (machine_.agenda().next() != Agenda::kNever) return true;
  for (unsigned i = 0; i < machine_.harts(); ++i) {
    const cpu::Hart& hart = machine_.hart(i);
    const isa::Cycles timer = hart.next_timer(), now = hart.hart_state().cycle;
    if (timer < now || timer - now <= kFarAway) return true;
    if ((hart.hart_state().csr.mie & kCounterOverflow) != 0) return true;
  }
  return false;
}

// While suspecting, references are renewed at growing distances, so that loops of any length are found
// (Brent's algorithm). A proof keeps to its own.
void Watchdog::compare(unsigned hart) {
  Track& track = tracks_[hart];
  const cpu::HartState& state = machine_.hart(hart).hart_state();
  ++track.runs;
  if (track.has_reference && same(track.reference, state)) track.comes_back = true;
  if (phase_ == Phase::proof || track.comes_back || track.runs < track.patience) return;
  remember(track.reference, state);
  track.has_reference = true;
  track.runs = 0;
  track.patience *= 2;
}

bool Watchdog::all_come_back() const {
  for (unsigned i = 0; i < machine_.harts(); ++i)
    if (!tracks_[i].comes_back && !machine_.shell(i).asleep) return false;
  return true;
}

void Watchdog::begin_proof() {
  phase_ = Phase::proof;
  witness_ = {};
  for (unsigned i = 0; i < machine_.harts(); ++i) {
    tracks_[i] = {};
    remember(tracks_[i].reference, machine_.hart(i).hart_state());
    tracks_[i].has_reference = true;
    machine_.hart(i).set_witness(&witness_);
  }
}

void Watchdog::retreat() {
  if (phase_ == Phase::quiet) return;
  if (phase_ == Phase::proof)
    for (unsigned i = 0; i < machine_.harts(); ++i) machine_.hart(i).set_witness(nullptr);
  for (Track& track : tracks_) track = {};
  phase_ = Phase::quiet;
}

void Watchdog::Track::persist(state::Archive& archive) {
  auto& [state, known, again, count, wait] = *this;
  archive(state, known, again, count, wait);
}

// What is compared as bytes must be equal where there are none of its own.
void Watchdog::persist(state::Archive& archive) {
  auto phase = static_cast<std::uint8_t>(phase_);
  bool progress = witness_.progress();
  if (archive.loading())
    for (unsigned i = 0; i < machine_.harts(); ++i)
      remember(tracks_[i].reference, machine_.hart(i).hart_state());
  archive(tracks_, progress, events_, quiet_since_);
  archive.below(phase, static_cast<std::uint8_t>(Phase::proof) + 1);
  if (!archive.loading()) return;
  phase_ = static_cast<Phase>(phase);
  witness_ = {};
  if (progress) witness_.looked_at_time();
  if (phase_ == Phase::proof)
    for (unsigned i = 0; i < machine_.harts(); ++i) machine_.hart(i).set_witness(&witness_);
}

std::string where_harts_stand(const Machine& machine, const std::vector<std::string>& symbols) {
  std::string text;
  for (unsigned i = 0; i < machine.harts(); ++i) {
    const cpu::Hart& hart = machine.hart(i);
    const cpu::HartState& state = hart.hart_state();
    char line[160];
    std::snprintf(line, sizeof line, "%s hart %u at pc 0x%llx%s%s%s in %s-mode", i == 0 ? "" : ";", i,
                  static_cast<unsigned long long>(state.pc), symbols[i].empty() ? "" : " <",
                  symbols[i].c_str(), symbols[i].empty() ? "" : ">",
                  std::string(mode_name(state.mode)).c_str());
    text += line;
    if (machine.shell(i).asleep)
      std::snprintf(line, sizeof line, " sleeps: of what mie 0x%llx enables nothing is pending",
                    static_cast<unsigned long long>(state.csr.mie));
    else
      std::snprintf(line, sizeof line, " goes round in circles");
    text += line;
  }
  return text;
}

}  // namespace hvsim::sim
