// One random program: its start state, code and memory, and where each instruction was put.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/cpu/op.h"
#include "tests/isa/layout.h"
#include "tests/isa/witness.h"

namespace hvsim::oracle {

enum class StartCsr : std::uint8_t {
#define ORACLE_CSR(name, number) name,
#include "tests/isa/start_csrs.def"
#undef ORACLE_CSR
  count,
};
enum class TrapCsr : std::uint8_t {
#define ORACLE_CSR(name, number) name,
#include "tests/isa/trap_csrs.def"
#undef ORACLE_CSR
  count,
};
enum class FinalCsr : std::uint8_t {
#define ORACLE_CSR(name, number) name,
#include "tests/isa/final_csrs.def"
#undef ORACLE_CSR
  count,
};

inline constexpr unsigned kBundleBytes = 1u << ORACLE_BUNDLE_SHIFT;

struct Placed {
  std::uint32_t raw = 0;  // 16 or 32 bits
  unsigned offset = 0;    // in the code page
  bool certain = true;    // no jump of its bundle can step over it
  bool compressed() const { return (raw & 3) != 3; }
  unsigned bundle() const { return offset / kBundleBytes; }
};

struct Program {
  const Witness* witness = nullptr;  // whose abilities it was made for
  std::string kind;
  std::uint64_t slot = 0;          // physical address
  std::uint64_t code_address = 0;  // as the program sees it
  unsigned bundles = 0;
  unsigned most_bundles = 14;
  bool amos = true;
  bool cache_blocks = true;  // as far as the witness has them
  bool hlvx = true;
  bool aligned = false;                   // loads and stores are
  bool faults_anywhere = false;           // memory accesses may fault, besides being misaligned
  std::uint64_t start_status = 0;         // mstatus that the program starts with
  std::uint64_t withheld_interrupts = 0;  // bits of hvip that QEMU does not take as it should
  bool vtvm = false;                      // hstatus.VTVM may be set, and satp is left alone
  bool guests = true;                     // V may become 1; TVM and TSR are left alone
  std::array<std::uint64_t, 32> x{}, f{};
  std::array<std::uint64_t, static_cast<unsigned>(StartCsr::count)> csrs{};
  std::uint64_t mstateen0 = 0, hstateen0 = 0;  // where the witness has them
  std::vector<Placed> placed;
  std::array<std::uint8_t, 4096> code{};
  std::map<unsigned, std::array<std::uint64_t, 512>> pages;  // data and page tables, by offset in the slot

  std::uint64_t& operator[](StartCsr csr) { return csrs[static_cast<unsigned>(csr)]; }
  std::uint64_t operator[](StartCsr csr) const { return csrs[static_cast<unsigned>(csr)]; }
};

// A program is a function of the witness's version, the seed and its number alone; `slot` says where it will
// run. A kind may be asked for ("guest paging"); otherwise it is random.
Program make_program(const Witness& witness, std::uint64_t seed, unsigned number, std::uint64_t slot,
                     const std::string& kind_wanted = {});

}  // namespace hvsim::oracle
