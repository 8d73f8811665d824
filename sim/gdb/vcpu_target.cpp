// Register names mean what the guest means by them.
#include "sim/gdb/vcpu_target.h"

#include <utility>

#include "sim/gdb/registers.h"

namespace hvsim::gdb {

VcpuTarget::VcpuTarget(sim::Machine& machine, std::vector<std::string> vms, Vcpus& vcpus)
    : Target(machine, std::move(vms)), vcpus_(vcpus) {
  whose_points = cpu::kAnyGuest;
  follow_guests();
}

std::string VcpuTarget::describe(ThreadId thread) const {
  return vcpus_.describe(id_of(thread), vm_name(vcpus_.name(id_of(thread)).vm));
}

std::optional<std::uint64_t> VcpuTarget::read_register(ThreadId thread, unsigned number) const {
  const auto meant = guests_register(number);
  return meant ? gdb::read_register(state(thread), *meant) : std::nullopt;
}

bool VcpuTarget::write_register(ThreadId thread, unsigned number, std::uint64_t value) {
  const auto meant = guests_register(number);
  if (!meant || *meant == kVirtRegister || (*meant == kPrivRegister && value > 1)) return false;
  if (!vcpus_.write(id_of(thread), *meant, value)) return false;
  disturb();
  return true;
}

std::string VcpuTarget::description() const {
  return target_xml(machine().hart(0).hart_state(), Whose::guest);
}

std::string VcpuTarget::vcpus() const {
  std::string text;
  for (unsigned id = 0; id < vcpus_.count(); ++id) text += describe(thread_of(id)) + "\n";
  return text;
}

void VcpuTarget::await(unsigned id) {
  const Vcpus::Name name = vcpus_.name(id);
  Target::await(cpu::DebugPoints::Awaited{.vm = name.vm, .vcpu = name.number});
}

bool VcpuTarget::at_breakpoint(unsigned id) const {
  return breaks_at(vcpus_.state(id).pc, vcpus_.name(id).vm);
}

}  // namespace hvsim::gdb
