// The hypervisor saves a VCPU in parts, each when it must: general registers when a guest is left, the others
// when somebody else gets the hart. So what is true lies on the hart, in its memory, or between the two.
#include "sim/gdb/vcpus.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "models/cpu/csr_file.h"
#include "models/cpu/isa/csr.h"
#include "sim/gdb/registers.h"
#include "sim/statistics_names.h"

namespace hvsim::gdb {
namespace {

namespace csr = isa::csr;

struct Place {
  unsigned number;
  std::uint64_t hv::VsRegisters::*member;
};
constexpr std::array kVsCsrs = std::to_array<Place>({{csr::vsstatus, &hv::VsRegisters::vsstatus},
                                                     {csr::vsie, &hv::VsRegisters::vsie},
                                                     {csr::vstvec, &hv::VsRegisters::vstvec},
                                                     {csr::vsscratch, &hv::VsRegisters::vsscratch},
                                                     {csr::vsepc, &hv::VsRegisters::vsepc},
                                                     {csr::vscause, &hv::VsRegisters::vscause},
                                                     {csr::vstval, &hv::VsRegisters::vstval},
                                                     {csr::vsatp, &hv::VsRegisters::vsatp},
                                                     {csr::vstimecmp, &hv::VsRegisters::vstimecmp},
                                                     {csr::scounteren, &hv::VsRegisters::scounteren},
                                                     {csr::senvcfg, &hv::VsRegisters::senvcfg},
                                                     {csr::hgatp, &hv::VsRegisters::hgatp},
                                                     {csr::henvcfg, &hv::VsRegisters::henvcfg}});

// fcsr, taken apart by hand: writing it would make the guest's FS dirty.
constexpr unsigned kFlagBits = 5;
constexpr std::uint64_t kFlags = 0x1F, kRounding = 7;

bool uses_fp(std::uint64_t sstatus) { return (sstatus & csr::kFs) != 0; }

}  // namespace

Vcpus::Vcpus(sim::Machine& machine, const LeftGuests& left, std::vector<Name> names, Memory memory,
             std::function<hv::Inspection()> inspection)
    : machine_(machine),
      left_(left),
      names_(std::move(names)),
      memory_(std::move(memory)),
      inspection_(std::move(inspection)) {}

std::optional<unsigned> Vcpus::id(Name name) const {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end()) return std::nullopt;
  return static_cast<unsigned>(found - names_.begin());
}

bool Vcpus::ready() const {
  const hv::Inspection seen = inspection_();
  if (seen.mark != hv::Inspection::kMark || seen.version != hv::Inspection::kVersion ||
      seen.vcpu_bytes != sizeof(hv::Vcpu) || seen.vcpus.count != names_.size())
    return false;
  for (unsigned id = 0; id < count(); ++id) {
    const bool there = memory_(seen.vcpus.at(id), sizeof(hv::Vcpu)) != nullptr &&
                       memory_(seen.vcpu_states.at(id), 1) != nullptr;
    if (!there || name(id) != Name{vcpu(id).vm, vcpu(id).number}) return false;
  }
  return memory_(seen.loaded.at(machine_.harts() - 1), sizeof(hv::VcpuId)) != nullptr;
}

// Both builds lay it out alike, and both are little-endian.
hv::Vcpu& Vcpus::vcpu(unsigned id) const {
  return *reinterpret_cast<hv::Vcpu*>(memory_(inspection_().vcpus.at(id), sizeof(hv::Vcpu)));
}

hv::Inspection::VcpuState Vcpus::scheduled(unsigned id) const {
  return static_cast<hv::Inspection::VcpuState>(*memory_(inspection_().vcpu_states.at(id), 1));
}

bool Vcpus::loaded_on(unsigned id, unsigned hart) const {
  hv::VcpuId loaded = hv::kNoVcpu;
  std::memcpy(&loaded, memory_(inspection_().loaded.at(hart), sizeof loaded), sizeof loaded);
  return loaded == id && vcpu(id).last_hart == hart;
}

std::optional<unsigned> Vcpus::present(unsigned hart) const {
  if (!machine_.hart(hart).hart_state().mode.virtualized) return std::nullopt;
  const cpu::CellKey& now = machine_.hart(hart).accountant().now();
  return id({now.vm, now.vcpu});
}

std::optional<unsigned> Vcpus::running_on(unsigned id) const {
  for (unsigned hart = 0; hart < machine_.harts(); ++hart)
    if (present(hart) == id) return hart;
  return std::nullopt;
}

// A hart goes on naming the VCPU that it ran last until it has another. By then that one may run elsewhere,
// so that a hart which runs it, or has just left it, counts more than one that only names it.
Vcpus::Where Vcpus::where(unsigned id) const {
  Where found;
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) {
    const cpu::CellKey& now = machine_.hart(hart).accountant().now();
    if (Name{now.vm, now.vcpu} != names_[id]) continue;
    const bool inside = machine_.hart(hart).hart_state().mode.virtualized;
    const bool leaving = !inside && now.in_exit && now.phase == isa::HypervisorPhase::save;
    if (inside || leaving) {
      found.hart = hart;
      found.general = inside ? Where::General::hart : Where::General::left;
      break;
    }
    if (!found.hart || loaded_on(id, hart)) found.hart = hart;
  }
  if (!found.hart) return found;
  const bool saved = found.general == Where::General::memory;
  const std::uint64_t sstatus =
      saved ? vcpu(id).general.sstatus : machine_.hart(*found.hart).hart_state().csr.mstatus;
  found.vs_on_hart = loaded_on(id, *found.hart);
  found.fp_on_hart = found.vs_on_hart && uses_fp(sstatus);
  return found;
}

std::string Vcpus::describe(unsigned id, const std::string& vm) const {
  const std::string name = "VM " + vm + ", VCPU " + std::to_string(names_[id].number) + ": ";
  using State = hv::Inspection::VcpuState;
  const Where at = where(id);
  const State state = scheduled(id);
  if (at.general == Where::General::hart)
    return name + "runs on hart " + std::to_string(*at.hart) + ", " +
           std::string(sim::mode_name(machine_.hart(*at.hart).hart_state().mode)) + "-mode";
  const bool on_hart = state == State::running || state == State::blocking || state == State::stopping;
  if (on_hart && at.hart) return name + "in the hypervisor on hart " + std::to_string(*at.hart);
  switch (state) {
    case State::stopped:
    case State::stopping:
      return name + "off";
    case State::blocked:
    case State::blocking:
      return name + (vcpu(id).starved != 0 ? "paused until there is memory" : "waits for an interrupt");
    case State::parked:
      return name + "paused until its next cap period";
    default:
      return name + "waits for a hart";
  }
}

cpu::HartState Vcpus::state(unsigned id) const {
  const Where at = where(id);
  const hv::Vcpu& saved = vcpu(id);
  cpu::HartState state = machine_.hart(at.hart.value_or(0)).hart_state();
  if (at.general == Where::General::left) {
    const LeftGuests::Left& left = left_.of(*at.hart);
    std::ranges::copy(left.x, state.x.begin());
    state.pc = left.pc;
    state.mode = left.mode;
  }
  if (at.general == Where::General::memory) {
    std::ranges::copy(saved.general.x, state.x.begin());
    state.pc = saved.general.sepc;
    const bool supervisor = (saved.general.sstatus & csr::kSpp) != 0;
    state.mode = {supervisor ? isa::Privilege::supervisor : isa::Privilege::user, true};
    state.csr.hstatus = saved.general.hstatus;
    state.csr.hvip = saved.general.hvip;
  }
  if (!at.vs_on_hart)
    for (const Place& place : kVsCsrs) cpu::csr_file::poke(state, place.number, saved.vs.*place.member);
  if (!at.fp_on_hart) {
    std::ranges::copy(saved.fp.f, state.f.begin());
    state.csr.fflags = static_cast<std::uint8_t>(saved.fp.fcsr & kFlags);
    state.csr.frm = static_cast<std::uint8_t>(saved.fp.fcsr >> kFlagBits & kRounding);
  }
  return state;
}

bool Vcpus::write(unsigned id, unsigned number, std::uint64_t value) {
  const Where at = where(id);
  if (at.general == Where::General::left) return false;
  cpu::HartState changed = state(id);
  if (!write_register(changed, number, value)) return false;
  store(id, at, changed);
  return read_register(state(id), number) == read_register(changed, number);  // or it is not a VCPU's own
}

void Vcpus::store(unsigned id, const Where& at, const cpu::HartState& state) {
  hv::Vcpu& saved = vcpu(id);
  cpu::HartState* hart = at.hart ? &machine_.hart(*at.hart).hart_state() : nullptr;
  if (at.general == Where::General::hart) {
    hart->x = state.x;
    hart->pc = state.pc;
    hart->mode = state.mode;
    hart->csr.hstatus = state.csr.hstatus;
    hart->csr.hvip = state.csr.hvip;
  } else {
    std::copy_n(state.x.begin(), std::size(saved.general.x), saved.general.x);
    saved.general.sepc = state.pc;
    const bool supervisor = state.mode.privilege == isa::Privilege::supervisor;
    saved.general.sstatus =
        (saved.general.sstatus & ~std::uint64_t{csr::kSpp}) | (supervisor ? csr::kSpp : 0);
    saved.general.hstatus = state.csr.hstatus;
    saved.general.hvip = state.csr.hvip;
  }
  for (const Place& place : kVsCsrs) {
    const std::uint64_t value = cpu::csr_file::peek(state, place.number);
    if (at.vs_on_hart)
      cpu::csr_file::poke(*hart, place.number, value);
    else
      saved.vs.*place.member = value;
  }
  if (at.fp_on_hart) {
    hart->f = state.f;
    hart->csr.fflags = state.csr.fflags;
    hart->csr.frm = state.csr.frm;
    hart->csr.mstatus |= csr::kFs;  // dirty, so that the hypervisor saves them
  } else {
    std::ranges::copy(state.f, saved.fp.f);
    saved.fp.fcsr = std::uint64_t{state.csr.frm} << kFlagBits | state.csr.fflags;
  }
  if (!at.hart) return;
  machine_.hart(*at.hart).state_changed();
  machine_.wake(*at.hart);
}

std::vector<Vcpus::Name> vcpu_names(const sim::Config& config) {
  std::vector<Vcpus::Name> names;
  for (std::uint32_t vm = 0; vm < config.vms.size(); ++vm)
    for (std::uint32_t number = 0; number < config.vms[vm].vcpus; ++number) names.push_back({vm, number});
  return names;
}

}  // namespace hvsim::gdb
