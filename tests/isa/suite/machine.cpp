// What the machine-mode parts of riscv-tests and riscv-arch-test rely on.
#include "tests/isa/suite/harness.h"

extern "C" std::uint8_t vectors;
extern "C" volatile std::uint64_t vector_taken;

namespace suite {
namespace {

constexpr uint64_t kIllegal = 2, kBreakpoint = 3, kFetchAccess = 1, kLoadAccess = 5, kEcallM = 11;
constexpr uint64_t kSsi = 2;

// The trap may leave zero or the instruction.
void check_illegal(std::string_view name, std::uint32_t instruction, Mode level = kM) {
  check_trap(name, kIllegal, level);
  check(name, seen.value == 0 || seen.value == instruction);
}

uint64_t read_sstatus(uint64_t) { return get<csr::sstatus>(); }
uint64_t read_satp(uint64_t) { return get<csr::satp>(); }
uint64_t write_cycle(uint64_t) {
  asm volatile("csrrw zero, cycle, zero");
  return 0;
}

}  // namespace

void machine_registers() {
  check("misa: XLEN is 64", get<csr::misa>() >> 62, 2);
  const uint64_t misa = get<csr::misa>();
  set<csr::misa>(1u << 7);
  check("misa: H stays", get<csr::misa>() >> 7 & 1, 1);
  put<csr::misa>(misa);
  check("mhartid", get<csr::mhartid>(), 0);
  (void)get<csr::mvendorid>();
  (void)get<csr::marchid>();
  (void)get<csr::mimpid>();
  (void)get<csr::mconfigptr>();
  put<0x7A0>(uint64_t{1} << 63);
  check("tselect: no such trigger", get<0x7A0>() >> 63, 0);
  (void)get<0x7A1>();
  check_no_trap("identification and trigger registers are there");

  uint64_t instructions = 0;
  asm volatile("csrw minstret, zero\n csrr %0, minstret" : "=r"(instructions));
  check("minstret: the write takes the place of its own increment", instructions, 0);

  put<csr::mstatus>(csr::kMpp);
  clear<csr::mstatus>(uint64_t{1} << csr::kMppShift);  // 2 is no mode
  check("mstatus.MPP is never 2", (get<csr::mstatus>() & csr::kMpp) != uint64_t{2} << csr::kMppShift);

  const uint64_t config = get<csr::pmpcfg0>(), address = get<csr::pmpaddr0>();
  put<csr::pmpcfg0>(0);
  put<csr::pmpaddr0>(~uint64_t{0});
  check("PMP's granularity is four bytes", get<csr::pmpaddr0>(), (uint64_t{1} << 54) - 1);
  put<csr::pmpcfg0>(0x1818181818181818);
  check("pmpcfg0: NAPOT in all entries", get<csr::pmpcfg0>(), 0x1818181818181818);
  put<csr::pmpcfg0>(0x1A1A1A1A1A1A1A1A);
  check("pmpcfg0: W without R is not kept", get<csr::pmpcfg0>() & 0x0303030303030303, 0);
  put<csr::pmpcfg0>(config);
  put<csr::pmpaddr0>(address);

  forget();
  asm volatile(".insn i 0x73, 1, x0, x0, 0x3A1");  // csrrw pmpcfg1
  check_trap("pmpcfg1 is of RV32", kIllegal);
  forget();
  asm volatile(".insn i 0x73, 2, x0, x0, 0x747");  // csrrs mseccfg
  check_trap("mseccfg is of Smepmp", kIllegal);

  put<csr::mcountinhibit>(5);
  const uint64_t cycles = get<csr::mcycle>();
  instructions = get<csr::minstret>();
  check("mcountinhibit stops mcycle", get<csr::mcycle>(), cycles);
  check("mcountinhibit stops minstret", get<csr::minstret>(), instructions);
  put<csr::mcountinhibit>(0);
}

void machine_traps() {
  forget();
  asm volatile(".balign 4\n .word 0");
  check("an illegal instruction of zeros is two of two bytes", seen.count, 2);
  check("an illegal instruction", seen.cause, kIllegal);
  check("an illegal instruction's value", seen.value, 0);
  forget();
  asm volatile(".balign 4\n .word 0xffffffff");
  check_illegal("an illegal instruction of ones", 0xFFFF'FFFF);
  forget();
  asm volatile("ebreak");
  check_trap("ebreak", kBreakpoint);
  check("ebreak's value", seen.value == 0 || seen.value == seen.epc);
  forget();
  asm volatile("ecall");
  check_trap("ecall from M-mode", kEcallM);

  // The most significant bit flipped: nothing is there.
  constexpr uint64_t nowhere = uint64_t{1} << 63 | 0x8000'0000;
  forget();
  uint64_t link = 0;
  asm volatile("la t0, 1f\n sd t0, 0(%2)\n jalr %0, 0(%1)\n1:"
               : "=&r"(link)
               : "r"(nowhere), "r"(&seen.resume)
               : "t0", "memory");
  check_trap("a jump to nowhere", kFetchAccess);
  check("a jump to nowhere: the value", seen.value, nowhere);
  check("a jump to nowhere happens, and its target traps", seen.epc, nowhere);
  check("a jump to nowhere leaves its link", link != 0);
  forget();
  uint64_t kept = 0x77;
  asm volatile("lb %0, 0(%1)" : "+r"(kept) : "r"(nowhere));
  check_trap("a load from nowhere", kLoadAccess);
  check("a load from nowhere leaves its register", kept, 0x77);

  // Done, or trapped without a trace.
  static const std::uint8_t bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  forget();
  uint64_t word = 0x77;
  asm volatile("lw %0, 1(%1)" : "+r"(word) : "r"(bytes), "m"(bytes));
  if (seen.count == 0) {
    check("a misaligned load", word, 0x05040302);
  } else {
    check_trap("a misaligned load", 4);
    check("a misaligned load that traps", word, 0x77);
  }

  put<csr::mtvec>(reinterpret_cast<uint64_t>(&vectors) + 1);
  check("mtvec can be vectored", get<csr::mtvec>() & 1, 1);
  forget();
  put<csr::mie>(kSsi);
  put<csr::mip>(kSsi);
  set<csr::mstatus>(csr::kMie);
  clear<csr::mstatus>(csr::kMie);
  check_trap("an interrupt to a vectored mtvec", uint64_t{1} << 63 | 1);
  check("it goes to its own entry", vector_taken != 0);
  reset();

  run_in(kHs, do_sfence, 0);
  run_in(kHs, read_satp, 0);
  run_in(kHs, do_sret, 0);
  check_no_trap("HS-mode without TVM and TSR");
  set<csr::mstatus>(csr::kTvm | csr::kTsr);
  run_in(kHs, do_sfence, 0);
  check_trap("sfence.vma with TVM", kIllegal);
  forget();
  run_in(kHs, read_satp, 0);
  check_trap("satp with TVM", kIllegal);
  forget();
  run_in(kHs, do_sret, 0);
  check_trap("sret with TSR", kIllegal);
  reset();

  run_in(kU, read_sstatus, 0);
  check_trap("sstatus from U-mode", kIllegal);
  put<csr::mcounteren>(7);
  put<csr::scounteren>(7);
  forget();
  run_in(kU, write_cycle, 0);
  check_trap("a write to cycle", kIllegal);
  forget();
  run_in(kU, read_cycle, 0);
  check_no_trap("cycle from U-mode");
  put<csr::scounteren>(0);
  run_in(kU, read_cycle, 0);
  check_trap("cycle from U-mode without scounteren", kIllegal);
}

}  // namespace suite
