// The list of known differences, as narrow as the manual allows. Sections are those of the privileged manual
// unless said otherwise.
#include "tests/isa/known_differences.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "models/cpu/csr_map.h"
#include "models/cpu/decoder.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "tests/isa/compare.h"
#include "tests/isa/trap_fields.h"

namespace hvsim::oracle {
namespace {

using cpu::Class;
namespace csr = isa::csr;

constexpr std::uint64_t kBreakpoint = 3, kAddressCauses = 0xB0'B0FB;  // those whose tval is an address

// mstatus.GVA as "Machine Status (mstatus and mstatush) Registers" of the H extension has it.
bool machine_gva_is_right(const TrapField& field) {
  const auto at = [&field](TrapCsr csr) { return trap_csr(field.program, field.model, field.trap, csr); };
  const std::uint64_t cause = at(TrapCsr::mcause), status = field.model_value;
  const auto raw = instruction_at(field.program, at(TrapCsr::mepc));
  const bool hlv = raw && (class_of(*raw) == Class::guest_load || class_of(*raw) == Class::guest_store);
  const bool fetch = cause == 1 || cause == 12 || cause == 20;
  const bool protected_access = field.program.guests && (status & csr::kMprv) != 0;  // put_protected
  const bool guest = (status & csr::kMpv) != 0 || ((hlv || protected_access) && !fetch);
  const bool address = cause < 64 && (kAddressCauses >> cause & 1) != 0;
  return ((status & csr::kGva) != 0) == (guest && address);
}

const char* explain_status(const TrapField& field) {
  const std::uint64_t differing = field.qemu_value ^ field.model_value;
  if (field.csr == TrapCsr::mstatus && differing == csr::kGva && machine_gva_is_right(field))
    return "QEMU sets mstatus.GVA at every trap from V=1 that writes mtval and clears it never (\"Machine "
           "Status "
           "Registers\" of the H extension: only where mtval is a guest virtual address)";
  const bool dirty = (field.model_value & csr::kFs) == csr::kFs;
  if (field.csr == TrapCsr::vsstatus && differing == csr::kSd &&
      dirty == ((field.model_value & csr::kSd) != 0))
    return "QEMU does not derive vsstatus.SD (\"Virtual Supervisor Status Register\": as sstatus)";
  return nullptr;
}

// Did the trap before this record go to VS-mode, directly or under an ecall that went on to HS?
bool through_vs(const TrapField& field, unsigned trap) {
  const auto at = [&](TrapCsr csr) { return trap_csr(field.program, field.model, trap, csr); };
  const auto in_stubs = [](std::uint64_t pc) { return pc >= ORACLE_STUBS && pc < ORACLE_STUB_SRET; };
  return (at(TrapCsr::mcause) == 10 && in_stubs(at(TrapCsr::mepc))) ||
         (at(TrapCsr::scause) == 10 && in_stubs(at(TrapCsr::sepc)));
}

// hstatus.GVA as it was before a trap into VS.
bool gva_changed_by_vs_trap(const TrapField& field) {
  if (field.csr != TrapCsr::hstatus || (field.qemu_value ^ field.model_value) != csr::kHGva) return false;
  for (unsigned trap = field.trap + 1; trap-- > 0;) {
    const std::uint64_t then = trap_csr(field.program, field.model, trap, field.csr);
    if (((then ^ field.model_value) & csr::kHGva) != 0) return false;
    if (through_vs(field, trap)) return true;
  }
  return false;
}

// QEMU 7 writes zero for a breakpoint, and neither of the two has hstatus.GVA follow from its address.
bool no_address_of_breakpoint(const TrapField& field) {
  if (is_value(field.csr)) {
    const TrapCsr cause = field.csr == TrapCsr::mtval   ? TrapCsr::mcause
                          : field.csr == TrapCsr::stval ? TrapCsr::scause
                                                        : TrapCsr::vscause;
    return field.qemu_value == 0 && field.model_value == pc_of(field) &&
           trap_csr(field.program, field.model, field.trap, cause) == kBreakpoint;
  }
  if (field.csr != TrapCsr::hstatus || (field.qemu_value ^ field.model_value) != csr::kHGva) return false;
  for (unsigned trap = field.trap + 1; trap-- > 0;) {
    const auto at = [&](TrapCsr csr) { return trap_csr(field.program, field.model, trap, csr); };
    if (((at(field.csr) ^ field.model_value) & csr::kHGva) != 0) return false;
    if (at(TrapCsr::scause) == kBreakpoint) return true;
  }
  return false;
}

// htval and htinst as the last trap into HS left them, and a trap into VS since, which QEMU wrote them at:
// htval with zero, htinst with zero or, QEMU 10, the instruction.
bool written_by_vs_trap(const TrapField& field) {
  const bool instruction = field.csr == TrapCsr::htinst && field.program.witness->transforms_instructions();
  if ((field.csr != TrapCsr::htval && field.csr != TrapCsr::htinst) ||
      (field.qemu_value != 0 && !instruction))
    return false;
  for (unsigned trap = field.trap + 1; trap-- > 0;) {
    if (trap_csr(field.program, field.model, trap, field.csr) != field.model_value ||
        trap_csr(field.program, field.qemu, trap, field.csr) != field.qemu_value)
      return false;
    if (through_vs(field, trap)) return true;
  }
  return false;
}

// "Machine Interrupt Registers" and "Interrupts" of H: from the highest priority down.
bool by_number_not_priority(const TrapField& field) {
  constexpr std::uint64_t interrupt = isa::kInterruptBit;
  if (!is_cause(field.csr) || (field.qemu_value & field.model_value & interrupt) == 0) return false;
  constexpr unsigned order[] = {11, 3, 7, 9, 1, 5, 12, 10, 2, 6};
  const auto rank = [&order](std::uint64_t cause) {
    return std::find(std::begin(order), std::end(order), cause & ~interrupt) - std::begin(order);
  };
  return field.qemu_value < field.model_value && rank(field.model_value) < rank(field.qemu_value);
}

// A fault of the G-stage while the walker was at the guest's page tables: the instruction is the pseudo one.
bool implicit_guest_fault(const TrapField& field) {
  const std::uint64_t instruction = model_at(field, TrapCsr::mtinst, TrapCsr::htinst);
  return is_cause(field.csr) && field.qemu_value == 21 && is_one_of(kGuestPageFaults, field.model_value) &&
         (instruction == 0x3000 || instruction == 0x3020);
}

// M-mode's loads and stores with MPRV and MPV, which QEMU does not know to be a guest's when the G-stage
// faults.
bool protected_guest_fault(const TrapField& field) {
  const std::uint64_t status = trap_csr(field.program, field.model, field.trap, TrapCsr::mstatus);
  return field.csr == TrapCsr::mcause && (status & csr::kMprv) != 0 && field.program.guests &&
         (field.qemu_value == 13 || field.qemu_value == 15) &&
         is_one_of(1u << 5 | 1u << 7 | 1u << 21 | 1u << 23,
                   field.model_value);  // access faults too, see below
}

// QEMU ignores writes of htinst, so that it holds what an earlier program left until a trap sets it.
bool htinst_of_another_program(const TrapField& field) {
  if (field.csr != TrapCsr::htinst || field.model_value != 0) return false;
  for (unsigned trap = 0; trap <= field.trap; ++trap)
    if (trap_csr(field.program, field.model, trap, TrapCsr::htinst) != 0 ||
        trap_csr(field.program, field.qemu, trap, TrapCsr::htinst) != field.qemu_value)
      return false;
  return true;
}

// An AMO that cannot read: QEMU reads first, and finds out about writing later. QEMU 10 has the right name
// for what it found, which may be another fault.
bool amo_called_a_load(const TrapField& field, std::uint32_t raw) {
  if (!is_cause(field.csr) || class_of(raw) != Class::amo || !is_one_of(kStoreFaults, field.model_value))
    return false;
  return is_one_of(kLoadFaults, field.qemu_value) ||
         (field.program.witness->names_amo_faults() && is_one_of(kFoundByReading, field.qemu_value));
}

// HLVX, which QEMU 10 takes for a fetch of the mode that executes it: no guest's.
bool hlvx_called_a_fetch(const TrapField& field, std::uint32_t raw) {
  if (!is_hlvx(raw)) return false;
  if (is_guest_physical(field.csr)) return field.qemu_value == 0 && model_cause(field) == 21;
  return is_cause(field.csr) &&
         ((field.qemu_value == 12 && is_one_of(1u << 13 | 1u << 21 | 1u << 5, field.model_value)) ||
          (field.qemu_value == 1 && field.model_value == 5));
}

// The VS-stage or all of translation lets a load through, but nothing may access what is there. QEMU reports
// what a store meets.
bool cache_block_as_store(const TrapField& field, std::uint32_t raw) {
  if (class_of(raw) != Class::cache_block || cpu::find_instruction(raw) == cpu::Id::cbo_zero) return false;
  if (is_guest_physical(field.csr)) return field.qemu_value == 0 && model_cause(field) == 23;
  return is_cause(field.csr) && (field.model_value == 7 || field.model_value == 23) &&
         is_one_of(kStoreFaults, field.qemu_value);
}

// The same AMO, whose read failed elsewhere than its write must.
bool guest_physical_of_amo(const TrapField& field, std::uint32_t raw) {
  const TrapCsr cause = field.csr == TrapCsr::mtval2 ? TrapCsr::mcause : TrapCsr::scause;
  return is_guest_physical(field.csr) && class_of(raw) == Class::amo &&
         is_one_of(kStoreFaults, model_cause(field)) &&
         is_one_of(field.program.witness->names_amo_faults() ? kLoadFaults | kFoundByReading : kLoadFaults,
                   trap_csr(field.program, field.qemu, field.trap, cause));
}

// Ours is zero, as it must be for any other cause.
bool guest_physical_of_no_guest_fault(const TrapField& field) {
  return is_guest_physical(field.csr) && field.model_value == 0 &&
         !is_one_of(kGuestPageFaults, model_cause(field));
}

// What QEMU makes of PMP violations and absent memory with V=1: 20 for 1, 21 for 5, 23 for 7, and always 21
// where the walker was at the guest's page tables.
bool guest_fault_for_access_fault(const TrapField& field) {
  return is_cause(field.csr) && is_one_of(kGuestPageFaults, field.qemu_value) &&
         is_one_of(kAccessFaults, field.model_value);
}

// A misaligned access to absent memory, which QEMU makes in aligned parts.
bool aligned_value_of_misaligned_access(const TrapField& field) {
  return is_value(field.csr) && is_one_of(kAccessFaults, model_cause(field)) && field.qemu_value % 2 == 0 &&
         field.model_value - field.qemu_value < 8;
}

bool block_of_cache_block_operation(const TrapField& field, std::uint32_t raw) {
  constexpr std::uint64_t within = cpu::IsaConfig::cache_block_bytes - 1;
  if (class_of(raw) != Class::cache_block) return false;
  if (is_guest_physical(field.csr)) return field.qemu_value == (field.model_value & ~(within >> 2));
  return is_value(field.csr) && field.qemu_value == (field.model_value & ~within);
}

bool virtual_despite_state_enable(const TrapField& field, std::uint32_t raw) {
  const std::uint32_t number = raw >> 20;
  constexpr std::uint32_t high_halves = 0x10;  // of RV32, which do not exist here
  const std::uint32_t low = number & ~high_halves;
  const bool guarded = number == csr::henvcfg || (low >= csr::hstateen0 && low < csr::hstateen0 + 4);
  return is_cause(field.csr) && field.qemu_value == 22 && field.model_value == 2 &&
         class_of(raw) == Class::csr && guarded;
}

// Was this trap taken from VU-mode?
bool from_guest_user(const TrapField& field) {
  const auto at = [&field](TrapCsr csr) { return trap_csr(field.program, field.model, field.trap, csr); };
  if (field.csr == TrapCsr::mcause) return (at(TrapCsr::mstatus) & (csr::kMpv | csr::kMpp)) == csr::kMpv;
  return (at(TrapCsr::hstatus) & csr::kSpv) != 0 && (at(TrapCsr::sstatus) & csr::kSpp) == 0;
}

// In VU-mode, what HS-mode may do: QEMU knows that it is a virtual instruction of the hypervisor's CSRs, QEMU
// 10 of its fences too.
bool illegal_not_virtual(const TrapField& field, std::uint32_t raw) {
  if (!is_cause(field.csr) || field.qemu_value != 2 || field.model_value != 22 || !from_guest_user(field))
    return false;
  if (class_of(raw) == Class::csr) return cpu::csr_level(raw >> 20) == 1;
  using cpu::Id;
  const Id id = cpu::find_instruction(raw);
  const bool hypervisor_fence = id == Id::hfence_vvma || id == Id::hfence_gvma;
  return id == Id::sret || id == Id::sfence_vma || id == Id::sinval_vma ||
         (hypervisor_fence && field.program.witness->major == 7);
}

const char* explain(const TrapField& field) {
  if (implicit_guest_fault(field))
    return "QEMU calls a guest page fault at a page-table entry a load's (\"Trap Cause Codes\" of H: that of "
           "the "
           "original access)";
  if (protected_guest_fault(field))
    return "QEMU calls a guest page fault under MPRV a page fault (\"Memory Privilege in mstatus\" of H)";
  if (htinst_of_another_program(field))
    return "QEMU ignores writes of htinst (\"Hypervisor Trap Instruction Register\": WARL)";
  if (guest_physical_of_no_guest_fault(field))
    return "QEMU has a guest physical address in mtval2 or htval after access faults (\"Machine Second Trap "
           "Value Register\": zero)";
  if (aligned_value_of_misaligned_access(field))
    return "QEMU has the aligned address in tval when a misaligned access finds no memory (\"Machine Trap "
           "Value "
           "Register\": that of the access)";
  if (guest_fault_for_access_fault(field))
    return "QEMU takes an access fault with V=1 for a guest page fault (\"Physical Memory Protection\": "
           "access fault)";
  if (by_number_not_priority(field))
    return "QEMU takes the pending interrupt of the lowest number (\"Machine Interrupt Registers\": by "
           "priority)";
  if (gva_changed_by_vs_trap(field))
    return "QEMU writes hstatus.GVA at traps into VS-mode too (\"Hypervisor Status Register\": into HS-mode)";
  if (written_by_vs_trap(field))
    return "QEMU writes htval and htinst at traps into VS-mode too (\"Hypervisor Trap Value Register\": into "
           "HS-mode)";
  if (no_address_of_breakpoint(field))
    return "QEMU 7 has no address in tval after ebreak (\"Machine Trap Value Register\": either is legal), "
           "and none sets "
           "GVA for it (\"Machine Status Registers\" of H)";
  if (const char* why = explain_status(field)) return why;
  const auto raw = instruction_at(field.program, pc_of(field));  // nothing where the fetch itself failed
  const bool ours_transformed =
      raw && is_instruction_csr(field.csr) && (field.model_value & ~(31u << 15)) == transformed(*raw);
  const bool pseudo = field.qemu_value == 0x3000 || field.qemu_value == 0x3020;
  const bool of_fetch = is_instruction_csr(field.csr) && field.model_value == 0 && model_cause(field) == 1;
  if (pseudo && (ours_transformed || of_fetch) && is_one_of(kAccessFaults, model_cause(field)))
    return "QEMU takes an access fault at a page-table entry for a guest page fault (\"Physical Memory "
           "Protection\": access fault)";
  if (!raw) return nullptr;
  if (ours_transformed && field.qemu_value == 0)
    return "mtinst and htinst may be zero (\"Trap Instruction Registers\"): QEMU leaves them zero where "
           "hvsim "
           "has the transformed instruction";
  if (block_of_cache_block_operation(field, *raw))
    return "QEMU has the address of the block in tval when cbo.zero faults (Zicboz, \"Traps\": the effective "
           "address)";
  if (is_cause(field.csr) && field.qemu_value == 4 && field.model_value == 6 && class_of(*raw) == Class::amo)
    return "QEMU calls a misaligned AMO a load (unprivileged manual, \"Atomic Memory Operations\": "
           "a store/AMO exception)";
  if (amo_called_a_load(field, *raw) || guest_physical_of_amo(field, *raw))
    return "QEMU calls a fault of an AMO a load's where nothing can be read (unprivileged manual, \"Atomic "
           "Memory Operations\": store/AMO)";
  if (hlvx_called_a_fetch(field, *raw))
    return "QEMU calls a fault of HLVX that of a fetch (\"Hypervisor Virtual-Machine Load and Store "
           "Instructions\": "
           "they are loads)";
  if (cache_block_as_store(field, *raw))
    return "QEMU reports what a store would meet when cbo.clean, flush or inval may not access what loads "
           "may translate "
           "(Zicbom, \"Traps\": a page fault only where translation permits no access; which fault of two is "
           "open)";
  if (is_value(field.csr) && is_system(*raw) && field.model_value == *raw)
    return "QEMU has another instruction in tval when a CSR, system or cache-block instruction is illegal "
           "(\"Machine Trap "
           "Value "
           "Register\": the faulting instruction)";
  if (virtual_despite_state_enable(field, *raw))
    return "QEMU takes a guest's access to what mstateen0 keeps from HS-mode for a virtual instruction "
           "(\"Trap Cause "
           "Codes\" of the H extension: only what HS-mode may do)";
  if (illegal_not_virtual(field, *raw))
    return "QEMU takes what belongs to S-mode for an illegal instruction in VU-mode (\"Trap Cause Codes\" of "
           "the H "
           "extension: a virtual one)";
  return nullptr;
}

}  // namespace

// A value may stand as it was left by an earlier trap, whose pc the driver has changed since.
const char* explanation(const TrapField& field) {
  for (TrapField at = field;; --at.trap) {
    if (const char* why = explain(at)) return why;
    const auto before = [&](std::span<const std::uint8_t> memory) {
      return trap_csr(at.program, memory, at.trap - 1, at.csr);
    };
    if (at.trap == 0 || before(at.qemu) != at.qemu_value || before(at.model) != at.model_value)
      return nullptr;
  }
}

const char* explanation(const FinalField& field) {
  if (field.csr == FinalCsr::vsip && field.qemu_value == (field.model_value & 2))
    return "QEMU shows only SSIP in vsip (\"Virtual Supervisor Interrupt Registers\": STIP and SEIP where "
           "hideleg has "
           "them)";
  if (field.csr == FinalCsr::hvip && (field.qemu_value & 0x444) == field.model_value)
    return "QEMU shows pending supervisor interrupts in hvip (\"Hypervisor Interrupt Registers\": those of "
           "VS-level)";
  // What the last trap left.
  const unsigned last = trap_count(field.program, field.model) - 1;
  const auto like = [&](TrapCsr csr) {
    return explanation(
        TrapField{field.program, field.qemu, field.model, last, csr, field.qemu_value, field.model_value});
  };
  switch (field.csr) {
    case FinalCsr::scause:
      return like(TrapCsr::scause);
    case FinalCsr::vscause:
      return like(TrapCsr::vscause);
    case FinalCsr::stval:
      return like(TrapCsr::stval);
    case FinalCsr::vstval:
      return like(TrapCsr::vstval);
    case FinalCsr::vsstatus:
      return like(TrapCsr::vsstatus);
    case FinalCsr::htinst:
      return like(TrapCsr::htinst);
    case FinalCsr::hstatus:
      return like(TrapCsr::hstatus);
    case FinalCsr::htval:
      return like(TrapCsr::htval);
    default:
      return nullptr;
  }
}

}  // namespace hvsim::oracle
