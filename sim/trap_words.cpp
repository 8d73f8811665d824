// Sentences about causes, delegation and the CSRs that a trap writes.
#include "sim/trap_words.h"

#include "models/cpu/csr_fields.h"
#include "models/cpu/csr_names.h"
#include "models/cpu/decoder.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/interrupts.h"
#include "models/cpu/isa/csr.h"
#include "sim/image/format.h"

namespace hvsim::sim {
namespace {

namespace csr = isa::csr;
using isa::Privilege;

bool bit_of(std::uint64_t value, unsigned number) { return (value >> number & 1) != 0; }

std::string bit_words(const std::string& name, std::uint64_t value, unsigned number) {
  return name + "[" + std::to_string(number) + "] is " + (bit_of(value, number) ? "1" : "0");
}

std::string previous_enable(const char* name, std::uint64_t status, std::uint64_t previous) {
  return std::string(name) + " was " + ((status & previous) != 0 ? "1" : "0");
}

std::string_view mode_word(isa::Mode mode) {
  if (mode.privilege == Privilege::machine) return "M-mode";
  if (mode.privilege == Privilege::user) return mode.virtualized ? "VU-mode" : "U-mode";
  return mode.virtualized ? "VS-mode" : "HS-mode";
}

// By the number's fields (privileged manual, "CSR Address Mapping Conventions").
std::string csr_words(const cpu::Op& op, isa::Mode mode) {
  constexpr std::string_view levels[] = {"every mode", "S-mode", "HS-mode", "M-mode"};
  const auto number = static_cast<unsigned>(op.imm);
  const unsigned needed = number >> 8 & 3;
  const unsigned held = mode.privilege == Privilege::machine ? 3
                        : mode.privilege == Privilege::user  ? 0
                        : mode.virtualized                   ? 1
                                                             : 2;
  const std::string name = cpu::csr_name(number);
  const std::string what = "CSR " + hex(number) + (name.empty() ? "" : " (" + name + ")");
  const bool writes = op.id == cpu::Id::csrrw || op.id == cpu::Id::csrrwi || op.rs1 != 0;
  if (held < needed)
    return what + " is for " + std::string(levels[needed]) + ", and the hart was in " +
           std::string(mode_word(mode));
  if (writes && number >> 10 == 3) return what + " is read-only, and the instruction writes it";
  if (number >= csr::fflags && number <= csr::fcsr) return what + " while FS is Off";
  return what + ": this machine does not have it, or an enable bit of another CSR forbids it";
}

struct Guard {
  cpu::Id id;
  std::uint64_t bit;  // in mstatus for HS-mode, in hstatus for VS-mode
  const char* name;
};
constexpr Guard kGuards[] = {{cpu::Id::wfi, csr::kTw, "TW"},
                             {cpu::Id::sret, csr::kTsr, "TSR"},
                             {cpu::Id::sfence_vma, csr::kTvm, "TVM"}};
static_assert(csr::kTw == csr::kVtw && csr::kTsr == csr::kVtsr && csr::kTvm == csr::kVtvm);

std::string privileged_words(const cpu::HartState& hart, const cpu::Op& op, isa::Mode mode) {
  const std::string name(cpu::instruction(op.id).name());
  const std::string where = " in " + std::string(mode_word(mode));
  for (const Guard& guard : kGuards) {
    if (guard.id != op.id || mode.privilege != Privilege::supervisor) continue;
    if (mode.virtualized && (hart.csr.hstatus & guard.bit) != 0)
      return name + where + " is trapped by hstatus.V" + guard.name;
    if ((hart.csr.mstatus & guard.bit) != 0) return name + where + " is trapped by mstatus." + guard.name;
  }
  return name + " is not permitted" + where + " as CSRs are now";
}

}  // namespace

const std::vector<CauseName>& cause_names() {
  static const std::vector<CauseName> names{
      {false, 0, "instruction_address_misaligned", "instruction address misaligned"},
      {false, 1, "instruction_access_fault", "instruction access fault"},
      {false, 2, "illegal_instruction", "illegal instruction"},
      {false, 3, "breakpoint", "breakpoint"},
      {false, 4, "load_address_misaligned", "load address misaligned"},
      {false, 5, "load_access_fault", "load access fault"},
      {false, 6, "store_address_misaligned", "store/AMO address misaligned"},
      {false, 7, "store_access_fault", "store/AMO access fault"},
      {false, 8, "ecall_from_u", "environment call from U-mode or VU-mode"},
      {false, 9, "ecall_from_s", "environment call from HS-mode"},
      {false, 10, "ecall_from_vs", "environment call from VS-mode"},
      {false, 11, "ecall_from_m", "environment call from M-mode"},
      {false, 12, "instruction_page_fault", "instruction page fault"},
      {false, 13, "load_page_fault", "load page fault"},
      {false, 15, "store_page_fault", "store/AMO page fault"},
      {false, 18, "software_check", "software check"},
      {false, 19, "hardware_error", "hardware error"},
      {false, 20, "instruction_guest_page_fault", "instruction guest-page fault"},
      {false, 21, "load_guest_page_fault", "load guest-page fault"},
      {false, 22, "virtual_instruction", "virtual instruction"},
      {false, 23, "store_guest_page_fault", "store/AMO guest-page fault"},
      {true, 1, "supervisor_software_interrupt", "supervisor software interrupt"},
      {true, 2, "virtual_supervisor_software_interrupt", "virtual supervisor software interrupt"},
      {true, 3, "machine_software_interrupt", "machine software interrupt"},
      {true, 5, "supervisor_timer_interrupt", "supervisor timer interrupt"},
      {true, 6, "virtual_supervisor_timer_interrupt", "virtual supervisor timer interrupt"},
      {true, 7, "machine_timer_interrupt", "machine timer interrupt"},
      {true, 9, "supervisor_external_interrupt", "supervisor external interrupt"},
      {true, 10, "virtual_supervisor_external_interrupt", "virtual supervisor external interrupt"},
      {true, 11, "machine_external_interrupt", "machine external interrupt"},
      {true, 12, "supervisor_guest_external_interrupt", "supervisor guest external interrupt"},
      {true, 13, "counter_overflow_interrupt", "counter overflow interrupt"},
  };
  return names;
}

const CauseName& cause_name(bool interrupt, unsigned code) {
  static const CauseName unknown_exception{false, 0, "unknown", "unknown exception"};
  static const CauseName unknown_interrupt{true, 0, "unknown", "unknown interrupt"};
  for (const CauseName& name : cause_names())
    if (name.interrupt == interrupt && name.code == code) return name;
  return interrupt ? unknown_interrupt : unknown_exception;
}

std::string_view access_word(isa::Access access) {
  switch (access) {
    case isa::Access::fetch:
      return "fetch";
    case isa::Access::load:
      return "load";
    case isa::Access::store:
      return "store";
    case isa::Access::execute_read:
      break;
  }
  return "load as if fetched (HLVX)";
}

std::vector<std::string> delegation_words(const cpu::HartState& hart, const cpu::TrapTaken& taken) {
  const cpu::CsrState& c = hart.csr;
  const bool interrupt = taken.trap.interrupt;
  const unsigned code = taken.trap.code;
  const std::uint64_t first = interrupt ? cpu::effective_mideleg(hart) : c.medeleg;
  const std::uint64_t second = interrupt ? c.hideleg : c.hedeleg;
  const std::string first_name = interrupt ? "mideleg" : "medeleg",
                    second_name = interrupt ? "hideleg" : "hedeleg";
  if (taken.from.privilege == Privilege::machine)
    return {"none: a trap from M-mode is never handled with less privilege"};
  if (!bit_of(first, code)) return {bit_words(first_name, first, code) + ": M-mode handles it"};
  std::vector<std::string> words{bit_words(first_name, first, code) + ": M-mode leaves it to HS-mode"};
  if (!taken.from.virtualized)
    words.push_back(second_name + " does not count: the hart was not in a guest (V=0)");
  else if (bit_of(second, code))
    words.push_back(bit_words(second_name, second, code) + ": HS-mode leaves it to VS-mode");
  else
    words.push_back(bit_words(second_name, second, code) + ": HS-mode keeps it");
  return words;
}

std::vector<std::string> interrupt_words(const cpu::HartState& hart, const cpu::TrapTaken& taken) {
  const std::uint64_t pending = cpu::pending(hart);
  std::vector<std::string> words{bit_words("mip", pending, taken.trap.code) + " and " +
                                 bit_words("mie", hart.csr.mie, taken.trap.code) + ": pending and enabled"};
  const bool same_level = taken.from == taken.to;
  if (!same_level)
    words.push_back("a mode with more privilege takes it: no global enable is asked");
  else if (taken.to.privilege == Privilege::machine)
    words.push_back(previous_enable("mstatus.MIE", hart.csr.mstatus, csr::kMpie));
  else if (taken.to.virtualized)
    words.push_back(previous_enable("vsstatus.SIE", hart.csr.vsstatus, csr::kSpie));
  else
    words.push_back(previous_enable("mstatus.SIE", hart.csr.mstatus, csr::kSpie));
  return words;
}

std::string illegal_words(const cpu::HartState& hart, const cpu::TrapSeen& seen) {
  const auto code = static_cast<isa::Exception>(seen.taken.trap.code);
  const bool relevant =
      !seen.taken.trap.interrupt && seen.op != nullptr &&
      (code == isa::Exception::illegal_instruction || code == isa::Exception::virtual_instruction);
  if (!relevant) return {};
  const bool is_virtual = code == isa::Exception::virtual_instruction;
  const std::string would = is_virtual ? "; in HS-mode it would be legal" : "";
  const cpu::Op meant = cpu::decode(seen.op->raw, {.isa = hart.isa_config});
  if (seen.op->id == cpu::Id::illegal)
    return meant.id == cpu::Id::illegal ? "no instruction of this machine has this encoding"
                                        : "floating point while FS is Off";
  if (cpu::instruction(meant.id).klass == cpu::Class::csr) return csr_words(meant, seen.taken.from) + would;
  return privileged_words(hart, meant, seen.taken.from) + would;
}

std::vector<WrittenCsr> written_csrs(const cpu::HartState& hart, const cpu::TrapSeen& seen) {
  const cpu::CsrState& c = hart.csr;
  const isa::Trap& trap = seen.taken.trap;
  const std::string physical =
      trap.guest_physical == 0 ? "" : "guest-physical " + hex(trap.guest_physical << 2) + " >> 2";
  std::string instruction;
  if (trap.instruction == 0x3000)
    instruction = "an implicit read of a VS-stage PTE";
  else if (trap.instruction == 0x3020)
    instruction = "an implicit write of a VS-stage PTE";
  else if (trap.instruction != 0)
    instruction = "the instruction, transformed";
  const std::string previous = trap.guest_virtual ? "GVA=1: a guest virtual address" : "";
  if (seen.taken.to.privilege == Privilege::machine)
    return {{"mcause", c.mcause, ""},          {"mepc", c.mepc, ""},
            {"mtval", c.mtval, previous},      {"mtval2", c.mtval2, physical},
            {"mtinst", c.mtinst, instruction}, {"mstatus", c.mstatus, ""}};
  if (seen.taken.to.virtualized)
    return {{"vscause", c.vscause, ""},
            {"vsepc", c.vsepc, ""},
            {"vstval", c.vstval, ""},
            {"vsstatus", c.vsstatus, ""}};
  return {{"scause", c.scause, ""},          {"sepc", c.sepc, ""},
          {"stval", c.stval, previous},      {"htval", c.htval, physical},
          {"htinst", c.htinst, instruction}, {"hstatus", c.hstatus, ""}};
}

}  // namespace hvsim::sim
