// What firmware and hardware do for the hypervisor on the target is done here for the one on the host.
#include "sim/host_hart.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "models/cpu/address_space.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/interrupts.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/privileged.h"
#include "models/cpu/timing_policy.h"
#include "models/mmu/mmu.h"
#include "models/mmu/pmp.h"

namespace hvsim::sim {
namespace {

constexpr std::uint64_t kUartTransmit = 0;

cpu::TranslationFence translate_fence(const hv::GuestFence& fence) {
  using From = hv::GuestFence::Kind;
  using To = cpu::TranslationFence::Kind;
  switch (fence.kind) {
    case From::vs_stage:
      return {.kind = To::hfence_vvma, .virtualized = false, .address = {}, .space = {}};
    case From::g_stage:
      return {.kind = To::hfence_gvma,
              .virtualized = false,
              .address = fence.page == hv::GuestFence::kWhole ? std::nullopt : std::optional{fence.page},
              .space = fence.vmid()};
    default:
      return {.kind = To::hfence_gvma, .virtualized = false, .address = {}, .space = {}};
  }
}

}  // namespace

HostHart::HostHart(Machine& machine, unsigned number, hv::HostHypervisor& hypervisor)
    : machine_(machine),
      number_(number),
      hart_(machine.hart(number)),
      state_(hart_.hart_state()),
      hypervisor_(hypervisor) {}

HostHart::Next HostHart::enter() {
  machine_.accessed_by(number_);
  trap_forgiven_ = false;
  work_ = nullptr;
  entered_at_ = state_.cycle;
  hand_on_machine_interrupts();
  if (state_.mode.privilege == isa::Privilege::machine) {
    leave_for(cpu::leave_machine(state_));
    return Next::guest;
  }
  const Next next = hypervisor_.enter(*this);
  if (next == Next::again &&
      state_.cycle == entered_at_)  // or it would poll for ever while no other hart runs
    hart_.charge(cpu::Component::hypervisor, 1);
  if (next == Next::guest) leave_for(cpu::leave_supervisor(state_));
  return next;
}

void HostHart::leave_for(std::uint64_t pc) {
  const bool timed = machine_.config().mode != TimingMode::functional;
  if (!trap_forgiven_) hart_.charge(cpu::Component::trap, timed ? machine_.config().costs.trap_return : 1);
  state_.pc = pc;
  hart_.mode_changed();
}

// What OpenSBI does with those that HS-mode cannot be given. They trap from guests; the hypervisor is not
// interrupted, so those that come meanwhile are found when it is entered next.
void HostHart::hand_on_machine_interrupts() {
  const std::uint64_t due = cpu::pending(state_) & state_.csr.mie;
  if ((due & isa::bit(isa::Interrupt::machine_timer)) != 0) {
    hypervisor_.charge(*this, hv::Work::timer_receipt);
    state_.csr.mie &= ~isa::bit(isa::Interrupt::machine_timer);
    state_.csr.mip |= isa::bit(isa::Interrupt::supervisor_timer);
  }
  if ((due & isa::bit(isa::Interrupt::machine_software)) != 0) {
    hypervisor_.charge(*this, hv::Work::ipi_receipt);
    hart_.set_line(isa::Interrupt::machine_software, false);
    state_.csr.mip |= isa::bit(isa::Interrupt::supervisor_software);
  }
}

// As far as a guest gets before others have their turns, unless nobody has one before now.
bool HostHart::ahead() { return state_.cycle - entered_at_ >= machine_.config().quantum_cycles && !first(); }

bool HostHart::first() {
  const Turns& turns = machine_.turns();
  for (unsigned hart = 0; hart < machine_.harts(); ++hart)
    if (hart != number_ && turns.due(hart) < state_.cycle) return false;
  return true;
}

std::uint64_t HostHart::csr(unsigned number) { return cpu::csr_file::peek(state_, number); }

void HostHart::write_csr(unsigned number, std::uint64_t value) { cpu::csr_file::poke(state_, number, value); }

// As HLVX.HU reads it; a halfword never crosses a page.
std::optional<std::uint16_t> HostHart::guest_halfword(std::uint64_t at) {
  mmu::Pmp pmp;
  const auto entries = state_.isa_config.pmp_entries;
  pmp.update(std::span(state_.csr.pmpcfg).first(entries), std::span(state_.csr.pmpaddr).first(entries));
  mmu::WalkTrace trace;
  const auto place =
      mmu::Mmu(machine_.memory(), pmp, mmu::Mmu::Updates::made, mmu::Mmu::Recall::nothing)
          .translate(isa::Gva{at}, isa::Access::execute_read, 2, cpu::guest_access_space(state_), trace);
  if (!place || machine_.memory().host(place->address, 2) == nullptr) return std::nullopt;
  std::uint16_t half = 0;
  read(place->address, &half, sizeof half);
  touch(place->address, sizeof half, false);
  return half;
}

std::optional<std::uint32_t> HostHart::guest_instruction(std::uint64_t pc) {
  const auto low = guest_halfword(pc);
  if (!low || (*low & 3) != 3) return low;
  const auto high = guest_halfword(pc + 2);
  if (!high) return std::nullopt;
  return std::uint32_t{*high} << 16 | *low;
}

void HostHart::read(isa::Hpa from, void* to, std::size_t bytes) {
  machine_.memory().copy_out(from, {static_cast<std::uint8_t*>(to), bytes});
}

void HostHart::write(isa::Hpa to, const void* from, std::size_t bytes) {
  machine_.memory().copy_in(to, {static_cast<const std::uint8_t*>(from), bytes});
}

void HostHart::zero(isa::Hpa at, std::uint64_t bytes) { machine_.memory().clear(at, bytes); }

void HostHart::touch(isa::Hpa at, std::uint64_t bytes, bool is_write) {
  hart_.touch(at, static_cast<unsigned>(bytes), is_write);
}

void HostHart::charge(const hv::WorkKind& work, std::uint64_t units) {
  if (work_ == nullptr || is_firmware(work.why)) [[unlikely]]
    return charge_anew(work, units);
  (*work_)[static_cast<std::size_t>(work.why)] += units;
  if (const unsigned cold = hart_.work(work.takes, units); cold != 0) [[unlikely]]
    (*work_)[static_cast<std::size_t>(hv::Work::cold_line)] += cold;
}

// The first time behind a mark, or in M-mode.
[[gnu::noinline]] void HostHart::charge_anew(const hv::WorkKind& work, std::uint64_t units) {
  work_ = &machine_.work().row(hart_.accountant());
  if (!is_firmware(work.why)) return charge(work, units);
  (*work_)[static_cast<std::size_t>(work.why)] += units;
  const isa::Mode own = state_.mode;
  account_in({});
  hart_.work(work.takes, units);
  account_in(own);
}

void HostHart::account_in(isa::Mode mode) {
  state_.mode = mode;
  hart_.mode_changed();
}

// What a trap takes beyond the pipeline's own time has been charged to the row that is still current. Time
// goes back by that much; the hart is the only one that can have seen it pass. The pipeline's refill stays.
void HostHart::forgive_trap() {
  const bool timed = machine_.config().mode != TimingMode::functional;
  const auto& config = machine_.config();
  const isa::Cycles took =
      timed ? cpu::InOrder::beyond(config.costs.trap_entry, config.pipeline.trap_redirect, config.pipeline)
            : 1;
  hart_.charge(cpu::Component::trap, isa::Cycles{0} - took);
  trap_forgiven_ = true;
}

void HostHart::set_timer(std::uint64_t ticks) {
  if (machine_.config().isa.sstc) {
    state_.csr.stimecmp = ticks;
  } else {  // SBI TIME
    state_.mtimecmp = ticks;
    state_.csr.mip &= ~isa::bit(isa::Interrupt::supervisor_timer);
    state_.csr.mie |= isa::bit(isa::Interrupt::machine_timer);
  }
  hart_.interrupts_changed();
}

void HostHart::send_ipi(unsigned hart) {
  if (hart >= machine_.harts()) return;
  machine_.hart(hart).set_line(isa::Interrupt::machine_software, true);
  machine_.turns().wake(hart, state_.cycle);  // which is later than the turn that this one has now
  machine_.wake(hart);
}

void HostHart::fence(const hv::GuestFence& fence) {
  for (unsigned number = 0; number < machine_.harts(); ++number) {
    if ((fence.harts >> number & 1) == 0) continue;
    cpu::Hart& hart = machine_.hart(number);
    if (fence.kind == hv::GuestFence::Kind::instructions) {
      hart.code_changed();
      machine_.empty_l1i(number);
    } else {  // HFENCE.VVMA takes the VMID from hgatp, for the time of which OpenSBI changes that there
      std::uint64_t& hgatp = hart.hart_state().csr.hgatp;
      const std::uint64_t own = std::exchange(hgatp, fence.hgatp);
      hart.fence(translate_fence(fence));
      if (fence.kind == hv::GuestFence::Kind::everything)
        hart.fence(translate_fence({hv::GuestFence::Kind::vs_stage, hgatp, fence.harts}));
      hgatp = own;
    }
  }
}

void HostHart::mark(std::uint16_t kind, std::uint64_t value) {
  hart_.mark(kind, value);
  const auto what = static_cast<isa::MarkKind>(kind);
  if (what == isa::MarkKind::phase || what == isa::MarkKind::vcpu || what == isa::MarkKind::statistics_reset)
    work_ = nullptr;
}

void HostHart::console(std::string_view text) {
  for (const char c : text) machine_.uart().write(kUartTransmit, 1, static_cast<std::uint8_t>(c));
}

void HostHart::power_off(unsigned code) {
  using Kind = device::FinishRequest::Kind;
  machine_.power_off({code == 0 ? Kind::pass : Kind::fail, static_cast<std::uint16_t>(code)});
}

}  // namespace hvsim::sim
