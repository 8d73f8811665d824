// The port to a modelled hart: every operation is done at once and charged by the cost model.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hypervisor/arch/host/cost_model.h"
#include "hypervisor/arch/host/host_hart.h"
#include "hypervisor/arch/host/image_map.h"
#include "hypervisor/fence.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/work.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"

namespace hv {

using hvsim::isa::Cycles;
using hvsim::isa::Gpa;
using hvsim::isa::Hpa;

// Each kind of work: its price, and its code if that goes through the caches.
class WorkTable {
 public:
  WorkTable(const CostModel& costs, const ImageMap& image);
  const WorkKind& operator[](Work work) const { return each_[static_cast<std::size_t>(work)]; }

 private:
  std::array<WorkKind, kWorks> each_{};
};

// To an unfinished drain, until it goes on, waits for another hart, or is given up for another VCPU.
constexpr bool leads_back(Work work) {
  return work != Work::drain_entry && work != Work::run_call && work != Work::lock_wait &&
         work != Work::schedule;
}

class Arch {
 public:
  // Harts enter the hypervisor one after the other here, so nobody ever finds a lock taken, and whoever
  // begins something ends it before another hart is entered. What a real hart would have waited is known from
  // when it was held, in cycles.
  struct Held {
    Cycles taken_at = 0, free_at = 0;
    // Harts run ahead of each other by up to a quantum: time before that does not count.
    Cycles left(Cycles now) const { return taken_at <= now && now < free_at ? free_at - now : 0; }
  };
  using Lock = Held;
  using Turn = Held;

  // `costless`: whatever is done takes no time. `resumes`: what leads back to where ahead() was true takes
  // none either; no hart does that.
  Arch(HostHart& hart, const CostModel& costs, const ImageMap& image, const WorkTable& works,
       bool costless = false, bool resumes = false)
      : hart_(hart), costs_(costs), image_(image), works_(works), costless_(costless), resumes_(resumes) {}

  unsigned hart() const { return hart_.id(); }

  std::uint64_t read_word(Hpa at);
  void write_word(Hpa at, std::uint64_t value);
  void or_word(Hpa at, std::uint64_t bits);
  void copy_in(void* to, Hpa from, std::size_t bytes);
  void copy_out(Hpa to, const void* from, std::size_t bytes);
  void zero(Hpa at, std::uint64_t bytes);
  std::optional<std::uint32_t> guest_instruction(std::uint64_t pc) { return hart_.guest_instruction(pc); }
  void fence(const GuestFence& fence);
  void save(Vcpu& vcpu, RegisterGroup group);
  void restore(Vcpu& vcpu, RegisterGroup group);
  void set_timer(std::uint64_t ticks) {
    if (hart_.timer_by_firmware()) charge(Work::time_emulation, 1);
    hart_.set_timer(ticks);
  }
  void send_ipi(unsigned hart);
  void lock(Lock& lock);
  void unlock(Lock& lock) { lock.free_at = hart_.cycles(); }
  void pause() {}
  void takes(Turn& turn) { turn = {hart_.cycles(), ~Cycles{0}}; }
  void leaves(Turn& turn) { turn.free_at = hart_.cycles(); }
  // Whoever has to wait gets there: never where waiting takes no time.
  bool taken(const Turn& turn) const {
    return !costless_ && !free_of_charge_ && costs_.cycles(Work::lock_wait) != 0 &&
           turn.left(hart_.cycles()) != 0;
  }
  void await(const Turn& turn, Cycles most) {
    charge(Work::lock_wait, std::min(turn.left(hart_.cycles()), most));
  }
  bool ahead() {
    return stands_aside_ || (stands_aside_ = hart_.ahead());
  }  // from then on nothing takes time
  // Nothing takes time on the way out, nor on the way back here.
  bool meets() {
    if (resumes_ || costless_ || free_of_charge_) return resumes_ = false;
    return stands_aside_ = stands_aside_ || !hart_.first();
  }
  Cycles cycles() { return hart_.cycles(); }
  std::uint64_t ticks() {
    charge(Work::time_read, 1);
    if (hart_.time_by_firmware()) charge(Work::time_emulation, 1);
    return hart_.ticks();
  }
  void console(std::string_view text);
  void mark(hvsim::isa::MarkKind kind, std::uint64_t value) {
    if (value == static_cast<std::uint64_t>(hvsim::isa::HypervisorPhase::restore) &&
        kind == hvsim::isa::MarkKind::phase)
      stands_aside_ = resumes_ = false;
    hart_.mark(static_cast<std::uint16_t>(kind), value);
  }
  void charge(Work work, std::uint64_t units) {
    if (costless_ || free_of_charge_ || stands_aside_ || units == 0) return;
    if (resumes_ && leads_back(work)) return;
    resumes_ = false;
    hart_.charge(works_[work], units);
  }
  // The time that the hypervisor's own data take, where the core's state holds them.
  void uses(const void* at, std::uint64_t bytes, bool is_write) {
    if (costs_.own_lines && image_.knows(at)) touch(image_.place(at), bytes, is_write);
  }
  void touch_stack() {
    if (costs_.own_lines && image_.known()) touch(image_.stack(hart()), ImageMap::kStackBytes, true);
  }
  bool free_of_charge(bool free) {
    free_of_charge_ = free;
    return true;
  }

 private:
  void touch(Hpa at, std::uint64_t bytes, bool is_write) {
    if (!costless_ && !free_of_charge_ && !stands_aside_ && !resumes_) hart_.touch(at, bytes, is_write);
  }
  void charge_word(Hpa at);
  HostHart& hart_;
  const CostModel& costs_;
  const ImageMap& image_;
  const WorkTable& works_;
  const bool costless_;
  bool stands_aside_ = false, resumes_;
  bool free_of_charge_ = false;
  Hpa last_word_{};
};

}  // namespace hv
