// A hart's registers are where they are.
#include "sim/gdb/hart_target.h"

#include "sim/gdb/registers.h"

namespace hvsim::gdb {

std::optional<std::uint64_t> HartTarget::read_register(ThreadId thread, unsigned number) const {
  return gdb::read_register(machine().hart(hart_of(thread)).hart_state(), number);
}

bool HartTarget::write_register(ThreadId thread, unsigned number, std::uint64_t value) {
  if (!write_hart_register(machine(), hart_of(thread), number, value)) return false;
  disturb();
  return true;
}

std::string HartTarget::description() const {
  return target_xml(machine().hart(0).hart_state(), Whose::hart);
}

std::string HartTarget::vcpus() const {
  std::string text;
  for (unsigned id = 0; vcpus_ != nullptr && vcpus_->ready() && id < vcpus_->count(); ++id)
    text += vcpus_->describe(id, vm_name(vcpus_->name(id).vm)) + "\n";
  return text;
}

}  // namespace hvsim::gdb
