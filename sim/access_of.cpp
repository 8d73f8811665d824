// Base plus offset, or the base alone; how wide it is, the instruction's name says.
#include "sim/access_of.h"

#include <string_view>

#include "models/cpu/debug_points.h"
#include "models/cpu/instruction_table.h"

namespace hvsim::sim {
namespace {

using cpu::Class;

// lb, lhu, amoadd_w, hlvx_wu, fld: the last letter but a "u".
unsigned width(std::string_view name) {
  if (name.ends_with('u')) name.remove_suffix(1);
  switch (name.back()) {
    case 'b':
      return 1;
    case 'h':
      return 2;
    case 'w':
      return 4;
    default:
      return 8;
  }
}

}  // namespace

std::optional<AccessOf> access_of(const cpu::HartState& hart, const cpu::Op& op) {
  const cpu::Instruction& row = cpu::instruction(op.id);
  const std::uint64_t base = hart.x[op.rs1];
  const std::uint64_t address = base + static_cast<std::uint64_t>(std::int64_t{op.imm});
  switch (row.klass) {
    case Class::load:
      return AccessOf{.address = address, .bytes = width(row.name()), .reads = true};
    case Class::store:
      return AccessOf{.address = address, .bytes = width(row.name()), .writes = true};
    case Class::lr:
    case Class::guest_load:
      return AccessOf{.address = base, .bytes = width(row.name()), .reads = true};
    case Class::sc:
    case Class::guest_store:
      return AccessOf{.address = base, .bytes = width(row.name()), .writes = true};
    case Class::amo:
      return AccessOf{.address = base, .bytes = width(row.name()), .reads = true, .writes = true};
    case Class::cache_block:
      if (op.id != cpu::Id::cbo_zero) return std::nullopt;
      return AccessOf{.address = base & ~std::uint64_t{cpu::kLongestStore - 1},
                      .bytes = cpu::kLongestStore,
                      .writes = true};
    default:
      return std::nullopt;
  }
}

}  // namespace hvsim::sim
