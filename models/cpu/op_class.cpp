// Which CSR writes and fences the pipeline starts anew for.
#include "models/cpu/op_class.h"

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

}  // namespace hvsim::cpu
