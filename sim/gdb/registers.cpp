// Register numbers to state and back, and the XML that tells GDB of them.
#include "sim/gdb/registers.h"

#include "models/cpu/csr_file.h"
#include "models/cpu/csr_map.h"
#include "models/cpu/csr_names.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/register_names.h"

namespace hvsim::gdb {
namespace {

constexpr unsigned kFramePointer = 8;  // GDB's target descriptions call it fp, not s0

bool is_csr(unsigned number) { return number >= kFirstCsrRegister && number < kFirstCsrRegister + 4096; }

bool has_csr(cpu::HartState hart, unsigned csr) {
  hart.mode = {isa::Privilege::machine, false};
  hart.csr.mstatus |= isa::csr::kFs;
  std::uint64_t value = 0;
  return cpu::csr_file::read(hart, csr, value) == cpu::csr_file::CsrResult::ok;
}

class Xml {
 public:
  Xml() {
    text_ =
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
        "<architecture>riscv:rv64</architecture>";
  }
  void begin(const std::string& feature) { text_ += "<feature name=\"" + feature + "\">\n"; }
  void add(const std::string& name, unsigned number, const char* type) {
    text_ += "<reg name=\"" + name + "\" bitsize=\"64\" type=\"" + type + "\" regnum=\"" +
             std::to_string(number) + "\"/>\n";
  }
  void end() { text_ += "</feature>"; }
  std::string text() const { return text_ + "</target>"; }

 private:
  std::string text_;
};

}  // namespace

std::optional<std::uint64_t> read_register(const cpu::HartState& hart, unsigned number) {
  if (number < kPcRegister) return hart.x[number];
  if (number == kPcRegister) return hart.pc;
  if (number < kFirstCsrRegister) return hart.f[number - kFirstFloatRegister];
  if (number == kPrivRegister) return static_cast<std::uint64_t>(hart.mode.privilege);
  if (number == kVirtRegister) return hart.mode.virtualized ? 1 : 0;
  if (!is_csr(number) || !has_csr(hart, number - kFirstCsrRegister)) return std::nullopt;
  return cpu::csr_file::peek(hart, number - kFirstCsrRegister);
}

bool write_register(cpu::HartState& hart, unsigned number, std::uint64_t value) {
  if (number < kPcRegister) {
    if (number != 0) hart.x[number] = value;
    return true;
  }
  if (number == kPcRegister) {
    hart.pc = value & ~std::uint64_t{1};
    return true;
  }
  if (number < kFirstCsrRegister) {
    hart.f[number - kFirstFloatRegister] = value;
    return true;
  }
  if (number == kPrivRegister) {
    if (value > 3 || value == 2) return false;
    hart.mode.privilege = static_cast<isa::Privilege>(value);
    if (hart.mode.privilege == isa::Privilege::machine) hart.mode.virtualized = false;
    return true;
  }
  if (number == kVirtRegister) {
    if (value > 1 || (value == 1 && (!hart.isa_config.h || hart.mode.privilege == isa::Privilege::machine)))
      return false;
    hart.mode.virtualized = value == 1;
    return true;
  }
  if (!is_csr(number) || !has_csr(hart, number - kFirstCsrRegister)) return false;
  if (cpu::csr_read_only(number - kFirstCsrRegister)) return false;
  cpu::csr_file::poke(hart, number - kFirstCsrRegister, value);
  return true;
}

bool write_hart_register(sim::Machine& machine, unsigned hart, unsigned number, std::uint64_t value) {
  if (!write_register(machine.hart(hart).hart_state(), number, value)) return false;
  machine.hart(hart).state_changed();
  if (number == kPcRegister) machine.shell(hart).asleep = false;
  machine.wake(hart);
  return true;
}

std::optional<unsigned> guests_register(unsigned number) {
  if (!is_csr(number)) return number;
  constexpr unsigned to_virtual = isa::csr::vsstatus - isa::csr::sstatus;
  constexpr unsigned machine_level = 3;
  const unsigned csr = number - kFirstCsrRegister;
  switch (csr) {
    case isa::csr::sstatus:
    case isa::csr::sie:
    case isa::csr::stvec:
    case isa::csr::sscratch:
    case isa::csr::sepc:
    case isa::csr::scause:
    case isa::csr::stval:
    case isa::csr::sip:
    case isa::csr::satp:
    case isa::csr::stimecmp:
      return number + to_virtual;
    default:
      return (csr >> 8 & 3) == machine_level ? std::nullopt : std::optional(number);
  }
}

std::string target_xml(const cpu::HartState& hart, Whose whose) {
  Xml xml;
  xml.begin("org.gnu.gdb.riscv.cpu");
  for (unsigned i = 0; i < cpu::kGeneralNames.size(); ++i)
    xml.add(i == kFramePointer ? "fp" : cpu::kGeneralNames[i], i,
            i == 1                                 ? "code_ptr"
            : i == 2 || i == 3 || i == 4 || i == 8 ? "data_ptr"
                                                   : "int");
  xml.add("pc", kPcRegister, "code_ptr");
  xml.end();
  xml.begin("org.gnu.gdb.riscv.fpu");
  for (unsigned i = 0; i < cpu::kFloatNames.size(); ++i)
    xml.add(cpu::kFloatNames[i], kFirstFloatRegister + i, "ieee_double");
  for (const unsigned csr : {isa::csr::fflags, isa::csr::frm, isa::csr::fcsr})
    xml.add(cpu::csr_name(csr), kFirstCsrRegister + csr, "int");
  xml.end();
  xml.begin("org.gnu.gdb.riscv.virtual");
  xml.add("priv", kPrivRegister, "int");
  xml.add("virt", kVirtRegister, "int");
  xml.end();
  xml.begin("org.gnu.gdb.riscv.csr");
  for (unsigned csr = isa::csr::fcsr + 1; csr < 4096; ++csr)
    if (const std::string name = cpu::csr_name(csr);
        !name.empty() && has_csr(hart, csr) &&
        (whose == Whose::hart || guests_register(kFirstCsrRegister + csr)))
      xml.add(name, kFirstCsrRegister + csr, "int");
  xml.end();
  return xml.text();
}

}  // namespace hvsim::gdb
