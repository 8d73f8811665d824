// Registers by name.
#include <map>

#include "models/cpu/csr_names.h"
#include "models/cpu/register_names.h"
#include "sim/gdb/registers.h"
#include "sim/json_read.h"
#include "sim/session/inspector.h"
#include "sim/session/until.h"

namespace hvsim::session {
namespace {

constexpr unsigned kCsrs = 4096;

// By what assembly language, the manual and GDB call them.
const std::map<std::string, unsigned>& numbers() {
  static const std::map<std::string, unsigned> all = [] {
    std::map<std::string, unsigned> made{
        {"fp", 8}, {"pc", gdb::kPcRegister}, {"priv", gdb::kPrivRegister}, {"virt", gdb::kVirtRegister}};
    for (unsigned i = 0; i < 32; ++i) {
      made[cpu::kGeneralNames[i]] = made["x" + std::to_string(i)] = i;
      made[cpu::kFloatNames[i]] = made["f" + std::to_string(i)] = gdb::kFirstFloatRegister + i;
    }
    for (unsigned csr = 0; csr < kCsrs; ++csr)
      if (const std::string name = cpu::csr_name(csr); !name.empty())
        made[name] = gdb::kFirstCsrRegister + csr;
    return made;
  }();
  return all;
}

isa::Result<unsigned, std::string> number_of(const std::string& name) {
  const auto found = numbers().find(name);
  if (found != numbers().end()) return found->second;
  std::vector<std::string_view> names;
  for (const auto& [known, number] : numbers()) names.push_back(known);
  const auto near = sim::nearest(name, names);
  return isa::Failure{"register: \"" + name + "\": there is none of this name" +
                      (near ? ", did you mean \"" + *near + "\"?" : "")};
}

}  // namespace

// A VCPU's are named as its guest names them.
auto Inspector::read_registers(const Json& request) -> Answer {
  const auto who = this->who(request);
  if (!who) return isa::Failure{who.error()};
  const cpu::HartState state = registers_of(*who);
  const auto read = [&](unsigned number) {
    const auto meant = who->vcpu ? gdb::guests_register(number) : std::optional(number);
    return meant ? gdb::read_register(state, *meant) : std::nullopt;
  };
  Json general = Json::object(), floats = Json::object(), csrs = Json::object();
  for (unsigned i = 0; i < 32; ++i) general[cpu::kGeneralNames[i]] = *read(i);
  for (unsigned i = 0; i < 32; ++i) floats[cpu::kFloatNames[i]] = *read(gdb::kFirstFloatRegister + i);
  for (unsigned csr = 0; csr < kCsrs; ++csr)
    if (const std::string name = cpu::csr_name(csr); !name.empty())
      if (const auto value = read(gdb::kFirstCsrRegister + csr)) csrs[name] = *value;
  return Json{{"pc", state.pc}, {"general", general}, {"float", floats}, {"csr", csrs}};
}

auto Inspector::write_register(const Json& request) -> Answer {
  const auto who = this->who(request);
  if (!who) return isa::Failure{who.error()};
  const std::string name = request.at("name");
  const auto number = number_of(name);
  if (!number) return isa::Failure{number.error()};
  const auto value = whole_number(request, "value");
  const auto meant = who->vcpu ? gdb::guests_register(*number) : std::optional(*number);
  const bool written = meant && (who->hart ? gdb::write_hart_register(machine_, *who->hart, *meant, value)
                                           : vcpus_->write(*who->vcpu, *meant, value));
  if (!written) return isa::Failure{"register: \"" + name + "\": cannot be written here"};
  const auto now = gdb::read_register(registers_of(*who), *meant);
  return Json{{"value", now.value_or(0)}};
}

}  // namespace hvsim::session
