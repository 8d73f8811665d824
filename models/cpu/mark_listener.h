// Who hears marks that are more than a hart's own business.
#pragma once

#include <cstdint>

#include "models/cpu/accountant.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

class MarkListener {
 public:
  virtual ~MarkListener() = default;
  // Phases change several times per exit; asked when somebody begins to listen to a hart.
  virtual bool hears_phases() const { return false; }
  // `who` executed it on `hart`.
  virtual void marked(unsigned hart, isa::Cycles now, const CellKey& who, isa::MarkKind kind,
                      std::uint64_t value) = 0;
};

}  // namespace hvsim::cpu
