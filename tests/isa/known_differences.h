// Where QEMU 7.2 or 10 and the machine may differ, because QEMU errs or the manual leaves a choice.
#pragma once

#include <cstdint>
#include <span>

#include "tests/isa/program.h"

namespace hvsim::oracle {

struct TrapField {
  const Program& program;
  std::span<const std::uint8_t> qemu, model;
  unsigned trap;
  TrapCsr csr;
  std::uint64_t qemu_value, model_value;
};
struct FinalField {
  const Program& program;
  std::span<const std::uint8_t> qemu, model;
  FinalCsr csr;
  std::uint64_t qemu_value, model_value;
};
struct MemoryField {
  const Program& program;
  std::uint64_t offset;  // in the slot
  std::uint64_t qemu_value, model_value;
};

// What the programs keep clear of, because no field shows it to be QEMU's error or the manual's freedom.
inline constexpr const char* kAvoided[] = {
    "ctzw of a value with a zero low word and another high word: QEMU counts into the high word (Zbb, ctzw)",
    "mhpmevent3h to mhpmevent31h: QEMU has them with Sscofpmf (Sscofpmf, \"mhpmevent\": on RV32 only)",
    "hvip.VSTIP with menvcfg.STCE: QEMU does not let it be written (Sstc, \"Virtual Supervisor Timer\")",
    "an illegal instruction delegated to VS where QEMU takes a virtual instruction for one",
    "satp in VS-mode under hstatus.VTVM: QEMU allows it (\"Hypervisor Status Register\", VTVM)",
    "writes of htinst: QEMU ignores them (\"Hypervisor Trap Instruction Register\": WARL)",
    "the upper ten bits of pmpaddr: QEMU keeps them (\"Physical Memory Protection CSRs\": WARL)",
    "SRET and SFENCE.VMA in VS-mode under mstatus.TSR and TVM: QEMU refuses them (\"Machine Status "
    "Registers\" of "
    "H: only in HS-mode)",
    "MRET with MPP=3 and MPV=1: QEMU lets V become 1 in M-mode (\"Trap Return\" of H)",
    "hgatp under mstatus.TVM: QEMU allows it (\"Machine Status Registers\" of H)",
    "stimecmp while menvcfg.STCE is 0: QEMU lets it act on STIP (Sstc, \"Machine Environment "
    "Configuration\")",
    "plain writes of mip: QEMU lets them clear hvip (\"Hypervisor Interrupt Registers\": VSTIP and VSEIP "
    "read-only)",
    "pmpcfg with W=1 and R=0: QEMU keeps it (\"Physical Memory Protection CSRs\": reserved)",
    "fcsr written in VS-mode: QEMU makes only vsstatus.FS dirty (\"Virtual Supervisor Status Register\": "
    "both)",
    "menvcfg.STCE cleared while henvcfg.STCE is set: QEMU still shows it (Sstc: read-only zero)",
    "SRET in M-mode with MPRV=1: QEMU leaves it set (\"Trap-Return Instructions\")",
    "sie read in VS-mode: QEMU hides SSIE (\"Virtual Supervisor Interrupt Registers\")",
    "CSRRS and CSRRC of a read-only CSR with a register that holds zero: QEMU allows it (Zicsr: x0 only)",
    "a new flag from an instruction without f destination under a clean FS: QEMU leaves FS clean "
    "(\"Extension "
    "Context Status\": fcsr is part of the state)",
    "henvcfg that differs from menvcfg, for accesses with MPRV or by HLV, HSV and HLVX: QEMU 10 looks at "
    "menvcfg "
    "alone (\"Hypervisor Environment Configuration Register\": ADUE and PBMTE are the VS-stage's)",
    "HLVX under vsstatus.SUM: QEMU 10 treats it as a fetch (\"Supervisor Memory Privilege\": a load)",
    "HLVX where PMP allows execution alone: QEMU 10 does not ask for R (\"Hypervisor Virtual-Machine Load "
    "and Store "
    "Instructions\": both)",
    "HLVX through random page tables: QEMU 7 wants the page to be readable, not executable (\"Hypervisor "
    "Virtual-Machine Load and Store Instructions\")",
    "SUM and MXR that differ between the levels: QEMU 7 takes SUM for set in HLV and HSV, and the wrong "
    "level's "
    "MXR (\"Virtual Supervisor Status Register\", \"Hypervisor Virtual-Machine Load and Store "
    "Instructions\")",
    "fetches of supervisors from user pages under SUM: QEMU 7 allows them after a load (\"Supervisor Memory "
    "Privilege\")",
    "page tables that the G-stage maps as executable only: QEMU lets MXR make them readable (\"Two-Stage "
    "Address "
    "Translation\": MXR is for explicit accesses)",
    "page tables that PMP lets be read, but not written: QEMU sets A and D there (\"Physical Memory "
    "Protection and "
    "Paging\")",
    "accesses across two pages under PMP: QEMU checks them as if the pages were neighbours in memory too "
    "(\"Address Matching\": all bytes of the access)",
    "vsstatus and SPVP changed without a fence: QEMU keeps what it translated (\"Virtual Supervisor Status "
    "Register\": they take effect at once)",
    "PTEs with a PBMT of 3: QEMU 10 allows them (\"Svpbmt\": reserved)",
    "page faults of HLV, HSV and MPRV while satp is Bare: QEMU calls them access faults (looks at satp, not "
    "vsatp)",
    "mie bit 13: QEMU 7 keeps it without Sscofpmf, QEMU 10 any bit (\"Machine Interrupt Registers\")",
    "reads of sstateen: QEMU 10 shows SE of the next higher register (Smstateen: 32 bits)",
    "the reserved value of CBIE: QEMU 10 keeps it (Zicbom, \"Control and Status Register State\")",
    "mstateen0h to 3h and hstateen0h to 3h: QEMU 10 has them (Smstateen: on RV32 only)",
    "mstateen0 and hstateen0 but for SE and ENVCFG: QEMU 10 has bits of extensions that are off (Smstateen)",
    "sie in VS-mode and vsie with bits other than 1, 5 and 9: QEMU takes them for VS-level ones",
    "bit 0 of sepc and vsepc: QEMU keeps it (\"Supervisor Exception Program Counter\": always zero)",
    "SC without its reservation where stores fault or misaligned: QEMU looks at the reservation first "
    "(\"Zalrsc\": none retires unless it passes the permission checks)",
    "SC after other stores to its reservation set, or of another size than LR (\"Zalrsc\": either is legal)",
    "cbo.clean, flush and inval where nothing is: QEMU lets them (Zicbom, \"Traps\": store access fault)",
};

// Null: nothing explains it. Otherwise why, with the manual's section.
const char* explanation(const TrapField& field);
const char* explanation(const FinalField& field);
const char* explanation(const MemoryField& field);

}  // namespace hvsim::oracle
