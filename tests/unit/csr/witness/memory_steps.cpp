// Random loads and stores over random page tables, and the model's account of them.
#include "tests/unit/csr/witness/memory_steps.h"

#include <cstdlib>
#include <iterator>
#include <random>
#include <sstream>

#include "models/cpu/address_space.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/trap.h"

namespace hvsim::cpu::witness {
namespace {

namespace csr = isa::csr;
using isa::Access;

constexpr std::uint64_t kTablePages = kTableBytes / isa::kPageBytes;
constexpr unsigned kUsedEntries = 32;  // of each table; the others are zero
constexpr std::uint64_t kEcallFromMachine = 11;
constexpr std::uint64_t kProgram = 0x80000000;  // of the witness program, a page at most

// Stores are of whole PTEs, lest one point out of memory, which QEMU finds to be a page fault, not an access
// fault. HLVX is left out: QEMU asks for R where the manual asks for X. So are AMOs: QEMU reports some faults
// as a load's, writes A and D without asking the G-stage, and sets A even if the AMO may not write.
constexpr MemoryInstruction kInstructions[] = {
    {"lb a0,0(t0)", 0x00028503, Access::load, 1, true, false},
    {"lhu a0,0(t0)", 0x0002D503, Access::load, 2, false, false},
    {"lw a0,0(t0)", 0x0002A503, Access::load, 4, true, false},
    {"ld a0,0(t0)", 0x0002B503, Access::load, 8, false, false},
    {"sd t1,0(t0)", 0x0062B023, Access::store, 8, false, false},
    {"lr.d a0,(t0)", 0x1002B52F, Access::load, 8, false, false},
    {"hlv.d a0,(t0)", 0x6C02C573, Access::load, 8, false, true},
    {"hlv.b a0,(t0)", 0x6002C573, Access::load, 1, true, true},
    {"hsv.d t1,(t0)", 0x6E62C073, Access::store, 8, false, true},
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

std::uint64_t random_page(Random& random) { return (kTables >> isa::kPageShift) + random.below(kTablePages); }

// With Svnapot or Svpbmt QEMU asks neither for reserved bits 60:54 nor whether PBMT is 3; and it sets A and D
// of a NAPOT PTE before it finds its size to be reserved, so such PTEs have both.
std::uint64_t with_extensions(Random& random, std::uint64_t value) {
  namespace pte = isa::pte;
  if ((value & (pte::r | pte::x)) == 0)
    return random.chance(2) ? value | std::uint64_t{1} << (61 + random.below(3)) : value;
  if (random.chance(15)) value |= (1 + random.below(2)) << pte::pbmt_shift;
  if (!random.chance(15)) return value;
  value |= pte::n;
  if (random.chance(30)) return value | pte::a | pte::d;
  return (value & ~(pte::napot_mask << pte::ppn_shift)) | pte::napot_64k << pte::ppn_shift;
}

// Mostly well-formed, pointing into the tables themselves. As leaves of level 1 the first table's number is
// aligned; deeper superpages always are misaligned, so nothing outside the tables is ever touched.
std::uint64_t random_pte(Random& random, bool extensions) {
  namespace pte = isa::pte;
  std::uint64_t value = random_page(random) << pte::ppn_shift;
  if (!random.chance(4)) value |= pte::v;
  if (random.chance(50)) {
    if (random.chance(3)) value |= random.chance(50) ? pte::u : pte::d;  // reserved in pointers
  } else {
    if (random.chance(85)) value |= pte::r;
    if (random.chance(70)) value |= pte::w;
    if (random.chance(50)) value |= pte::x;
    if (random.chance(70)) value |= pte::u;
    if (random.chance(60)) value |= pte::a;
    if (random.chance(60)) value |= pte::d;
    if (random.chance(10)) value |= pte::g;
    if (random.chance(30)) value = (value & ~pte::ppn_mask) | (kTables >> 2);
  }
  if (extensions) return with_extensions(random, value);
  if (random.chance(2)) value |= std::uint64_t{1} << (54 + random.below(10));
  return value;
}

std::uint64_t random_root(Random& random) {
  if (random.chance(20)) return 0;
  const std::uint64_t mode = csr::kModeSv39 + random.below(3);
  return mode << csr::kAtpModeShift | random_page(random);
}

// Indices that the tables use: small ones at the lower levels, and those of the tables' own address.
std::uint64_t random_address(Random& random) {
  if (random.chance(3)) return std::uint64_t{1} << (38 + random.below(26)) | random.below(4096) << 3;
  const std::uint64_t vpn4 = random.chance(80) ? 0 : random.below(4);
  const std::uint64_t vpn3 = random.chance(60) ? 0 : random.below(4);
  const std::uint64_t vpn2 = random.below(kUsedEntries), vpn1 = random.below(kUsedEntries),
                      vpn0 = random.below(kUsedEntries);
  return vpn4 << 48 | vpn3 << 39 | vpn2 << 30 | vpn1 << 21 | vpn0 << 12 | random.below(512) << 3;
}

MemoryStep random_step(Random& random, bool extensions) {
  MemoryStep step{};
  step.instruction = &kInstructions[random.below(std::size(kInstructions))];
  step.x5 = random_address(random);
  step.x6 = random_pte(random, extensions);
  step.satp = random_root(random);
  step.vsatp = random_root(random);
  step.hgatp = random_root(random) & ~std::uint64_t{3};
  step.hstatus = random.chance(50) ? csr::kSpvp : 0;
  step.mstatus = csr::kMprv | random.below(2) << csr::kMppShift | (random.chance(65) ? csr::kMpv : 0) |
                 (random.chance(50) ? csr::kSum : 0) | (random.chance(30) ? csr::kMxr : 0);
  const bool guest = step.instruction->to_guest || (step.mstatus & csr::kMpv) != 0;
  // QEMU lets vsstatus.MXR reach the G-stage and page-table reads, and HS-level MXR no guest's access at all.
  // Its HLV, HSV and MPRV act as though vsstatus.SUM were set.
  if (guest) {
    step.vsstatus = csr::kSum;
    step.mstatus &= ~csr::kMxr;
  }
  // QEMU asks satp, not vsatp, whether a guest's fault is a page fault or an access fault.
  if (guest && step.satp == 0) step.satp = csr::kModeSv39 << csr::kAtpModeShift | random_page(random);
  // QEMU takes memory types whatever PBMTE says.
  if (extensions) step.menvcfg = step.henvcfg = csr::kPbmte;
  // In QEMU a fetch by machine mode makes its page readable under MPRV, untranslated.
  if (step.x5 >> isa::kPageShift == kProgram >> isa::kPageShift) step.x5 += isa::kPageBytes;
  // A Bare stage hands its address on as it is, and only the tables' own are safe then.
  if ((guest ? step.vsatp : step.satp) == 0) step.x5 = kTables | (step.x5 & (kTableBytes - 1));
  return step;
}

std::uint64_t extend(std::uint64_t value, const MemoryInstruction& instruction) {
  if (!instruction.sign_extends) return value;
  const unsigned unused = 64 - 8 * instruction.bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused);
}

}  // namespace

std::vector<std::uint64_t> random_tables(std::uint64_t seed, bool extensions) {
  Random random(seed);
  std::vector<std::uint64_t> words(kTableBytes / 8);
  for (std::size_t i = 0; i < words.size(); ++i)
    if (i % 512 < kUsedEntries) words[i] = random_pte(random, extensions);
  return words;
}

std::vector<MemoryStep> random_memory_steps(std::uint64_t seed, std::size_t count, bool extensions) {
  Random random(seed + 1);
  std::vector<MemoryStep> steps;
  for (std::size_t i = 0; i < count; ++i) steps.push_back(random_step(random, extensions));
  return steps;
}

std::string describe(const MemoryStep& step) {
  std::ostringstream text;
  text << step.instruction->name << std::hex << " t0 0x" << step.x5 << " satp 0x" << step.satp << " vsatp 0x"
       << step.vsatp << " hgatp 0x" << step.hgatp << " hstatus 0x" << step.hstatus << " vsstatus 0x"
       << step.vsstatus << " menvcfg 0x" << step.menvcfg << " henvcfg 0x" << step.henvcfg << " mstatus 0x"
       << step.mstatus;
  return text.str();
}

std::string describe(const MemoryOutcome& outcome) {
  std::ostringstream text;
  text << std::hex << "x10 0x" << outcome.x10 << " mcause 0x" << outcome.mcause << " mtval 0x"
       << outcome.mtval << " mtval2 0x" << outcome.mtval2 << " mtinst 0x" << outcome.mtinst;
  return text.str();
}

MemoryModel::MemoryModel(const std::vector<std::uint64_t>& tables, bool extensions)
    : extensions_(extensions) {
  auto memory = mem::PhysicalMemory::create(isa::Hpa{0x80000000}, 128u << 20);
  if (!memory) std::abort();
  memory_ = std::make_unique<mem::PhysicalMemory>(std::move(memory.value()));
  for (std::size_t i = 0; i < tables.size(); ++i) memory_->write(isa::Hpa{kTables + 8 * i}, tables[i]);
  const std::uint8_t all[] = {0x1F};
  const std::uint64_t everywhere[] = {(std::uint64_t{1} << 54) - 1};
  pmp_.update(all, everywhere);
}

MemoryOutcome MemoryModel::run(const MemoryStep& step) {
  const MemoryInstruction& instruction = *step.instruction;
  HartState hart;
  hart.isa_config.svnapot = hart.isa_config.svpbmt = extensions_;
  csr_file::poke(hart, csr::satp, step.satp);
  csr_file::poke(hart, csr::vsatp, step.vsatp);
  csr_file::poke(hart, csr::hgatp, step.hgatp);
  csr_file::poke(hart, csr::hstatus, step.hstatus);
  csr_file::poke(hart, csr::vsstatus, step.vsstatus);
  csr_file::poke(hart, csr::menvcfg, step.menvcfg);
  csr_file::poke(hart, csr::henvcfg, step.henvcfg);
  csr_file::poke(hart, csr::mstatus, step.mstatus);

  const mmu::AddressSpace space = instruction.to_guest ? guest_access_space(hart) : data_space(hart);
  mmu::WalkTrace trace;
  const auto found = mmu::Mmu(*memory_, pmp_)
                         .translate(isa::Gva{step.x5}, instruction.access, instruction.bytes, space, trace);
  if (!found) {
    take_trap(hart, memory_fault(found.error(), instruction.access, isa::Gva{step.x5}, space,
                                 instruction.encoding));
    return {0x5A5A, hart.csr.mcause, hart.csr.mtval, hart.csr.mtval2, hart.csr.mtinst};
  }
  std::uint8_t* place = memory_->host(found->address, instruction.bytes);
  std::uint64_t value = 0;
  if (place == nullptr) std::abort();
  std::memcpy(&value, place, instruction.bytes);
  if (instruction.access == Access::load) return {extend(value, instruction), kEcallFromMachine, 0, 0, 0};
  std::memcpy(place, &step.x6, instruction.bytes);
  return {0x5A5A, kEcallFromMachine, 0, 0, 0};
}

std::vector<std::uint64_t> MemoryModel::tables() const {
  std::vector<std::uint64_t> words(kTableBytes / 8);
  for (std::size_t i = 0; i < words.size(); ++i) memory_->read(isa::Hpa{kTables + 8 * i}, words[i]);
  return words;
}

}  // namespace hvsim::cpu::witness
