// Instructions of a bundle count up to its first trap.
#include "tests/isa/coverage.h"

#include <algorithm>
#include <array>

#include "models/cpu/compressed.h"
#include "models/cpu/decoder.h"
#include "models/cpu/instruction_table.h"
#include "tests/isa/compare.h"

namespace hvsim::oracle {
namespace {

// Those that trap or leave their bundle: seen by their effect.
bool leaves(cpu::Id id) { return id == cpu::Id::ecall || id == cpu::Id::ebreak; }

bool can_be_seen(const cpu::Instruction& row, const Witness& witness) {
  if (row.klass == cpu::Class::cache_block) return witness.has_cache_blocks();
  if (row.extension == cpu::Extension::zicond) return witness.has_conditionals();
  return row.klass != cpu::Class::system && row.klass < cpu::Class::guest_load;
}

}  // namespace

void Coverage::add(const Program& program, std::span<const std::uint8_t> memory) {
  Limits end{};
  end.fill(4096);
  bool elsewhere = false;
  for (unsigned trap = 0; trap < trap_count(program, memory); ++trap) {
    for (const TrapCsr csr : {TrapCsr::mepc, TrapCsr::sepc, TrapCsr::vsepc}) {
      const std::uint64_t offset = trap_csr(program, memory, trap, csr) - program.code_address;
      if (offset < ORACLE_MAX_BUNDLES * kBundleBytes) {
        unsigned& limit = end[offset / kBundleBytes];
        limit = std::min(limit, static_cast<unsigned>(offset));
      }
    }
    const std::uint64_t from = trap_csr(program, memory, trap, TrapCsr::mepc);
    const bool stub = from >= ORACLE_STUBS && from < ORACLE_STUBS + 4096;
    elsewhere |= !stub && from - program.code_address >= 4096;
  }
  if (program.faults_anywhere) count_accesses(program, end);
  if (elsewhere) return;  // control was lost: nothing is certain
  for (const Placed& placed : program.placed) {
    if (!placed.certain) continue;
    const cpu::Op op = cpu::decode(placed.raw, {});
    const unsigned limit = end[placed.bundle()];
    if (placed.offset > limit || (placed.offset == limit && !leaves(op.id))) continue;
    seen_.insert(std::string(cpu::instruction(op.id).name()));
    if (placed.compressed())
      seen_.insert(std::string(cpu::compressed_name(static_cast<std::uint16_t>(placed.raw))));
  }
}

// Jumps to other pages end their bundle, and need not be looked for in the log.
void Coverage::count_accesses(const Program& program, const Limits& end) {
  using cpu::Class;
  const std::uint64_t before = accesses_;
  for (const Placed& placed : program.placed) {
    if (placed.offset > end[placed.bundle()]) continue;
    switch (cpu::instruction(cpu::decode(placed.raw, {}).id).klass) {
      case Class::load:
      case Class::store:
      case Class::amo:
      case Class::guest_load:
      case Class::guest_store:
      case Class::cache_block:
        ++accesses_;
        break;
      default:
        accesses_ += (placed.raw & 0xFFF) == 0x367;  // put_fetch's jalr
    }
  }
  if (program[StartCsr::vsatp] != 0 && program[StartCsr::hgatp] != 0) two_stage_ += accesses_ - before;
}

std::set<std::string> Coverage::missing(const Witness& witness) const {
  std::set<std::string> missing;
  const auto note = [&](std::string_view name) {
    if (name != "illegal" && !seen_.contains(std::string(name))) missing.insert(std::string(name));
  };
  for (const cpu::Instruction& row : cpu::kInstructions)
    if (can_be_seen(row, witness)) note(row.name());
  for (unsigned half = 0; half < 0x10000; ++half)
    if (cpu::is_compressed(half) && half != 0x9002)
      note(cpu::compressed_name(static_cast<std::uint16_t>(half)));
  return missing;
}

}  // namespace hvsim::oracle
