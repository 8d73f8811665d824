// The columns of the instruction trace.
#include "sim/trace.h"

#include <cstdio>
#include <type_traits>

#include "models/cpu/csr_file.h"
#include "models/cpu/csr_names.h"
#include "models/cpu/disassembler.h"
#include "models/cpu/execute_atomic.h"
#include "models/cpu/instruction_table.h"
#include "sim/access_of.h"
#include "sim/image/format.h"
#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

using cpu::Class;
using cpu::RegisterFile;

// Memory that holds one value: what an AMO makes of it is what its execute function makes of it.
struct OneValue {
  cpu::HartState state;
  std::uint64_t value = 0;
  template <class T, class Update>
  bool amo(std::uint64_t, Update update, T& old) {
    old = static_cast<T>(value);
    value = static_cast<std::uint64_t>(static_cast<std::make_signed_t<T>>(update(old)));
    return true;
  }
};

void modify(OneValue& memory, const cpu::Op& op) {
  namespace execute = cpu::execute;
  switch (op.id) {
#define HVSIM_AMO(name)            \
  case cpu::Id::name##_w:          \
    execute::name##_w(memory, op); \
    break;                         \
  case cpu::Id::name##_d:          \
    execute::name##_d(memory, op); \
    break;
    HVSIM_AMO(amoswap)
    HVSIM_AMO(amoadd)
    HVSIM_AMO(amoxor)
    HVSIM_AMO(amoand)
    HVSIM_AMO(amoor)
    HVSIM_AMO(amomin)
    HVSIM_AMO(amomax)
    HVSIM_AMO(amominu)
    HVSIM_AMO(amomaxu)
#undef HVSIM_AMO
    default:
      break;
  }
}

// With V=1 the supervisor CSRs that have VS copies name those.
unsigned csr_meant(unsigned number, isa::Mode mode) {
  const bool supervisor = number >> 8 == 1;
  return mode.virtualized && supervisor && !cpu::csr_name(number + 0x100).empty() ? number + 0x100 : number;
}

}  // namespace

TracedStep::TracedStep(const cpu::HartState& hart, const cpu::StepSeen& seen) : seen_(seen), op_(*seen.op) {
  if (const auto access = access_of(hart, op_);
      access && cpu::instruction(op_.id).klass != Class::cache_block) {
    address_ = access->address;
    writes_ = access->writes;
  }
  const bool from_float = cpu::operands(cpu::instruction(op_.id).format).rs2 == RegisterFile::f;
  stored_ = from_float ? hart.f[op_.rs2 & 31] : hart.x[op_.rs2];
}

auto TracedStep::effects(const cpu::HartState& hart) const -> std::vector<Effect> {
  std::vector<Effect> all;
  const cpu::Instruction& row = cpu::instruction(op_.id);
  const RegisterFile file = cpu::operands(row.format).rd;
  if (file == RegisterFile::x && op_.rd != cpu::HartState::kSink)
    all.push_back({cpu::register_name(op_.rd), hart.x[op_.rd]});
  if (file == RegisterFile::f) all.push_back({cpu::float_register_name(op_.rd), hart.f[op_.rd]});
  const bool reads_only = op_.rs1 == 0 && op_.id != cpu::Id::csrrw && op_.id != cpu::Id::csrrwi;
  if (row.klass == Class::csr && !reads_only) {
    const auto number = static_cast<unsigned>(op_.imm);
    all.push_back({cpu::csr_name(number), cpu::csr_file::peek(hart, csr_meant(number, seen_.mode))});
  }
  const bool failed = row.klass == Class::sc && hart.x[op_.rd] != 0;
  if (writes_ && !failed) all.push_back({"[" + hex(*address_) + "]", stored(hart)});
  return all;
}

std::uint64_t TracedStep::stored(const cpu::HartState& hart) const {
  if (cpu::instruction(op_.id).klass != Class::amo) return stored_;
  OneValue memory{.state = {}, .value = hart.x[op_.rd]};
  memory.state.x[op_.rs2] = stored_;
  modify(memory, op_);
  return memory.value;
}

std::string step_columns(const cpu::StepSeen& seen, const cpu::Op& op) {
  char text[160];
  std::snprintf(text, sizeof text, "%12llu %-2s %16llx  %-34s", static_cast<unsigned long long>(seen.cycle),
                std::string(mode_name(seen.mode)).c_str(), static_cast<unsigned long long>(seen.pc),
                cpu::list_encoding(op.raw, seen.pc, {}).c_str());
  return text;
}

std::string TracedStep::text(const cpu::HartState& hart) const {
  std::string text = step_columns(seen_, op_);
  for (const Effect& effect : effects(hart)) text += " " + effect.what + "=" + hex(effect.value);
  const Class klass = cpu::instruction(op_.id).klass;
  const bool failed = klass == Class::sc && hart.x[op_.rd] != 0;
  if (address_ && (failed || !writes_)) text += " [" + hex(*address_) + "]";
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

Json TracedStep::json(const cpu::HartState& hart, const Symbols& symbols) const {
  char encoding[12];
  std::snprintf(encoding, sizeof encoding, op_.length == 2 ? "0x%04x" : "0x%08x", op_.raw);
  Json json{{"kind", "instruction"},         {"hart", hart.hart_id},
            {"cycle", seen_.cycle},          {"instruction_count", seen_.retired},
            {"mode", mode_name(seen_.mode)}, {"pc", hex(seen_.pc)},
            {"encoding", encoding},          {"text", cpu::list_encoding(op_.raw, seen_.pc, {})}};
  const std::string symbol = symbols.symbol(seen_.mode, seen_.vm, seen_.pc);
  if (!symbol.empty()) json["symbol"] = symbol;
  for (const Effect& effect : effects(hart)) json["effects"][effect.what] = hex(effect.value);
  if (address_) json["address"] = hex(*address_);
  return json;
}

}  // namespace hvsim::sim
