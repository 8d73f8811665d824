// Register numbers to state and back, and the XML that tells GDB of them.
#include "sim/gdb/registers.h"

#include <array>

#include "models/cpu/csr_file.h"
#include "models/cpu/csr_map.h"
#include "models/cpu/csr_names.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::gdb {
namespace {

constexpr std::array<const char*, 32> kGeneral{
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr std::array<const char*, 32> kFloat{"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                             "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                             "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                             "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

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

std::string target_xml(const cpu::HartState& hart) {
  Xml xml;
  xml.begin("org.gnu.gdb.riscv.cpu");
  for (unsigned i = 0; i < kGeneral.size(); ++i)
    xml.add(kGeneral[i], i, i == 1 ? "code_ptr" : i == 2 || i == 3 || i == 4 || i == 8 ? "data_ptr" : "int");
  xml.add("pc", kPcRegister, "code_ptr");
  xml.end();
  xml.begin("org.gnu.gdb.riscv.fpu");
  for (unsigned i = 0; i < kFloat.size(); ++i) xml.add(kFloat[i], kFirstFloatRegister + i, "ieee_double");
  for (const unsigned csr : {isa::csr::fflags, isa::csr::frm, isa::csr::fcsr})
    xml.add(cpu::csr_name(csr), kFirstCsrRegister + csr, "int");
  xml.end();
  xml.begin("org.gnu.gdb.riscv.virtual");
  xml.add("priv", kPrivRegister, "int");
  xml.add("virt", kVirtRegister, "int");
  xml.end();
  xml.begin("org.gnu.gdb.riscv.csr");
  for (unsigned csr = isa::csr::fcsr + 1; csr < 4096; ++csr)
    if (const std::string name = cpu::csr_name(csr); !name.empty() && has_csr(hart, csr))
      xml.add(name, kFirstCsrRegister + csr, "int");
  xml.end();
  return xml.text();
}

}  // namespace hvsim::gdb
