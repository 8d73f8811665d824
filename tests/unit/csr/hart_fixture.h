// A hart's state in a given mode, and short ways to ask it about CSRs.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "models/cpu/csr_file.h"
#include "models/cpu/hart_state.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/types.h"

namespace hvsim::cpu::testing {

namespace csr = isa::csr;
using csr_file::CsrResult;

inline constexpr isa::Mode kM{isa::Privilege::machine, false}, kHs{isa::Privilege::supervisor, false},
    kU{isa::Privilege::user, false}, kVs{isa::Privilege::supervisor, true}, kVu{isa::Privilege::user, true};
inline constexpr isa::Mode kAllModes[] = {kM, kHs, kU, kVs, kVu};

inline constexpr CsrResult kOk = CsrResult::ok, kIllegal = CsrResult::illegal_instruction,
                           kVirtual = CsrResult::virtual_instruction;

inline constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

struct TestHart : HartState {
  explicit TestHart(isa::Mode m = kM) {
    mode = m;
    isa_config.sscofpmf = true;
  }

  TestHart& in(isa::Mode m) {
    mode = m;
    return *this;
  }
  CsrResult reads(unsigned number) const { return csr_file::check(*this, number, false); }
  CsrResult writes(unsigned number) const { return csr_file::check(*this, number, true); }
  // As an instruction in the present mode; the access must be allowed.
  std::uint64_t get(unsigned number) const {
    std::uint64_t value = 0;
    EXPECT_EQ(csr_file::read(*this, number, value), kOk) << std::hex << "csr 0x" << number;
    return value;
  }
  void set(unsigned number, std::uint64_t value) {
    EXPECT_EQ(csr_file::write(*this, number, value), kOk) << std::hex << "csr 0x" << number;
  }
  std::uint64_t set_and_get(unsigned number, std::uint64_t value) {
    set(number, value);
    return get(number);
  }
};

}  // namespace hvsim::cpu::testing
