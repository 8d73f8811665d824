// The kinds of programs: which pieces they mix, and the state that they start from.
#include "tests/isa/program.h"

#include "models/cpu/isa/csr.h"
#include "tests/isa/generate.h"
#include "tests/isa/kinds.h"

namespace hvsim::oracle {

namespace csr = isa::csr;

void fill(Builder& b, std::initializer_list<Part> parts) {
  unsigned total = 0;
  for (const Part& part : parts) total += part.weight;
  do {
    while (b.room() >= 10) {
      unsigned pick = b.random.below(total);
      const Part* part = parts.begin();
      while (pick >= part->weight) pick -= (part++)->weight;
      part->put(b);
    }
  } while (b.next_bundle());
}

void add_data(Builder& b) {
  for (unsigned page = 0; page < ORACLE_DATA_PAGES; ++page)
    for (auto& word : b.program.pages[ORACLE_DATA_PAGE + page * 4096])
      word = b.random.one_in(3) ? b.random.floating() : b.random.integer();
}

// Into the middle data pages, so that offsets stay within the data.
void point_at_data(Builder& b) {
  const std::uint64_t middle = b.program.slot + ORACLE_DATA_PAGE + 4096;
  const auto anywhere = [&b, middle] { return middle + b.random.below(3 * 4096); };
  for (const unsigned reg : {kSp, kPointerA, kPointerB, kAnywhere}) b.program.x[reg] = anywhere() & ~7ull;
  for (const unsigned reg : {kPointerB, kAnywhere})
    if (b.random.one_in(2)) b.program.x[reg] = anywhere();
  b.program.x[kAligned] = anywhere() & ~15ull;
  b.pinned = kPinned;
}

namespace {

constexpr std::uint64_t napot(std::uint64_t base, std::uint64_t bytes) { return base >> 2 | (bytes / 8 - 1); }
constexpr std::uint64_t kReadWriteExecute = 0x1F, kReadExecute = 0x1D;  // with NAPOT

// M-mode, no translation, everything permitted, traps to their default places.
void start_plainly(Builder& b) {
  Program& p = b.program;
  Random& random = b.random;
  for (unsigned i = 1; i < 32; ++i) p.x[i] = random.integer();
  for (auto& value : p.f) value = random.floating();
  // The stubs, and what is around them lest QEMU find that accesses across pages match two entries.
  p[StartCsr::pmpaddr0] = napot(ORACLE_RAM, 0x4000);
  p[StartCsr::pmpaddr7] = (std::uint64_t{1} << 54) - 1;
  p[StartCsr::pmpcfg0_final] = kReadWriteExecute << 56 | kReadExecute;
  p[StartCsr::stvec] = p[StartCsr::vstvec] = ORACLE_STUBS;
  p[StartCsr::stimecmp] = p[StartCsr::vstimecmp] = ~std::uint64_t{0};
  p[StartCsr::fcsr] = random.below(5) << 5 | random.below(32);
  p.code_address = p.slot + ORACLE_CODE_PAGE;
  p[StartCsr::mepc] = p.code_address;
  p.start_status = csr::kMpp | csr::kFs;
}

void integer(Builder& b) { fill(b, {{put_integer, 20}, {put_jump, 3}}); }

void floating(Builder& b) { fill(b, {{put_float, 40}, {put_float_csr, 4}, {put_integer, 3}}); }

void memory(Builder& b) {
  add_data(b);
  point_at_data(b);
  fill(b, {{put_memory, 20},
           {put_atomic, 8},
           {put_cache_block, 2},
           {put_integer, 5},
           {put_jump, 1},
           {put_fence, 1}});
}

void anything(Builder& b) {
  add_data(b);
  point_at_data(b);
  fill(b, {{put_memory, 10},
           {put_atomic, 3},
           {put_cache_block, 1},
           {put_integer, 10},
           {put_float, 10},
           {put_float_csr, 1},
           {put_jump, 3},
           {put_fence, 1},
           {put_reserved, 1}});
}

// A start in any mode, with any delegation, interrupts pending and FP state on or off.
void start_anywhere(Builder& b) {
  Program& p = b.program;
  Random& random = b.random;
  const std::uint64_t mode =
      random.of({std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1}, std::uint64_t{3}});
  p.guests = !random.one_in(4);
  const bool virtualized = p.guests && mode != 3 && random.one_in(2);
  const std::uint64_t fs = !random.one_in(4) ? csr::kFs : p.guests ? 0 : random.next() & csr::kFs;
  p.start_status = mode << csr::kMppShift | (virtualized ? csr::kMpv : 0) | fs |
                   some_of(random, csr::kMpie | csr::kSie | csr::kSpie | csr::kSpp | csr::kSum | csr::kMxr);
  for (const std::uint64_t bit : {p.guests ? 0 : csr::kTvm, csr::kTw, p.guests ? 0 : csr::kTsr})
    if (random.one_in(4)) p.start_status |= bit;
  p[StartCsr::vsstatus] = (random.one_in(4) ? 0 : csr::kFs) |
                          some_of(random, csr::kSie | csr::kSpie | csr::kSpp | csr::kSum | csr::kMxr);
  p[StartCsr::hstatus] = some_of(random, (p.guests ? csr::kSpv : 0) | csr::kSpvp | csr::kHu);
  p.vtvm = random.one_in(4);
  for (const std::uint64_t bit : {p.vtvm ? csr::kVtvm : 0, csr::kVtw, csr::kVtsr})
    if (random.one_in(4)) p[StartCsr::hstatus] |= bit;
  if (!random.one_in(3)) p[StartCsr::medeleg] = paired_medeleg(some_of(random, kMedeleg));
  if (!random.one_in(3)) p[StartCsr::hedeleg] = some_of(random, kHedeleg);
  for (const StartCsr counters : {StartCsr::mcounteren, StartCsr::hcounteren, StartCsr::scounteren})
    p[counters] = some_of(random, 7);
  p[StartCsr::menvcfg] = random.one_in(2) ? csr::kStce : 0;
  if (p[StartCsr::menvcfg] != 0) p.withheld_interrupts = 0x40;
  p[StartCsr::henvcfg] = random.one_in(2) ? p[StartCsr::menvcfg] : 0;
  if (p.witness->has_cache_blocks()) {
    constexpr std::uint64_t cache = csr::kCbie | csr::kCbcfe | csr::kCbze;
    for (const StartCsr environment : {StartCsr::menvcfg, StartCsr::henvcfg, StartCsr::senvcfg})
      p[environment] |= random.one_in(3) ? legal_environment(some_of(random, cache)) : cache;
  }
  if (p.witness->has_state_enables()) {
    constexpr std::uint64_t all = csr::kStateenEnvcfg | csr::kStateenSe;
    for (std::uint64_t* enables : {&p.mstateen0, &p.hstateen0})
      *enables = random.one_in(3) ? some_of(random, all) : all;
  }
  p[StartCsr::mideleg] = some_of(random, 0x222);
  p[StartCsr::hideleg] = some_of(random, 0x444);
  if (random.one_in(3)) {
    p[StartCsr::mie] = some_of(random, 0x666);
    p[StartCsr::mip] = some_of(random, 0x202);
    p[StartCsr::hvip] = some_of(random, 0x444) & ~p.withheld_interrupts;
  }
  for (const StartCsr plain : {StartCsr::sscratch, StartCsr::vsscratch, StartCsr::scause, StartCsr::vscause,
                               StartCsr::stval, StartCsr::vstval, StartCsr::mtval, StartCsr::mtval2})
    p[plain] = random.integer() & ~(std::uint64_t{1} << 63);
}

void privileged(Builder& b) {
  add_data(b);
  point_at_data(b);
  start_anywhere(b);
  fill(b, {{put_csr, 30},
           {put_mode_change, 8},
           {put_system, 3},
           {put_guest_memory, 4},
           {put_integer, 4},
           {put_memory, 3},
           {put_cache_block, 2},
           {put_float, 3},
           {put_float_csr, 1},
           {put_reserved, 1}});
}

struct Kind {
  const char* name;
  void (*make)(Builder&);
  unsigned weight;
};
constexpr Kind kKinds[] = {
    {"integer", integer, 10},           {"float", floating, 15},        {"memory", memory, 10},
    {"anything", anything, 10},         {"privileged", privileged, 20}, {"paging", paging, 12},
    {"guest paging", guest_paging, 20}, {"protection", protection, 3}};

const Kind& kind_of(Random& random, const std::string& wanted) {
  for (const Kind& kind : kKinds)
    if (kind.name == wanted) return kind;
  unsigned total = 0;
  for (const Kind& kind : kKinds) total += kind.weight;
  unsigned pick = random.below(total);
  const Kind* kind = kKinds;
  while (pick >= kind->weight) pick -= (kind++)->weight;
  return *kind;
}

}  // namespace

Program make_program(const Witness& witness, std::uint64_t seed, unsigned number, std::uint64_t slot,
                     const std::string& kind_wanted) {
  Random random(seed * 0x1'0000'0001 + number);
  const Kind& kind = kind_of(random, kind_wanted);
  Program program;
  program.witness = &witness;
  program.kind = kind.name;
  program.slot = slot;
  Builder builder(random, program);
  start_plainly(builder);
  kind.make(builder);
  builder.finish();
  return program;
}

}  // namespace hvsim::oracle
