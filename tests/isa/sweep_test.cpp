// Virtual or illegal instruction, or neither: every CSR from every mode below M, and the instructions that H
// and its kin guard, as QEMU 10 has it. Where it has it otherwise the manual decides.
#include "tests/isa/suite/sweep.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "models/cpu/csr_map.h"
#include "tests/isa/machines.h"

namespace hvsim::oracle {
namespace {

namespace csr = isa::csr;
constexpr const char* kModes[] = {"U", "HS", "VU", "VS"};
constexpr unsigned kVu = 2;
constexpr std::uint64_t kIllegal = 3, kVirtual = 23;  // as recorded
constexpr std::uint64_t twice(std::uint64_t cause) { return cause << 8 | cause; }

struct Access {
  unsigned state, mode, number;
};

std::uint64_t recorded(std::span<const std::uint8_t> memory, const Access& access) {
  const std::size_t index = (access.state * SWEEP_MODES + access.mode) * SWEEP_ACCESSES + access.number;
  std::uint64_t value = 0;
  std::memcpy(&value, memory.data() + (SWEEP_RECORDS - SWEEP_RAM) + 8 * index, sizeof value);
  return value;
}

// Sections of the privileged manual.
const char* explanation(const Access& access, std::uint64_t ours, std::uint64_t qemu) {
  const unsigned number = access.number;
  // "Svinval": illegal in U-mode, virtual in VU-mode.
  const bool orders = number == SWEEP_CSRS + 7 || number == SWEEP_CSRS + 8;
  if (orders && (access.mode & 1) == 0 && qemu == 0 && ours == (access.mode == kVu ? kVirtual : kIllegal))
    return "sfence.w.inval and sfence.inval.ir in user modes";
  if (number >= SWEEP_CSRS) return nullptr;
  if ((number & ~3u) == csr::hstateen0 + 0x10 && ours == twice(kIllegal))
    return "hstateen0h to hstateen3h, which only RV32 has";
  const bool read_only = cpu::csr_read_only(number);
  // "Trap Cause Codes" of H: what HS-mode may do is a virtual instruction in VU-mode; QEMU 10 knows that of
  // the hypervisor's registers alone.
  const bool supervisor = cpu::csr_level(number) == 1 && access.mode == kVu;
  if (supervisor && qemu == twice(kIllegal) &&
      (ours == twice(kVirtual) || (read_only && ours == (kVirtual << 8 | kIllegal))))
    return "supervisor registers in VU-mode";
  // The same section, of what mstateen0 keeps from HS-mode: illegal.
  const bool guarded = number == csr::henvcfg || (number >= csr::hstateen0 && number < csr::hstateen0 + 4);
  if (guarded && access.mode >= kVu && ours == twice(kIllegal) && qemu == twice(kVirtual))
    return "henvcfg and hstateen that mstateen0 guards";
  if (number >= csr::hpmcounter3 + 16 && number < csr::cycle + 32 && qemu == twice(kIllegal))
    return "hpmcounter19 and on, which QEMU does not have by default";
  return nullptr;
}

TEST(Sweep, EveryCsrFromEveryModeTrapsAsItMust) {
  const std::vector<Witness> witnesses = find_witnesses();
  const Witness& witness = witnesses.back();
  if (!witness.has_state_enables()) {
    std::puts("QEMU 10, the witness here, was not fetched (./hvsim guest fetch qemu)");
    return;
  }
  std::ifstream file(HVSIM_SWEEP, std::ios::binary);
  const std::vector<std::uint8_t> image{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(image.empty());
  RamFile ram;
  ASSERT_TRUE(ram.valid());
  std::memcpy(ram.memory().data(), image.data(), image.size());
  Qemu qemu(witness, ram);
  const ModelRun model = run_model(witness, image, sim::TimingMode::functional);
  ASSERT_EQ(model.problem, "");
  ASSERT_TRUE(qemu.wait(std::chrono::seconds(100)));

  std::map<std::string, unsigned> explained;
  unsigned allowed = 0, virtuals = 0, different = 0;
  for (unsigned state = 0; state < SWEEP_STATES; ++state)
    for (unsigned mode = 0; mode < SWEEP_MODES; ++mode)
      for (unsigned number = 0; number < SWEEP_ACCESSES && different < 20; ++number) {
        const Access access{state, mode, number};
        const std::uint64_t ours = recorded(model.memory(), access), theirs = recorded(ram.memory(), access);
        allowed += ours == 0;
        virtuals += (ours & 0xFF) == kVirtual;
        if (ours == theirs) continue;
        if (const char* why = explanation(access, ours, theirs)) {
          ++explained[why];
          continue;
        }
        ++different;
        ADD_FAILURE() << "state " << state << ", " << kModes[mode] << ", "
                      << (number < SWEEP_CSRS ? "csr " + std::to_string(number)
                                              : "instruction " + std::to_string(number - SWEEP_CSRS))
                      << std::hex << ": hvsim 0x" << ours << ", QEMU 0x" << theirs;
      }
  for (const auto& [why, times] : explained)
    std::printf("known difference, %u times: %s\n", times, why.c_str());
  EXPECT_GT(allowed, 1000u);
  EXPECT_GT(virtuals, 1000u);
}

}  // namespace
}  // namespace hvsim::oracle
