// CSR instructions and moves between modes. Values are legal ones where QEMU keeps whatever is written.
#include "models/cpu/csr_map.h"
#include "models/cpu/isa/csr.h"
#include "tests/isa/generate.h"

namespace hvsim::oracle {
namespace {

namespace csr = isa::csr;

constexpr std::uint64_t kVsStatus = csr::kSie | csr::kSpie | csr::kSpp | csr::kFs | csr::kSum | csr::kMxr,
                        kMStatus = kVsStatus | csr::kMie | csr::kMpie | csr::kMpp | csr::kTvm | csr::kTw |
                                   csr::kTsr,  // and not GVA, which QEMU 7 keeps when another trap clears it
    kHStatus = csr::kHGva | csr::kSpv | csr::kSpvp | csr::kHu | csr::kVtvm | csr::kVtw | csr::kVtsr,
                        kSoftwareInterrupts = 0x222, kVirtualInterrupts = 0x444;

// Registers that must not keep another value while the program goes on, for traps go through them.
bool must_be_restored(unsigned number) {
  switch (number) {
    case csr::mtvec:
    case csr::mscratch:
    case csr::stvec:
    case csr::vstvec:
    case csr::satp:
    case csr::vsatp:
    case csr::hgatp:
      return true;
    default:
      return number >= csr::pmpcfg0 && number < csr::pmpaddr0 + 64;
  }
}

// Counters run at their own pace, and what events, inhibition and triggers there are is
// implementation-defined.
bool is_left_out(unsigned number) {
  const bool counts = (number >= 0xB03 && number < 0xB20) || (number >= 0xC03 && number < 0xC20);
  const bool high_halves = (number >= 0x723 && number < 0x740) ||  // mhpmevent3h and on
                           (number & ~3u) == 0x31C ||              // mstateen0h and on
                           (number & ~3u) == 0x61C;                // hstateen0h and on
  const bool triggers = number >= cpu::kTselect && number <= cpu::kTdata3;
  return counts || high_halves || triggers ||
         (number >= csr::mcountinhibit && number < csr::mcountinhibit + 32);
}
bool is_counter(unsigned number) {
  return number == csr::mcycle || number == csr::minstret ||
         (number >= csr::cycle && number < csr::cycle + 32);
}

// QEMU keeps nothing that is written to htinst, and clears both with every trap into VS-mode.
bool is_written_by_traps(unsigned number) { return number == csr::htval || number == csr::htinst; }

// What may be another in QEMU after a trap must not be a part of what is written.
bool is_of_last_trap(unsigned number) {
  switch (number) {
    case csr::mcause:
    case csr::scause:
    case csr::vscause:
    case csr::mtval:
    case csr::stval:
    case csr::vstval:
      return true;
    default:
      return false;
  }
}

// Registers whose value in QEMU may be another: they are only compared at the end, where what differs can be
// told from an error of ours (known_differences.cpp).
bool misreads(const Builder& b, unsigned number) {
  switch (number) {
    case csr::vsstatus:
    case csr::vsip:
    case csr::hvip:
    case csr::sstateen0:
    case csr::sstateen0 + 1:
    case csr::sstateen0 + 2:
    case csr::sstateen0 + 3:
      return true;
    case csr::sie:
    case csr::sip:
    case csr::hstatus:
    case csr::mstatus:
      return b.program.guests;
    default:
      return is_of_last_trap(number);
  }
}

std::uint64_t random_atp(Random& random, bool g_stage) {
  const std::uint64_t mode = random.of({std::uint64_t{0}, csr::kModeSv39, csr::kModeSv48});
  const std::uint64_t ppn = random.next() & csr::kAtpPpn & (g_stage ? ~std::uint64_t{3} : ~std::uint64_t{0});
  return mode << csr::kAtpModeShift |
         (random.next() & (g_stage ? csr::kVmidMask : csr::kAsidMask)) << csr::kAsidShift | ppn;
}

// FS off or dirty where a guest may run: QEMU leaves mstatus.FS as it is when a guest writes fcsr.
std::uint64_t with_whole_fs(const Builder& b, std::uint64_t status) {
  if (!b.program.guests) return status;
  return (status & ~csr::kFs) | ((status & csr::kFs) > csr::kFs / 2 ? csr::kFs : 0);
}

// CBIE all or nothing, so that no set or cleared bits make its reserved value.
std::uint64_t any_environment(Builder& b) {
  if (!b.program.witness->has_cache_blocks()) return b.random.next() & csr::kFiom;
  const std::uint64_t inval = b.random.one_in(2) ? csr::kCbie : 0;
  return (b.random.next() & (csr::kFiom | csr::kCbcfe | csr::kCbze)) | inval;
}

// A value that is legal wherever QEMU does not check it.
std::uint64_t value_for(Builder& b, unsigned number) {
  Random& random = b.random;
  const std::uint64_t any = random.one_in(3) ? random.integer() : random.next();
  switch (number) {
    case csr::mstatus:
      return (with_whole_fs(b, any) & kMStatus & ~csr::kMpp &
              ~(b.program.guests ? csr::kTvm | csr::kTsr : 0)) |
             (random.one_in(2) ? csr::kMpp : 0);
    case csr::sstatus:
      return with_whole_fs(b, any) & kVsStatus;
    case csr::vsstatus:
      return any & kVsStatus;
    case csr::hstatus:
      return any & kHStatus & ~(b.program.vtvm ? 0 : csr::kVtvm) & ~(b.program.guests ? 0 : csr::kSpv);
    case csr::medeleg:
      return paired_medeleg(any & kMedeleg);
    case csr::hedeleg:
      return any & kHedeleg;
    case csr::mip:
    case csr::mideleg:
    case csr::sie:
    case csr::vsie:
      return any & kSoftwareInterrupts;
    case csr::mie:
      return any & 0x1EEE;  // QEMU 10 keeps bits that no interrupt has, QEMU 7 bit 13
    case csr::hvip:
      return any & kVirtualInterrupts & ~b.program.withheld_interrupts;
    case csr::hideleg:
      return any & kVirtualInterrupts;
    case csr::hip:
      return any & 4;
    case csr::sip:
    case csr::vsip:
      return any & 2;
    case csr::menvcfg:
    case csr::henvcfg:
    case csr::senvcfg:
      return any_environment(b);
    case csr::mcounteren:
    case csr::scounteren:
    case csr::hcounteren:
      return any & 7;
    case csr::mstateen0:
    case csr::hstateen0:
      return any & (csr::kStateenEnvcfg | csr::kStateenSe);
    case csr::stimecmp:
    case csr::vstimecmp:
      return ~std::uint64_t{0};
    case csr::mepc:
    case csr::sepc:
    case csr::vsepc:
      return (any & ~std::uint64_t{1}) | std::uint64_t{1} << 62;  // where nothing is, if it is returned to
    case csr::mtvec:
    case csr::stvec:
    case csr::vstvec:
      return any & ~std::uint64_t{2};
    case csr::satp:
    case csr::vsatp:
      return random_atp(random, false);
    case csr::hgatp:
      return random_atp(random, true);
    default:
      break;
  }
  if (number >= csr::pmpaddr0 && number < csr::pmpaddr0 + 64) return any >> 10;  // 54 bits
  if (number >= csr::pmpcfg0 && number < csr::pmpaddr0) {
    // Never locked, and never writable without being readable.
    const std::uint64_t config = any & 0x1F1F'1F1F'1F1F'1F1F;
    return config & ~(~config << 1 & 0x0202'0202'0202'0202);
  }
  // QEMU sees no write where the register that CSRRS and CSRRC name holds zero.
  return cpu::csr_read_only(number) || number <= csr::fcsr ? any | 1 : any;
}

unsigned random_number(Builder& b) {
  for (;;) {
    const unsigned number = b.random.below(4096);
    const bool guarded = number == csr::satp ? b.program.vtvm : number == csr::hgatp && !b.program.guests;
    if (is_left_out(number) || guarded) continue;
    // Existing ones mostly; the others must be illegal.
    if (cpu::kCsrMap[number] != cpu::CsrKind::absent || b.random.one_in(300)) return number;
  }
}

constexpr unsigned kWrite = 1, kSet = 2, kClear = 3, kImmediate = 4;

// The register is back at once, or the first of the two traps and the second is not reached.
void put_restored(Builder& b, unsigned number) {
  // Paging would begin at once below M-mode: see that it is M-mode first.
  const bool address = number == csr::satp || number == csr::vsatp || number == csr::hgatp;
  if (address) b.csr(kSet, 0, csr::mscratch, 0);
  b.csr(kWrite, kT1, number, kT0);
  b.csr(kWrite, kT2, number, kT1);
}

// A plain write of mip would take VSTIP and VSEIP with it on QEMU, one of menvcfg would change STCE.
unsigned first_change(unsigned number) {
  return number == csr::mip || number == csr::menvcfg || number == csr::henvcfg ? kSet : kWrite;
}

void put_bits_of(Builder& b, unsigned number, unsigned rd) {
  // Five bits cannot be chosen freely where only some are legal.
  const bool environment = number == csr::menvcfg || number == csr::henvcfg || number == csr::senvcfg;
  const auto legal = static_cast<unsigned>(value_for(b, number) & (environment ? csr::kFiom : 31));
  b.csr(kImmediate | b.random.between(first_change(number), kClear), rd, number, legal);
}

bool jump_to_next(Builder& b, unsigned address_csr, std::uint32_t leave) {
  b.emit(as::auipc(kT0, 0));
  b.emit(as::addi(kT0, kT0, 16));
  b.csr(kWrite, 0, address_csr, kT0);
  b.emit(leave);
  return true;
}

void put_mret(Builder& b) {
  const std::uint64_t previous = b.random.of({std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{3}});
  const std::uint64_t keep =
      b.random.next() & (csr::kMpie | (b.program.guests && previous != 3 ? csr::kMpv : 0));
  b.li(kT0, csr::kMpp | csr::kMpie | csr::kMpv);
  b.csr(kClear, 0, csr::mstatus, kT0);
  b.li(kT0, previous << csr::kMppShift | keep);
  b.csr(kSet, 0, csr::mstatus, kT0);
  jump_to_next(b, csr::mepc, as::mret);
}

void put_sret(Builder& b) {
  if (b.program.guests && b.random.one_in(2)) {
    b.li(kT0, csr::kSpv);
    b.csr(b.random.one_in(3) ? kClear : kSet, 0, csr::hstatus, kT0);
  }
  b.li(kT0, csr::kSpp);
  b.csr(b.random.one_in(2) ? kClear : kSet, 0, csr::sstatus, kT0);
  jump_to_next(b, csr::sepc, as::sret);
}

// To an address where nothing is, lest a return to an earlier one go on for ever; in user mode it is illegal
// by itself.
void put_bare_return(Builder& b) {
  const bool machine = b.random.one_in(2), user = (b.program.start_status & csr::kMpp) == 0;
  if (!user) b.csr(kWrite, 0, machine ? csr::mepc : csr::sepc, 0);
  b.emit(machine ? as::mret : as::sret);
}

}  // namespace

void put_csr(Builder& b) {
  if (!b.reserve(kBundleBytes - 8)) return;
  const unsigned number = random_number(b);
  // htinst holds what an earlier program left there until a trap of this one writes it.
  const bool unknown = is_counter(number) || misreads(b, number) || number == csr::htinst;
  const unsigned rd = unknown ? 0 : b.free_register();
  const bool timer = number == csr::stimecmp || number == csr::vstimecmp;
  const bool idle_timer = timer && b.program[StartCsr::menvcfg] == 0;  // which QEMU lets act on mip
  if (is_counter(number) || is_written_by_traps(number) || idle_timer || b.random.one_in(3))
    return b.csr(kSet, rd, number, 0);
  const bool address = number == csr::mepc || number == csr::sepc || number == csr::vsepc;
  const bool replaced = timer || is_of_last_trap(number);
  const bool whole = address || replaced || number == csr::medeleg || number == csr::hedeleg;
  if (!must_be_restored(number) && !whole && b.random.one_in(4)) return put_bits_of(b, number, rd);
  b.li(kT0, value_for(b, number));
  if (must_be_restored(number)) return put_restored(b, number);
  b.csr(replaced ? kWrite : b.random.between(first_change(number), address ? kSet : kClear), rd, number, kT0);
}

void put_mode_change(Builder& b) {
  if (!b.reserve(kBundleBytes - 8)) return;
  switch (b.random.below(10)) {
    case 0:
    case 1:
    case 2:
      return put_mret(b);
    case 3:
    case 4:
    case 5:
      return put_sret(b);
    case 6:
      return b.emit(as::ecall);
    case 7:
      return b.emit(b.random.one_in(2) ? as::ebreak : 0x9002u);
    default:
      return put_bare_return(b);
  }
}

// WFI only where something is pending: everywhere else it may wait for ever.
void put_system(Builder& b) {
  using cpu::Id;
  if (b.random.one_in(4)) {
    if (!b.reserve(16)) return;
    b.emit(as::addi(kT0, 0, 2));
    b.csr(kSet, 0, csr::mie, kT0);
    b.csr(kSet, 0, csr::mip, kT0);
    return b.emit(as::wfi);
  }
  b.emit(b.random_encoding(b.random.of({Id::sfence_vma, Id::hfence_vvma, Id::hfence_gvma})));
}

}  // namespace hvsim::oracle
