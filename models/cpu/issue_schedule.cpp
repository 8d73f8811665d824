// The scoreboard that runs once per block, at decode.
#include "models/cpu/issue_schedule.h"

#include <algorithm>
#include <array>

#include "models/cpu/hart_state.h"
#include "models/cpu/instruction_table.h"
#include "models/cpu/isa/csr.h"

namespace hvsim::cpu {
namespace {

bool writes_csr(const Op& op) {
  if (op.id == Id::csrrw || op.id == Id::csrrwi) return true;
  return op.rs1 != 0;  // csrrs/csrrc with x0, or a zero immediate, only read
}

bool holds_up_pipeline(int number) {
  switch (static_cast<unsigned>(number)) {
    case isa::csr::mstatus:
    case isa::csr::sstatus:
    case isa::csr::vsstatus:
    case isa::csr::hstatus:
    case isa::csr::satp:
    case isa::csr::vsatp:
    case isa::csr::hgatp:
    case isa::csr::fcsr:
    case isa::csr::frm:
    case isa::csr::fflags:
      return true;
    default:
      return false;
  }
}

isa::Cycles system_cost(const Op& op, const TimingConfig& costs) {
  switch (op.id) {
    case Id::mret:
    case Id::sret:
      return costs.trap_return;
    case Id::wfi:
      return costs.wfi;
    default:
      return is_translation_fence(op.id) ? costs.tlb_fence : 1;
  }
}

isa::Cycles single(const Op& op, isa::Cycles cycles, const TimingConfig& costs) {
  if (!instruction(op.id).name().ends_with(".s") || cycles <= costs.fp_single_saves) return cycles;
  return cycles - costs.fp_single_saves;
}

struct Cost {
  isa::Cycles busy;     // cycles until the next instruction may issue
  isa::Cycles latency;  // cycles until a dependent one may
};

Cost cost_of(const Op& op, Class klass, const TimingConfig& costs) {
  switch (klass) {
    case Class::alu:
      return {1, costs.alu};
    case Class::mul:
      return {1, costs.mul};
    case Class::div:
      return {costs.div, costs.div};
    case Class::load:
    case Class::guest_load:
      return {1, 1 + costs.load_use};
    case Class::lr:
    case Class::sc:
    case Class::amo:
      return {1 + costs.atomic, 1 + costs.atomic};
    case Class::fp_add:
      return {1, single(op, costs.fp_add, costs)};
    case Class::fp_mul:
      return {1, single(op, costs.fp_mul, costs)};
    case Class::fp_fma:
      return {1, single(op, costs.fp_fma, costs)};
    case Class::fp_div:
      return {costs.fp_div, costs.fp_div};
    case Class::fp_sqrt:
      return {costs.fp_sqrt, costs.fp_sqrt};
    case Class::fp_convert:
      return {1, costs.fp_convert};
    case Class::fp_move:
      return {1, costs.fp_move};
    case Class::csr: {
      const isa::Cycles c = flushes_pipeline(op) ? costs.csr_flush : costs.csr;
      return {c, c};
    }
    case Class::fence:
      return {costs.fence, costs.fence};
    case Class::fence_i:
      return {costs.fence_i, costs.fence_i};
    case Class::system: {
      const isa::Cycles c = system_cost(op, costs);
      return {c, c};
    }
    default:
      return {1, 1};
  }
}

class Scoreboard {
 public:
  isa::Cycles ready(RegisterFile file, unsigned number) const {
    if (file == RegisterFile::x) return x_[number];
    return file == RegisterFile::f ? f_[number] : 0;
  }
  void produce(RegisterFile file, unsigned number, isa::Cycles at) {
    if (file == RegisterFile::x && number != HartState::kSink) x_[number] = at;
    if (file == RegisterFile::f) f_[number] = at;
  }

 private:
  std::array<isa::Cycles, 33> x_{};
  std::array<isa::Cycles, 32> f_{};
};

}  // namespace

bool flushes_pipeline(const Op& op) { return writes_csr(op) && holds_up_pipeline(op.imm); }

bool is_translation_fence(Id id) {
  switch (id) {
    case Id::sfence_vma:
    case Id::hfence_vvma:
    case Id::hfence_gvma:
    case Id::sinval_vma:
    case Id::hinval_vvma:
    case Id::hinval_gvma:
      return true;
    default:
      return false;
  }
}

void schedule(std::span<Op> ops, const TimingConfig& costs) {
  Scoreboard board;
  isa::Cycles now = 0;
  for (Op& op : ops) {
    const Instruction& what = instruction(op.id);
    const Operands& in = operands(what.format);
    const isa::Cycles issue = std::max(
        {now, board.ready(in.rs1, op.rs1), board.ready(in.rs2, op.rs2), board.ready(in.rs3, op.rs3)});
    const Cost cost = cost_of(op, what.klass, costs);
    now = issue + std::max<isa::Cycles>(cost.busy, 1);
    board.produce(in.rd, op.rd, issue + std::max<isa::Cycles>(cost.latency, 1));
    op.issue = static_cast<std::uint16_t>(std::min<isa::Cycles>(now, 0xFFFF));
  }
}

}  // namespace hvsim::cpu
