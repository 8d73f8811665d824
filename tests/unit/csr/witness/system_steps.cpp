// Random steps for the witness program, and the model's account of them.
#include "tests/unit/csr/witness/system_steps.h"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "models/cpu/csr_fields.h"
#include "models/cpu/csr_file.h"
#include "models/cpu/decoder.h"
#include "models/cpu/execute_system.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/interrupts.h"
#include "tests/unit/csr/fake_core.h"

namespace hvsim::cpu::witness {
namespace {

namespace csr = isa::csr;
using testing::FakeCore;

constexpr std::uint32_t kEcall = 0x00000073, kEbreak = 0x00100073, kSret = 0x10200073, kMret = 0x30200073,
                        kWfi = 0x10500073, kSfence = 0x12628073, kHfenceVvma = 0x22628073,
                        kHfenceGvma = 0x62628073, kHlvD = 0x6C02C573, kHlvxWu = 0x6832C573,
                        kHlvBu = 0x6012C573, kSinval = 0x16628073, kSfenceWInval = 0x18000073,
                        kSfenceInvalIr = 0x18100073, kHinvalVvma = 0x26628073, kHinvalGvma = 0x66628073;

constexpr isa::Mode kModes[] = {testing::kM, testing::kHs, testing::kU, testing::kVs, testing::kVu};

// Numbers to try: all that are dumped or loaded, more that exist, and some that do not. Left out are those
// that would lead astray (trap vectors, roots other than Bare), and what depends on time.
constexpr unsigned kOthers[] = {
    csr::fflags,   csr::frm,        csr::stimecmp, csr::vstimecmp, csr::mhartid,
    csr::hgeip,    csr::satp,       csr::vsatp,    csr::hgatp,     csr::hpmcounter3,
    csr::mscratch, csr::mconfigptr, csr::mseccfg,  0x30C,          0xDA0,
    0xFB0,         0x3A1,           0x102,         0x310,          0xC80,
    0x615,         0x5A8,           0x015,         0x008,          0x7FF};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class Range>
  auto one_of(const Range& range) {
    return *std::next(std::begin(range), static_cast<std::ptrdiff_t>(below(std::size(range))));
  }
  // Sparse, dense, or single bits: CSRs are made of bits.
  std::uint64_t value() {
    switch (below(4)) {
      case 0:
        return engine_();
      case 1:
        return engine_() & engine_() & engine_();
      case 2:
        return std::uint64_t{1} << below(64);
      default:
        return engine_() & 0xFFFF'FFFF;
    }
  }

 private:
  std::mt19937_64 engine_;
};

// Keeps a step from leaving the paths of the witness program.
std::uint64_t harmless(unsigned number, std::uint64_t value, Random& random) {
  switch (number) {
    case csr::medeleg:
      return value & ~bit(isa::Exception::ecall_from_s);  // the way back to machine mode
    // MPRV would lend the program itself another mode; VS and UXL QEMU lets software change.
    case csr::mstatus:
      return value & ~(csr::kMprv | csr::kVs | csr::kUxl);
    case csr::sstatus:
    case csr::vsstatus:
      return value & kSstatusWritable;
    case csr::mie:
    case csr::mip:
    case csr::hvip:
      return random.chance(60) ? 0 : value;
    case csr::stimecmp:
    case csr::vstimecmp:
      return ~std::uint64_t{0};
    case csr::htinst:
      return 0;  // QEMU's holds nothing that software writes, as WARL allows
    case csr::pmpcfg0:
    case csr::pmpcfg0 + 2:
      return value & 0x1D1D'1D1D'1D1D'1D1D;  // no locks, they would stay; W only with R
    case csr::satp:
    case csr::vsatp:
    case csr::hgatp:
      return value & ~(std::uint64_t{15} << csr::kAtpModeShift);
    default:
      return value;
  }
}

std::uint32_t csr_instruction(Random& random) {
  constexpr std::uint32_t funct3[] = {1, 2, 3, 5, 6, 7};
  const std::uint32_t number = random.chance(70) ? random.one_of(kDumped) : random.one_of(kOthers);
  const bool reads_only = random.chance(40);
  const bool compare = number == csr::stimecmp || number == csr::vstimecmp;  // only ever written whole
  const std::uint32_t form = reads_only ? (random.chance(50) ? 2 : 6) : compare ? 1 : random.one_of(funct3);
  const std::uint32_t source = reads_only ? 0 : 5;
  return number << 20 | source << 15 | form << 12 | 10u << 7 | 0x73;
}

std::uint32_t any_instruction(isa::Mode mode, Random& random) {
  constexpr std::uint32_t others[] = {kEcall,      kEbreak,       kSret,          kMret,       kSfence,
                                      kHfenceVvma, kHfenceGvma,   kHlvD,          kHlvxWu,     kHlvBu,
                                      kSinval,     kSfenceWInval, kSfenceInvalIr, kHinvalVvma, kHinvalGvma};
  if (random.chance(75)) return csr_instruction(random);
  if (mode == testing::kVu && random.chance(10)) return kWfi;  // elsewhere it might wait for ever
  return random.one_of(others);
}

// QEMU 7.2 keeps reserved bits in some CSRs and lets them wander on traps, so steps start from legal values.
void legalise(std::vector<std::uint64_t>& loads) {
  FakeCore core;
  core.state.csr.mstatus = csr::kFs;
  for (std::size_t i = 0; i < std::size(kLoaded); ++i) {
    csr_file::poke(core.state, kLoaded[i], loads[i]);
    if (kLoaded[i] != csr::mip) loads[i] = csr_file::peek(core.state, kLoaded[i]);
    if (kLoaded[i] == csr::vsstatus) loads[i] &= ~csr::kSd;
    // Under STCE QEMU does not take hvip.VSTIP.
    if (kLoaded[i] == csr::hvip && supervisor_timer_compares(core.state))
      loads[i] &= ~bit(isa::Interrupt::virtual_supervisor_timer);
  }
}

Step random_step(Random& random) {
  Step step;
  step.mode = random.one_of(kModes);
  step.instruction = any_instruction(step.mode, random);
  step.x5 = random.value();
  step.x6 = random.value();
  if (is_csr_instruction(step.instruction)) {
    step.x5 = harmless(step.instruction >> 20, step.x5, random);
  } else if (step.instruction == kHlvD || step.instruction == kHlvxWu || step.instruction == kHlvBu) {
    step.x5 = kSteps;
  }
  for (unsigned number : kLoaded) step.loads.push_back(harmless(number, random.value(), random));
  std::uint64_t& mstatus = step.loads.back();
  mstatus = (mstatus & ~(csr::kMpp | csr::kMpv | csr::kMie)) |
            std::uint64_t{static_cast<std::uint8_t>(step.mode.privilege)} << csr::kMppShift |
            (step.mode.virtualized ? csr::kMpv : 0);
  legalise(step.loads);
  return step;
}

bool execute_op(FakeCore& core, const Op& op) {
  switch (op.id) {
    case Id::csrrw:
      return execute::csrrw(core, op);
    case Id::csrrs:
      return execute::csrrs(core, op);
    case Id::csrrc:
      return execute::csrrc(core, op);
    case Id::csrrwi:
      return execute::csrrwi(core, op);
    case Id::csrrsi:
      return execute::csrrsi(core, op);
    case Id::csrrci:
      return execute::csrrci(core, op);
    case Id::ecall:
      return execute::ecall(core, op);
    case Id::ebreak:
      return execute::ebreak(core, op);
    case Id::sret:
      return execute::sret(core, op);
    case Id::mret:
      return execute::mret(core, op);
    case Id::wfi:
      return execute::wfi(core, op);
    case Id::sfence_vma:
      return execute::sfence_vma(core, op);
    case Id::hfence_vvma:
      return execute::hfence_vvma(core, op);
    case Id::hfence_gvma:
      return execute::hfence_gvma(core, op);
    case Id::sinval_vma:
      return execute::sinval_vma(core, op);
    case Id::sfence_w_inval:
      return execute::sfence_w_inval(core, op);
    case Id::sfence_inval_ir:
      return execute::sfence_inval_ir(core, op);
    case Id::hinval_vvma:
      return execute::hinval_vvma(core, op);
    case Id::hinval_gvma:
      return execute::hinval_gvma(core, op);
    case Id::hlv_d:
      return execute::hlv_d(core, op);
    case Id::hlvx_wu:
      return execute::hlvx_wu(core, op);
    case Id::hlv_bu:
      return execute::hlv_bu(core, op);
    default:
      return core.illegal(op);
  }
}

}  // namespace

std::vector<Step> random_steps(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<Step> steps;
  steps.reserve(count);
  for (std::size_t i = 0; i < count; ++i) steps.push_back(random_step(random));
  return steps;
}

bool is_csr_instruction(std::uint32_t instruction) {
  return (instruction & 0x7F) == 0x73 && (instruction >> 12 & 3) != 0;
}

std::string describe(const Step& step) {
  std::ostringstream text;
  const Op op = decode(step.instruction, {});
  const bool machine = step.mode.privilege == isa::Privilege::machine;
  text << (step.mode.virtualized ? "V"
           : machine             ? "M"
                                 : "")
       << (machine                                       ? ""
           : step.mode.privilege == isa::Privilege::user ? "U"
                                                         : "S")
       << ": " << instruction(op.id).name() << std::hex;
  if (is_csr_instruction(step.instruction))
    text << " csr 0x" << (step.instruction >> 20) << " rs1 " << unsigned{op.rs1};
  text << " x5 0x" << step.x5;
  return text.str();
}

Outcome run_on_model(const Step& step, const Addresses& addresses) {
  FakeCore core;
  HartState& hart = core.state;
  hart.isa_config.sscofpmf = true;
  hart.csr.mtvec = addresses.machine_entry;
  hart.csr.stvec = addresses.supervisor_entry;
  hart.csr.vstvec = addresses.virtual_entry;
  hart.csr.mepc = addresses.slot;
  hart.csr.sepc = hart.csr.vsepc = addresses.slot + 4;
  hart.csr.pmpcfg[0] = 0x1F;
  csr_file::poke(hart, csr::pmpaddr0, ~std::uint64_t{0});
  hart.csr.mstatus = csr::kFs;
  for (std::size_t i = 0; i < std::size(kLoaded); ++i) csr_file::poke(hart, kLoaded[i], step.loads[i]);
  hart.x[5] = step.x5;
  hart.x[6] = step.x6;
  hart.x[10] = 0x5A5A;
  core.guest_value = addresses.guest_value;

  hart.pc = leave_machine(hart);
  for (int budget = 16; budget > 0 && hart.pc != addresses.machine_entry; --budget) {
    if (const auto interrupt = next_interrupt(hart)) {
      take_trap(hart, *interrupt);
      continue;
    }
    Op op = decode(hart.pc == addresses.slot ? step.instruction : kEcall, {});
    core.trap.reset();
    core.next_pc = hart.pc + 4;
    if (execute_op(core, op))
      hart.pc = core.next_pc;
    else
      take_trap(hart, *core.trap);
  }
  Outcome outcome;
  outcome.x10 = hart.x[10];
  for (unsigned number : kDumped) outcome.dump.push_back(csr_file::peek(hart, number));
  return outcome;
}

}  // namespace hvsim::cpu::witness
